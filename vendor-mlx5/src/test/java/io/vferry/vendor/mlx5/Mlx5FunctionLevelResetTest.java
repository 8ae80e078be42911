package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.mlx5.model.Mlx5TestClock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a guest does to a function by Initiate Function Level Reset, and not to its neighbours. */
class Mlx5FunctionLevelResetTest {

  private static final int CONTROL = 0x68;
  private static final int STATUS = 0x6a;
  private static final int PENDING = 0x20;
  private static final String CARD = "state=1MiB&save-time=50ms&vfs=2";

  private final Mlx5TestClock clock = new Mlx5TestClock();
  private final SharedParts card = new SharedParts();

  private Mlx5Side open(int vf) throws MigrationException {
    return Mlx5Side.open(CARD + "&seed=" + (vf + 1), clock, card, vf);
  }

  /** As Linux does it: reads the control register and writes it back with one bit more. */
  private static void reset(HostDevice function) throws MigrationException {
    Region config = function.region(RegionInfo.PCI_CONFIG);
    ByteBuffer control = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    config.read(CONTROL, control);
    config.write(CONTROL, control.putShort(0, (short) (control.getShort(0) | 0x8000)).rewind());
  }

  private static int status(HostDevice function) throws MigrationException {
    ByteBuffer status = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    function.region(RegionInfo.PCI_CONFIG).read(STATUS, status);
    return status.getShort(0);
  }

  private static long resets(HostDevice function) {
    return function.capability(ResetCount.class).orElseThrow().resets();
  }

  private interface Step {
    void run() throws MigrationException;
  }

  private static MigrationException failure(Step step) {
    return catchThrowableOfType(MigrationException.class, step::run);
  }

  /** The other function is in the middle of being saved, and arrives whole at a third. */
  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ERROR"})
  void inEachStateItEndsTheSessionOfThisFunctionAlone(DeviceState state) throws Exception {
    try (Mlx5Side side = open(0);
        Mlx5Side other = open(1);
        Mlx5Side third = Mlx5Side.open("state=1MiB&seed=3")) {
      int objects = side.bench.objects();
      side.to(state);
      other.to(DeviceState.STOP_COPY);
      ByteBuffer start = ByteBuffer.allocate(16);
      other.out().read(start);
      reset(side.host);

      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      assertThat(side.bench.condition(0)).isEqualTo("running");
      assertThat(resets(side.host)).isOne();
      assertThat(resets(other.host)).isZero();
      assertThat(resets(side.host.companion("pf").orElseThrow())).isZero();
      if (state.saving()) {
        assertThat(failure(side::readAll).code()).isEqualTo(DeviceError.SESSION_CLOSED);
      } else if (state == DeviceState.RESUMING) {
        assertThat(failure(() -> side.in().write(ByteBuffer.allocate(8))).code())
            .isEqualTo(DeviceError.SESSION_CLOSED);
      }
      assertThat(other.device.state()).isEqualTo(DeviceState.STOP_COPY);
      byte[] rest = other.readAll();
      third.to(DeviceState.RESUMING);
      third.in().write(start.flip());
      third.in().write(ByteBuffer.wrap(rest));
      third.to(DeviceState.STOP);
      assertThat(third.fingerprint()).isEqualTo(other.fingerprint());

      side.to(DeviceState.STOP_COPY).readAll();
      side.to(DeviceState.RUNNING);
      other.to(DeviceState.RUNNING);
      assertThat(side.bench.objects()).as("nothing is left over").isEqualTo(objects);
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @Test
  void theDmaLogIsVoidAfterwards() throws Exception {
    MemoryRange pages = new MemoryRange(0x10_0000, 64 << 12);
    try (Mlx5Side side = open(0)) {
      DmaLog log = side.device.capability(DmaLog.class).orElseThrow();
      log.start(List.of(pages), 4096);
      reset(side.host);
      assertThat(failure(() -> log.report(new DirtyBitmap(pages, 4096))).code())
          .isEqualTo(DeviceError.DMA_LOG_FAILED);
      log.stop();
      log.start(List.of(pages), 4096);
      log.report(new DirtyBitmap(pages, 4096));
      reset(side.host);
      // Closed with a log that the firmware forgot, without an error.
    }
  }

  @Test
  void oneOfThePhysicalFunctionResetsAllOfTheCard() throws Exception {
    try (Mlx5Side first = open(0);
        Mlx5Side second = open(1)) {
      HostDevice physical = first.host.companion("pf").orElseThrow();
      ByteBuffer command = ByteBuffer.wrap(new byte[] {6, 0});
      second.host.region(RegionInfo.PCI_CONFIG).write(4, command);
      first.to(DeviceState.STOP_COPY);
      reset(physical);

      assertThat(List.of(resets(physical), resets(first.host), resets(second.host)))
          .containsOnly(1L);
      assertThat(first.bench.condition(0)).isEqualTo("running");
      assertThat(first.bench.objects()).isZero();
      assertThat(first.bench.pagesGiven()).isZero();
      second.host.region(RegionInfo.PCI_CONFIG).read(4, command.clear());
      assertThat(command.getShort(0)).isZero();
      // The driver's queue was on it, so the functions are of no use before it begins anew.
      MigrationException lost = failure(() -> first.device.state());
      assertThat(lost.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
      assertThat(lost).hasMessageContaining("the physical function was reset");
      for (Mlx5Side side : List.of(first, second)) {
        side.device.reset();
        side.to(DeviceState.STOP_COPY).readAll();
        side.to(DeviceState.RUNNING);
      }
      assertThat(first.bench.violations()).isEmpty();
    }
  }

  @Test
  void anImageUnderWayIsTransactionsPendingOfThePhysicalFunction() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=64MiB", clock, card, 0)) {
      HostDevice physical = side.host.companion("pf").orElseThrow();
      side.to(DeviceState.STOP);
      assertThat(status(physical) & PENDING).isZero();
      side.to(DeviceState.STOP_COPY);
      assertThat(status(physical) & PENDING).isNotZero();
      side.readAll();
      assertThat(status(physical) & PENDING).isZero();
      side.to(DeviceState.STOP).to(DeviceState.STOP_COPY);
      assertThat(status(physical) & PENDING).isNotZero();
      reset(physical);
      assertThat(status(physical) & PENDING).isZero();
    }
  }

  @Test
  void whatIsOffTheBusIsNotReset() throws Exception {
    try (Mlx5Side side = open(0)) {
      side.bench.removeCard();
      reset(side.host);
      assertThat(resets(side.host)).isZero();
    }
  }
}
