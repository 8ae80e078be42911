package io.vferry.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.fake.FakeDevice;
import io.vferry.runtime.fake.FakeDriver;
import io.vferry.runtime.fake.FakeHostDevice;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class FenceTest {

  private static final FakeHostDevice HOST =
      new FakeHostDevice(DeviceAddress.parse("fake:15b3.101e"), 0x15b3, 0x101e);

  private static MigrationDriver fenced(MigrationDriver driver) {
    return Discovery.embedded(List.of(driver), List.of(), List.of(), List.of())
        .drivers()
        .get(0)
        .instance();
  }

  private static MigratableDevice attach(MigratableDevice device) throws MigrationException {
    return fenced(new FakeDriver("acme", "1", 0, Rank.EXACT, host -> device)).attach(HOST);
  }

  private static void assertBroken(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            MigrationException.class,
            failure -> {
              assertThat(failure.code()).isEqualTo(DeviceError.DRIVER_BROKEN);
              assertThat(failure.detail()).contains("driver 'acme' (embedding program)");
              assertThat(failure.detail()).contains(parts);
            });
  }

  /** Throws what no signature allows. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> RuntimeException sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }

  /** A device of which every method throws the same, once it is attached. */
  private static final class Thrower
      implements MigratableDevice,
          SaveStream,
          LoadStream,
          DmaLog,
          Compatibility,
          PrecopyProgress,
          StopCopyEstimate {

    private final Throwable thrown;
    private boolean streams;

    Thrower(Throwable thrown) {
      this.thrown = thrown;
    }

    private RuntimeException fail() {
      return FenceTest.<RuntimeException>sneak(thrown);
    }

    @Override
    public FeatureSet features() {
      return FeatureSet.STOP_COPY_P2P_PRE_COPY;
    }

    @Override
    public DeviceState state() {
      throw fail();
    }

    @Override
    public ArcOutcome perform(Arc arc) {
      if (!streams) {
        throw fail();
      }
      return arc.opensSaveStream() ? new ArcOutcome.Saving(this) : new ArcOutcome.Loading(this);
    }

    @Override
    public void reset() {
      throw fail();
    }

    @Override
    public <T> Optional<T> capability(Class<T> type) {
      return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
    }

    @Override
    public void close() {
      throw fail();
    }

    @Override
    public Status read(ByteBuffer into) {
      throw fail();
    }

    @Override
    public void write(ByteBuffer from) {
      throw fail();
    }

    @Override
    public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) {
      throw fail();
    }

    @Override
    public void stop() {
      throw fail();
    }

    @Override
    public void report(DirtyBitmap into) {
      throw fail();
    }

    @Override
    public Map<String, String> describe() {
      throw fail();
    }

    @Override
    public List<Difference> compare(Map<String, String> source) {
      throw fail();
    }

    @Override
    public Remaining remaining() {
      throw fail();
    }

    @Override
    public OptionalLong stopCopyBytes() {
      throw fail();
    }
  }

  @TestFactory
  Stream<DynamicTest> whateverADriverThrowsIsABrokenDriver() {
    return Stream.of(
            new IllegalStateException("no"),
            new NoClassDefFoundError("lib/Gone"),
            new AssertionError("never"),
            new StackOverflowError(),
            new IOException("sneaked"),
            new UnreadableException())
        .map(
            thrown ->
                DynamicTest.dynamicTest(
                    thrown.getClass().getSimpleName(), () -> everyMethodIsFenced(thrown)));
  }

  /** An exception that cannot even be printed. */
  private static final class UnreadableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new IllegalStateException("again");
    }
  }

  private static void everyMethodIsFenced(Throwable thrown) throws MigrationException {
    String type = thrown.getClass().getName();
    Thrower thrower = new Thrower(thrown);
    MigratableDevice device = attach(thrower);
    assertBroken(device::state, "state threw", type);
    assertBroken(device::reset, "reset threw", type);
    assertBroken(device::close, "close threw", type);
    assertBroken(() -> device.perform(Arc.RUNNING_TO_PRE_COPY), "perform threw", type);
    assertThatThrownBy(() -> device.perform(Arc.RUNNING_TO_PRE_COPY))
        .isInstanceOfSatisfying(
            MigrationException.class,
            failure -> {
              assertThat(failure.arc()).contains(Arc.RUNNING_TO_PRE_COPY);
              assertThat(failure).hasCause(thrown);
            });
    DmaLog log = device.capability(DmaLog.class).orElseThrow();
    assertBroken(() -> log.start(List.of(new MemoryRange(0, 4096)), 4096), type);
    assertBroken(log::stop, type);
    assertBroken(() -> log.report(new DirtyBitmap(new MemoryRange(0, 4096), 4096)), type);
    Compatibility compatibility = device.capability(Compatibility.class).orElseThrow();
    assertBroken(compatibility::describe, type);
    assertBroken(() -> compatibility.compare(Map.of()), type);
    assertBroken(device.capability(PrecopyProgress.class).orElseThrow()::remaining, type);
    assertBroken(device.capability(StopCopyEstimate.class).orElseThrow()::stopCopyBytes, type);
    thrower.streams = true;
    SaveStream save = ((ArcOutcome.Saving) device.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    assertBroken(() -> save.read(ByteBuffer.allocate(1)), "read threw", type);
    save.close();
    LoadStream load = ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
    assertBroken(() -> load.write(ByteBuffer.allocate(1)), "write threw", type);
    load.close();
  }

  @Test
  void failuresOfTheVirtualMachinePass() throws MigrationException {
    OutOfMemoryError none = new OutOfMemoryError("none left");
    MigratableDevice device = attach(new Thrower(none));
    assertThatThrownBy(device::state).isSameAs(none);
  }

  @Test
  void aFailureWithinTheRulesPassesUnchanged() throws MigrationException {
    MigrationException ruled =
        new MigrationException(DeviceError.ARC_FAILED, "the device said no")
            .withState(DeviceState.RUNNING);
    MigratableDevice device = attach(new Thrower(ruled));
    assertThatThrownBy(device::reset).isSameAs(ruled);
    assertThatThrownBy(() -> device.perform(Arc.RUNNING_TO_RUNNING_P2P))
        .isInstanceOfSatisfying(
            MigrationException.class,
            failure -> {
              assertThat(failure.code()).isEqualTo(DeviceError.ARC_FAILED);
              assertThat(failure.arc()).contains(Arc.RUNNING_TO_RUNNING_P2P);
              assertThat(failure.state()).contains(DeviceState.RUNNING);
            });
  }

  @Test
  void anInterruptIsNotLost() throws MigrationException {
    MigratableDevice device = attach(new Thrower(new InterruptedException()));
    assertBroken(device::state, "InterruptedException");
    assertThat(Thread.interrupted()).isTrue();
  }

  /** A driver that gives null wherever it can. */
  private static final class Nihilist implements MigrationDriver {
    @Override
    public DriverInfo info() {
      return new DriverInfo("acme", "a vendor", "1");
    }

    @Override
    @SuppressWarnings("NullAway")
    public DriverMatch match(HostDeviceInfo device) {
      return null;
    }

    @Override
    @SuppressWarnings("NullAway")
    public MigratableDevice attach(HostDevice device) {
      return null;
    }

    @Override
    @SuppressWarnings("NullAway")
    public Optional<StreamInspector> inspector() {
      return null;
    }
  }

  @Test
  void nullIsABrokenDriver() {
    MigrationDriver driver = fenced(new Nihilist());
    DriverMatch match = driver.match(HOST.info());
    assertThat(match.rank()).isEqualTo(Rank.NONE);
    assertThat(match.reason()).contains("driver 'acme' (embedding program)");
    assertBroken(() -> driver.attach(HOST), "attach returned null");
    assertBroken(
        () -> driver.inspector().orElseThrow().inspect(ByteBuffer.allocate(0)),
        "inspector returned null");
  }

  @Test
  void anOutcomeThatDoesNotFitItsArcIsABrokenDriver() throws MigrationException {
    MigratableDevice device = attach(new FakeDevice(FeatureSet.STOP_COPY));
    assertThat(device.perform(Arc.RUNNING_TO_STOP)).isEqualTo(ArcOutcome.done());
    assertBroken(() -> device.perform(Arc.STOP_TO_STOP_COPY), "Done with the wrong stream");
    assertBroken(() -> device.perform(Arc.STOP_TO_RESUMING), "Done with the wrong stream");
  }

  @Test
  void preCopyWithoutProgressIsABrokenDriver() {
    FakeDevice device =
        new FakeDevice(FeatureSet.STOP_COPY_PRE_COPY) {
          @Override
          public <T> Optional<T> capability(Class<T> type) {
            return Optional.empty();
          }
        };
    assertBroken(() -> attach(device), "has no PrecopyProgress");
    assertThat(device.closed()).isTrue();
  }

  /** A stream that does and says what a test tells it. */
  private static SaveStream stream(int bytes, SaveStream.Status status) {
    return new SaveStream() {
      @Override
      public Status read(ByteBuffer into) {
        into.put(new byte[bytes]);
        return status;
      }

      @Override
      public void close() {}
    };
  }

  @Test
  void aSaveStreamIsHeldToItsWord() throws MigrationException {
    Fence fence = new Fence("driver 'acme' (embedding program)", null);
    ByteBuffer buffer = ByteBuffer.allocate(8);
    SaveStream.Status status =
        new FencedSaveStream(fence, stream(3, SaveStream.Status.DATA)).read(buffer);
    assertThat(status).isEqualTo(SaveStream.Status.DATA);
    assertThat(buffer.position()).isEqualTo(3);
    assertBroken(
        () -> new FencedSaveStream(fence, stream(0, SaveStream.Status.DATA)).read(buffer),
        "0 bytes and said DATA");
    assertBroken(
        () -> new FencedSaveStream(fence, stream(2, SaveStream.Status.END)).read(buffer),
        "2 bytes and said END");
    assertBroken(
        () -> new FencedSaveStream(fence, stream(2, SaveStream.Status.NOTHING_NOW)).read(buffer),
        "2 bytes and said NOTHING_NOW");
  }

  @Test
  void aLoadStreamMustTakeAllBytes() {
    LoadStream lazy =
        new LoadStream() {
          @Override
          public void write(ByteBuffer from) {
            from.get();
          }

          @Override
          public void close() {}
        };
    LoadStream fenced =
        new FencedLoadStream(new Fence("driver 'acme' (embedding program)", null), lazy);
    assertBroken(() -> fenced.write(ByteBuffer.allocate(2)), "did not take all bytes");
  }

  @Test
  void aDescriptionIsKeptWithinItsBounds() throws MigrationException {
    Map<String, String> many = new HashMap<>();
    for (int i = 0; i < 65; i++) {
      many.put("key-" + i, "value");
    }
    assertBroken(() -> describe(many), "65 entries");
    assertBroken(() -> describe(Map.of("key", "x".repeat(257))), "more than 256 characters");
    many.remove("key-0");
    assertThat(describe(many)).hasSize(64);
  }

  private static Map<String, String> describe(Map<String, String> description)
      throws MigrationException {
    Compatibility compatibility =
        new Compatibility() {
          @Override
          public Map<String, String> describe() {
            return description;
          }

          @Override
          public List<Difference> compare(Map<String, String> source) {
            return List.of();
          }
        };
    return attach(new FakeDevice(FeatureSet.STOP_COPY).with(Compatibility.class, compatibility))
        .capability(Compatibility.class)
        .orElseThrow()
        .describe();
  }

  @Test
  void aDmaLogMayNotUseSmallerPagesThanAsked() throws MigrationException {
    DmaLog log =
        new DmaLog() {
          @Override
          public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) {
            return 1024;
          }

          @Override
          public void stop() {}

          @Override
          public void report(DirtyBitmap into) {}
        };
    DmaLog fenced =
        attach(new FakeDevice(FeatureSet.STOP_COPY).with(DmaLog.class, log))
            .capability(DmaLog.class)
            .orElseThrow();
    assertBroken(
        () -> fenced.start(List.of(new MemoryRange(0, 4096)), 4096), "page size of 1024 bytes");
  }
}
