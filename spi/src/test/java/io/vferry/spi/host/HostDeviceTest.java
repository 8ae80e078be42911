package io.vferry.spi.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What a device has without doing anything for it. */
class HostDeviceTest {

  private record Bare(Optional<HostClock> given) implements HostDevice {

    @Override
    public HostDeviceInfo info() {
      return new HostDeviceInfo(DeviceAddress.parse("test:x"), "test", 0, 0, 0, 0, false, Map.of());
    }

    @Override
    public List<RegionInfo> regions() {
      return List.of();
    }

    @Override
    public Region region(int index) throws MigrationException {
      throw new MigrationException(DeviceError.BAD_REQUEST, "no region");
    }

    @Override
    public Interrupts interrupts() {
      return Interrupts.none();
    }

    @Override
    public DmaSpace dma() {
      return DmaSpace.unused();
    }

    @Override
    public void reset() {}

    @Override
    public Optional<HostDevice> companion(String role) {
      return Optional.empty();
    }

    @Override
    public <T> Optional<T> capability(Class<T> type) {
      return type == HostClock.class ? given.map(type::cast) : Optional.empty();
    }

    @Override
    public void close() {}
  }

  private static void refused(DeviceError code, String says, ThrowingCallable call) {
    MigrationException e = catchThrowableOfType(MigrationException.class, call);
    assertThat(e).isNotNull();
    assertThat(e.code()).isEqualTo(code);
    assertThat(e.getMessage()).contains(says);
  }

  @Test
  void givesTheClockOfItsHost() throws MigrationException {
    try (SystemHostClock clock = new SystemHostClock(Thread::new)) {
      assertThat(new Bare(Optional.of(clock)).clock()).isSameAs(clock);
    }
    refused(
        DeviceError.NOT_MIGRATABLE,
        "device test:x comes from a host that gives no clock",
        () -> new Bare(Optional.empty()).clock());
  }

  @Test
  void hasNoInterrupts() {
    Interrupts none = Interrupts.none();
    assertThat(none.info()).isEmpty();
    List<ThrowingCallable> calls =
        List.of(
            () -> none.enable(0, 1, vector -> {}),
            () -> none.disable(0),
            () -> none.mask(0, 0),
            () -> none.unmask(0, 0),
            () -> none.trigger(0, 0));
    for (ThrowingCallable call : calls) {
      refused(DeviceError.BAD_REQUEST, "no interrupts", call);
    }
  }

  @Test
  void hasMemoryMappedForNothing() throws MigrationException {
    DmaSpace unused = DmaSpace.unused();
    assertThat(unused.usableRanges()).containsExactly(new MemoryRange(0, 1L << 48));
    assertThat(unused.pageSizeBytes()).isEqualTo(4096);
    unused.map(0, ByteBuffer.allocateDirect(4096), DmaSpace.Direction.READ_WRITE);
    unused.unmap(new MemoryRange(0, 4096));
  }
}
