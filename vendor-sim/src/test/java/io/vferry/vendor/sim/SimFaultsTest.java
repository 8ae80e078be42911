package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SimFaultsTest {

  private final SimClock clock = new SimClock(41);

  private SimHostDevice open(String parameters) throws MigrationException {
    return SimSide.open(clock, "nic", "sim:mlx5?state=64KiB&initial=16KiB" + parameters);
  }

  private MigratableDevice drive(String parameters) throws MigrationException {
    return new SimMigrationDriver().attach(open(parameters));
  }

  private static void walk(MigratableDevice device, DeviceState target) throws MigrationException {
    Transition.Path path =
        (Transition.Path) TransitionTable.of(device.features()).transition(device.state(), target);
    for (Arc arc : path.arcs()) {
      device.perform(arc);
    }
  }

  private static MigrationException failure(MigratableDevice device, Arc arc) {
    return catchThrowableOfType(MigrationException.class, () -> device.perform(arc));
  }

  @ParameterizedTest
  @EnumSource(Arc.class)
  void eachArcCanFailAndThenWork(Arc arc) throws MigrationException {
    boolean p2p = FeatureSet.STOP_COPY_P2P_PRE_COPY.supports(arc);
    MigratableDevice device =
        drive("&fail-times=1&fail-arc=" + arc.name() + (p2p ? "" : "&p2p=false"));
    walk(device, arc.from());
    if (arc == Arc.RESUMING_TO_STOP) {
      // Without data this arc fails by itself; with data, for the fault.
      device.reset();
      MigratableDevice source = drive("");
      walk(source, DeviceState.STOP);
      SaveStream from = ((ArcOutcome.Saving) source.perform(Arc.STOP_TO_STOP_COPY)).stream();
      walk(device, DeviceState.STOP);
      copy(from, ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream());
    }
    MigrationException failure = failure(device, arc);
    assertThat(failure.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(failure.arc()).contains(arc);
    assertThat(failure.state()).contains(arc.from());
    assertThat(device.state()).isEqualTo(arc.from());
    device.perform(arc);
    assertThat(device.state()).isEqualTo(arc.to());
  }

  private static void copy(SaveStream from, LoadStream to) throws MigrationException {
    ByteBuffer buffer = ByteBuffer.allocate(5000);
    while (from.read(buffer.clear()) == SaveStream.Status.DATA) {
      to.write(buffer.flip());
    }
  }

  @Test
  void aFailedArcCanEndInErrorWhichOnlyAResetLeaves() throws MigrationException {
    MigratableDevice device = drive("&fail-arc=running-p2p-to-stop&fail-to=error&fail-times=1");
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    MigrationException failure = failure(device, Arc.RUNNING_P2P_TO_STOP);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(device.state()).isEqualTo(DeviceState.ERROR);
    assertThat(failure(device, Arc.RUNNING_P2P_TO_RUNNING).code())
        .isEqualTo(DeviceError.WRONG_STATE);
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void aFailedResetSaysSoAndEndsInError() throws MigrationException {
    MigratableDevice device = drive("&fail-reset=on");
    assertThat(catchThrowableOfType(MigrationException.class, device::reset).code())
        .isEqualTo(DeviceError.RESET_FAILED);
    assertThat(device.state()).isEqualTo(DeviceState.ERROR);
  }

  @Test
  void aHungArcEndsAfterItsTimeOrWithAReset() throws MigrationException {
    MigratableDevice device = drive("&hang-arc=RUNNING_TO_RUNNING_P2P&hang-time=3s");
    long before = clock.nanoTime();
    assertThat(failure(device, Arc.RUNNING_TO_RUNNING_P2P).code())
        .isEqualTo(DeviceError.ARC_FAILED);
    assertThat(clock.nanoTime() - before).isEqualTo(3_000_000_000L);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);

    SimHostDevice host = open("&hang-arc=RUNNING_TO_RUNNING_P2P&hang-time=3s");
    MigratableDevice other = new SimMigrationDriver().attach(host);
    before = clock.nanoTime();
    clock.schedule(1_000_000_000, () -> reset(host));
    assertThat(failure(other, Arc.RUNNING_TO_RUNNING_P2P))
        .hasMessageContaining("was reset or closed");
    assertThat(clock.nanoTime() - before).isEqualTo(1_000_000_000L);
    assertThat(other.state()).isEqualTo(DeviceState.RUNNING);
  }

  private static void reset(SimHostDevice host) {
    try {
      host.reset();
    } catch (MigrationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anInterruptedArcSaysSoAndLeavesTheStateAlone() throws MigrationException {
    MigratableDevice device = drive("&service-time=1ms");
    Thread.currentThread().interrupt();
    MigrationException failure = failure(device, Arc.RUNNING_TO_RUNNING_P2P);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(failure.code()).isEqualTo(DeviceError.INTERRUPTED);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
  }

  @Test
  void arcsTakeTheirServiceTime() throws MigrationException {
    MigratableDevice device = drive("&service-time=2ms&service-time.RUNNING_P2P_TO_STOP=70ms");
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    assertThat(clock.nanoTime()).isEqualTo(2_000_000);
    device.perform(Arc.RUNNING_P2P_TO_STOP);
    assertThat(clock.nanoTime()).isEqualTo(72_000_000);
    MigratableDevice quick = drive("&service-time=0");
    walk(quick, DeviceState.STOP_COPY);
    assertThat(clock.nanoTime()).isEqualTo(72_000_000);
  }

  @Test
  void sizesCanLie() throws MigrationException {
    assertThat(sizes("")).containsExactly(16_384L + 68, 65_536L - 16_384, 65_536L);
    assertThat(sizes("&sizes=zero")).containsExactly(68L, 0L, 0L);
    assertThat(sizes("&sizes=max")).containsExactly(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);
    MigratableDevice device = drive("&sizes=shrinking");
    StopCopyEstimate estimate = device.capability(StopCopyEstimate.class).orElseThrow();
    long last = Long.MAX_VALUE;
    while (last > 0) {
      long next = estimate.stopCopyBytes().orElseThrow();
      assertThat(next).isLessThan(last);
      last = next;
    }
  }

  /** Initial and dirty bytes, and the stop-copy size without the core. */
  private List<Long> sizes(String parameters) throws MigrationException {
    SimHostDevice host = open(parameters);
    MigratableDevice device = new SimMigrationDriver().attach(host);
    StopCopyEstimate estimate = device.capability(StopCopyEstimate.class).orElseThrow();
    long core = host.hardware().core().encode().remaining();
    long stopCopy = estimate.stopCopyBytes().orElseThrow();
    device.perform(Arc.RUNNING_TO_PRE_COPY);
    PrecopyProgress.Remaining remaining =
        device.capability(PrecopyProgress.class).orElseThrow().remaining();
    return List.of(
        remaining.initialBytes(),
        remaining.dirtyBytes(),
        stopCopy > core && stopCopy < Long.MAX_VALUE ? stopCopy - core : stopCopy);
  }

  @Test
  void theFirstImageCanBeginAnewOnce() throws MigrationException {
    MigratableDevice device = drive("&reinit-after=48KiB");
    PrecopyProgress progress = device.capability(PrecopyProgress.class).orElseThrow();
    SaveStream stream = ((ArcOutcome.Saving) device.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
    stream.read(buffer);
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(0, 48 << 10, false));
    stream.read(buffer);
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(16 << 10, 0, true));
    stream.read(buffer);
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(0, 0, false));
  }

  @Test
  void aStreamCanBeCorruptedOrTruncatedOnItsWayOut() throws MigrationException {
    for (String fault : List.of("&corrupt-at=0", "&corrupt-at=40000", "&truncate-at=30000")) {
      MigratableDevice source = drive(fault);
      walk(source, DeviceState.STOP);
      SaveStream from = ((ArcOutcome.Saving) source.perform(Arc.STOP_TO_STOP_COPY)).stream();
      MigratableDevice target = drive("");
      walk(target, DeviceState.STOP);
      LoadStream to = ((ArcOutcome.Loading) target.perform(Arc.STOP_TO_RESUMING)).stream();
      MigrationException refusal =
          catchThrowableOfType(
              MigrationException.class,
              () -> {
                copy(from, to);
                target.perform(Arc.RESUMING_TO_STOP);
              });
      assertThat(refusal).as(fault).isNotNull();
      assertThat(refusal.code()).isEqualTo(DeviceError.DATA_CORRUPT);
    }
  }

  @Test
  void messagesOnTheWayArriveBeforeTheQuiescingArcReturns() throws MigrationException {
    List<String> devices =
        List.of(
            "sim:mlx5?state=64KiB&p2p-latency=5ms&service-time=0",
            "sim:pds?state=64KiB&p2p-latency=5ms&service-time=0");
    SimSide side = new SimSide(clock, false, SimMoveTest.TALK, devices);
    side.vm.resume();
    clock.advance(20_000_000);
    SimSide.Device sender = side.device("nic0");
    SimDeviceTruth before = sender.truth();
    assertThat(before.outstanding()).isPositive();
    side.vm.pause();
    long start = clock.nanoTime();
    sender.perform(Arc.RUNNING_TO_RUNNING_P2P);
    assertThat(clock.nanoTime() - start).isBetween(3_000_000L, 6_000_000L);
    assertThat(sender.truth().outstanding()).isZero();
    assertThat(sender.truth().sent().get(0).count()).isEqualTo(before.sent().get(0).count());
    assertThat(side.device("nic1").truth().received().get(0))
        .isEqualTo(before.sent().get(0).count());
    clock.advance(20_000_000);
    assertThat(sender.truth().sent().get(0).count()).isEqualTo(before.sent().get(0).count());
    assertThat(sender.truth().dmaWrites()).isGreaterThan(before.dmaWrites());
    side.stopDevices();
    assertThat(side.violations()).isEmpty();
  }

  @Test
  void aStoppedDeviceDoesNothing() throws MigrationException {
    SimSide side = new SimSide(clock, false, SimMoveTest.TALK, SimMoveTest.pair("mlx5"));
    side.vm.resume();
    clock.advance(20_000_000);
    side.vm.pause();
    side.stopDevices();
    side.startLogs();
    SimDeviceTruth before = side.device("nic0").truth();
    clock.advance(1_000_000_000);
    SimDeviceTruth after = side.device("nic0").truth();
    assertThat(after.dmaWrites()).isEqualTo(before.dmaWrites());
    assertThat(after.tasksDone()).isEqualTo(before.tasksDone());
    assertThat(after.messagesReceived()).isEqualTo(before.messagesReceived());
    assertThat(side.dirty().values()).allMatch(bitmap -> bitmap.dirtyPages() == 0);
    assertThat(clock.pending()).isZero();
  }
}
