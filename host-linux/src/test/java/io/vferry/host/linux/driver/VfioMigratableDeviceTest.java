package io.vferry.host.linux.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.SaveStream.Status;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class VfioMigratableDeviceTest {

  private final FakeKernel kernel = new FakeKernel(FeatureSet.STOP_COPY_P2P_PRE_COPY);
  private final MigratableDevice device = attach(kernel);

  private static MigratableDevice attach(FakeKernel kernel) {
    try {
      MigratableDevice device = new VfioMigrationDriver().attach(kernel);
      kernel.calls.clear();
      return device;
    } catch (MigrationException e) {
      throw new AssertionError(e);
    }
  }

  private static MigrationException failure(ThrowingCallable call) {
    MigrationException e = catchThrowableOfType(MigrationException.class, call);
    assertThat(e).as("a failure").isNotNull();
    return e;
  }

  private SaveStream save(Arc arc) throws MigrationException {
    kernel.state = arc.from();
    return ((ArcOutcome.Saving) device.perform(arc)).stream();
  }

  private LoadStream load() throws MigrationException {
    kernel.state = DeviceState.STOP;
    return ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
  }

  private static byte[] bytes(SaveStream stream, Status until) throws MigrationException {
    ByteBuffer all = ByteBuffer.allocate(64);
    Status status;
    do {
      status = stream.read(all);
    } while (status == Status.DATA);
    assertThat(status).isEqualTo(until);
    return Arrays.copyOf(all.array(), all.position());
  }

  @ParameterizedTest
  @EnumSource(Arc.class)
  void performsExactlyTheArcsOfTheFeatures(Arc arc) throws MigrationException {
    for (FeatureSet features : FeatureSet.values()) {
      FakeKernel host = new FakeKernel(features);
      MigratableDevice one = attach(host);
      host.state = arc.from();
      Transition transition = TransitionTable.of(features).transition(arc.from(), arc.to());
      if (transition.equals(new Transition.Path(List.of(arc)))) {
        assertThat(one.perform(arc))
            .isInstanceOf(
                arc.opensSaveStream()
                    ? ArcOutcome.Saving.class
                    : arc.opensLoadStream() ? ArcOutcome.Loading.class : ArcOutcome.Done.class);
        assertThat(one.state()).isEqualTo(arc.to());
      } else {
        assertThat(failure(() -> one.perform(arc)).code()).isEqualTo(DeviceError.ARC_UNSUPPORTED);
        assertThat(host.calls).doesNotContain("set " + arc.to());
      }
    }
  }

  @Test
  void refusesAnArcThatStartsElsewhere() {
    MigrationException e = failure(() -> device.perform(Arc.STOP_TO_STOP_COPY));
    assertThat(e.code()).isEqualTo(DeviceError.WRONG_STATE);
    assertThat(e.state()).contains(DeviceState.RUNNING);
    assertThat(kernel.calls).containsExactly("get");
  }

  @Test
  void neverTellsADeviceInErrorToMove() {
    kernel.state = DeviceState.ERROR;
    MigrationException e = failure(() -> device.perform(Arc.RUNNING_TO_RUNNING_P2P));
    assertThat(e.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(kernel.calls).containsExactly("get");
  }

  static Stream<FakeKernel.Failure> failures() {
    return Stream.of(Arc.values())
        .filter(
            arc ->
                TransitionTable.of(FeatureSet.STOP_COPY_P2P_PRE_COPY)
                    .transition(arc.from(), arc.to())
                    .equals(new Transition.Path(List.of(arc))))
        .flatMap(
            arc ->
                Stream.of(
                    new FakeKernel.Failure(arc, arc.from(), FakeKernel.EIO),
                    new FakeKernel.Failure(arc, DeviceState.ERROR, FakeKernel.EIO)));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void saysWhereTheDeviceIsAfterAFailedArc(FakeKernel.Failure failed) throws MigrationException {
    kernel.failure = failed;
    kernel.state = failed.arc().from();
    MigrationException e = failure(() -> device.perform(failed.arc()));
    assertThat(e.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(e.arc()).contains(failed.arc());
    assertThat(e.state()).contains(failed.leaves());
    assertThat(e.errno()).hasValue(FakeKernel.EIO);
    boolean sessionInDoubt = failed.arc().endsStream();
    assertThat(e.condition())
        .isEqualTo(
            failed.leaves() == DeviceState.ERROR || sessionInDoubt
                ? DeviceCondition.NEEDS_RESET
                : DeviceCondition.USABLE);
    assertThat(device.state()).isEqualTo(failed.leaves());
  }

  @Test
  void saysSoWhenNotEvenTheStateCanBeRead() throws MigrationException {
    SaveStream stream = save(Arc.RUNNING_TO_PRE_COPY);
    kernel.gone = true;
    MigrationException e = failure(() -> device.perform(Arc.PRE_COPY_TO_PRE_COPY_P2P));
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    stream.close();
  }

  @Test
  void aReadOfNothingIsTheEndOnlyInStopCopy() throws MigrationException {
    SaveStream stream = save(Arc.RUNNING_TO_PRE_COPY);
    assertThat(bytes(stream, Status.NOTHING_NOW)).isEqualTo(FakeKernel.PRECOPIED);
    assertThat(device.perform(Arc.PRE_COPY_TO_PRE_COPY_P2P)).isEqualTo(ArcOutcome.done());
    assertThat(stream.read(ByteBuffer.allocate(1))).isEqualTo(Status.NOTHING_NOW);
    assertThat(device.perform(Arc.PRE_COPY_P2P_TO_STOP_COPY)).isEqualTo(ArcOutcome.done());
    kernel.largestRead = 2;
    assertThat(bytes(stream, Status.END)).isEqualTo(FakeKernel.STOPPED);
    device.perform(Arc.STOP_COPY_TO_STOP);
    assertThat(failure(() -> stream.read(ByteBuffer.allocate(1))).code())
        .isEqualTo(DeviceError.SESSION_CLOSED);
  }

  /** The device stops, and makes more data, while a read that found nothing is under way. */
  @Test
  void aDeviceThatStopsDuringAReadHasMoreToGive() throws MigrationException {
    SaveStream stream = save(Arc.RUNNING_P2P_TO_PRE_COPY_P2P);
    assertThat(bytes(stream, Status.NOTHING_NOW)).isEqualTo(FakeKernel.PRECOPIED);
    kernel.duringRead = () -> device.perform(Arc.PRE_COPY_P2P_TO_STOP_COPY);
    assertThat(stream.read(ByteBuffer.allocate(8))).isEqualTo(Status.NOTHING_NOW);
    assertThat(bytes(stream, Status.END)).isEqualTo(FakeKernel.STOPPED);
  }

  @Test
  void partialWritesGoOnUntilAllIsTaken() throws MigrationException {
    LoadStream stream = load();
    kernel.largestWrite = 3;
    ByteBuffer all =
        ByteBuffer.allocate(12).put(FakeKernel.PRECOPIED).put(FakeKernel.STOPPED).flip();
    stream.write(all);
    assertThat(all.hasRemaining()).isFalse();
    device.perform(Arc.RESUMING_TO_STOP);
    assertThat(device.state()).isEqualTo(DeviceState.STOP);
    assertThat(failure(() -> stream.write(ByteBuffer.allocate(1))).code())
        .isEqualTo(DeviceError.SESSION_CLOSED);
  }

  @Test
  void aRefusedWriteIsNeverForgiven() throws MigrationException {
    kernel.acceptsCorruptData = true;
    LoadStream stream = load();
    byte[] bad = {1, 2, -3};
    assertThat(failure(() -> stream.write(ByteBuffer.wrap(bad))).code())
        .isEqualTo(DeviceError.DATA_CORRUPT);
    assertThat(failure(() -> stream.write(ByteBuffer.wrap(FakeKernel.PRECOPIED))).code())
        .isEqualTo(DeviceError.DATA_CORRUPT);
    kernel.calls.clear();
    MigrationException e = failure(() -> device.perform(Arc.RESUMING_TO_STOP));
    assertThat(e.code()).isEqualTo(DeviceError.DATA_CORRUPT);
    assertThat(e.state()).contains(DeviceState.RESUMING);
    assertThat(e.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(kernel.calls).doesNotContain("set STOP");
    assertThat(device.state()).isEqualTo(DeviceState.RESUMING);

    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    LoadStream second = load();
    second.write(ByteBuffer.wrap(FakeKernel.PRECOPIED));
    second.write(ByteBuffer.wrap(FakeKernel.STOPPED));
    device.perform(Arc.RESUMING_TO_STOP);
  }

  /** A piece that came too late to be written is missing all the same. */
  @Test
  void aWriteAfterCloseSpoilsTheLoad() throws MigrationException {
    LoadStream stream = load();
    stream.write(ByteBuffer.wrap(FakeKernel.PRECOPIED));
    stream.write(ByteBuffer.wrap(FakeKernel.STOPPED));
    stream.close();
    assertThat(failure(() -> stream.write(ByteBuffer.allocate(1))).code())
        .isEqualTo(DeviceError.SESSION_CLOSED);
    assertThat(failure(() -> device.perform(Arc.RESUMING_TO_STOP)).state())
        .contains(DeviceState.RESUMING);
  }

  @Test
  void truncatedDataAreCorrupt() throws MigrationException {
    load().write(ByteBuffer.wrap(FakeKernel.PRECOPIED));
    MigrationException e = failure(() -> device.perform(Arc.RESUMING_TO_STOP));
    assertThat(e.code()).isEqualTo(DeviceError.DATA_CORRUPT);
    assertThat(e.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(e.state()).contains(DeviceState.RESUMING);
  }

  @Test
  void anotherFailureToLeaveResumingIsNotTheDatasFault() throws MigrationException {
    load();
    kernel.failure =
        new FakeKernel.Failure(Arc.RESUMING_TO_STOP, DeviceState.RESUMING, FakeKernel.EBUSY);
    assertThat(failure(() -> device.perform(Arc.RESUMING_TO_STOP)).code())
        .isEqualTo(DeviceError.ARC_FAILED);
  }

  @ParameterizedTest
  @EnumSource(
      value = Arc.class,
      names = {"RUNNING_TO_PRE_COPY", "RUNNING_P2P_TO_PRE_COPY_P2P", "STOP_TO_STOP_COPY"})
  void goesBackWhenTheStreamWasLost(Arc arc) throws MigrationException {
    kernel.losesSession = true;
    kernel.state = arc.from();
    MigrationException e = failure(() -> device.perform(arc));
    assertThat(e.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(e.state()).contains(arc.from());
    assertThat(e.condition()).isEqualTo(DeviceCondition.USABLE);
    assertThat(device.state()).isEqualTo(arc.from());
  }

  @Test
  void aLostLoadStreamNeedsAReset() {
    kernel.losesSession = true;
    kernel.state = DeviceState.STOP;
    MigrationException e = failure(() -> device.perform(Arc.STOP_TO_RESUMING));
    assertThat(e.state()).contains(DeviceState.RESUMING);
    assertThat(e.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
  }

  @Test
  void aStreamThatNobodyAskedForIsClosedAndReported() throws MigrationException {
    save(Arc.RUNNING_TO_PRE_COPY);
    kernel.strayFile = true;
    MigrationException e = failure(() -> device.perform(Arc.PRE_COPY_TO_PRE_COPY_P2P));
    assertThat(e.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(e.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
  }

  @Test
  void aStreamThatIsLeftIsClosed() throws MigrationException {
    save(Arc.RUNNING_TO_PRE_COPY);
    FakeKernel.Session session = kernel.session;
    device.perform(Arc.PRE_COPY_TO_RUNNING);
    assertThat(session).isNotNull();
    assertThat(session.closed).isTrue();
  }

  @Test
  void aResetThatLeavesTheStateAloneIsHelped() throws MigrationException {
    kernel.resetKeepsState = true;
    kernel.state = DeviceState.STOP;
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void aResetThatDoesNotHelpIsTheEnd() {
    kernel.resetKeepsState = true;
    kernel.state = DeviceState.ERROR;
    MigrationException e = failure(device::reset);
    assertThat(e.code()).isEqualTo(DeviceError.RESET_FAILED);
    assertThat(e.state()).contains(DeviceState.ERROR);
    assertThat(e.condition()).isEqualTo(DeviceCondition.LOST);
    kernel.resetFails = true;
    assertThat(failure(device::reset).errno()).hasValue(FakeKernel.EINVAL);
  }

  @Test
  void progressIsAskedOnlyInPrecopy() throws MigrationException {
    PrecopyProgress progress = device.capability(PrecopyProgress.class).orElseThrow();
    assertThat(failure(progress::remaining).code()).isEqualTo(DeviceError.WRONG_STATE);
    save(Arc.RUNNING_TO_PRE_COPY);
    kernel.precopy = new MigrationData.Precopy(-1, 7, true);
    assertThat(progress.remaining())
        .isEqualTo(new PrecopyProgress.Remaining(Long.MAX_VALUE, 7, true));
    device.perform(Arc.PRE_COPY_TO_PRE_COPY_P2P);
    assertThat(progress.remaining().dirtyBytes()).isEqualTo(7);
    device.perform(Arc.PRE_COPY_P2P_TO_STOP_COPY);
    assertThat(failure(progress::remaining).code()).isEqualTo(DeviceError.WRONG_STATE);
  }

  @Test
  void estimatesAreClamped() throws MigrationException {
    StopCopyEstimate estimate = device.capability(StopCopyEstimate.class).orElseThrow();
    assertThat(estimate.stopCopyBytes()).isEmpty();
    kernel.stopCopyBytes = OptionalLong.of(96);
    assertThat(estimate.stopCopyBytes()).hasValue(96);
    kernel.stopCopyBytes = OptionalLong.of(-5);
    assertThat(estimate.stopCopyBytes()).hasValue(Long.MAX_VALUE);
  }

  @Test
  void offersWhatTheDeviceHas() {
    assertThat(attach(new FakeKernel(FeatureSet.STOP_COPY)).capability(PrecopyProgress.class))
        .isEmpty();
    assertThat(device.capability(DmaLog.class)).isEmpty();
    assertThat(device.capability(String.class)).isEmpty();
  }

  @Test
  void anotherKindOfDeviceIsIncompatible() throws MigrationException {
    Compatibility compatibility = device.capability(Compatibility.class).orElseThrow();
    assertThat(compatibility.compare(compatibility.describe())).isEmpty();
    Map<String, String> other = new HashMap<>(compatibility.describe());
    other.put("device-id", "0x1021");
    assertThat(compatibility.compare(other))
        .containsExactly(new Compatibility.Difference("device-id", "0x1021", "0x101e"));
  }

  @Test
  void aSourceThatDoesNotSayWhatItIsIsIncompatible() throws MigrationException {
    Compatibility compatibility = device.capability(Compatibility.class).orElseThrow();
    assertThat(compatibility.compare(Map.of()))
        .contains(new Compatibility.Difference("device-id", "unknown", "0x101e"));
  }

  @Test
  void servesWhatTheHostMigratesAndNothingElse() {
    VfioMigrationDriver driver = new VfioMigrationDriver();
    HostDeviceInfo info = kernel.info();
    assertThat(driver.match(info).rank()).isEqualTo(DriverMatch.Rank.GENERIC);
    HostDeviceInfo plain = new HostDeviceInfo(info.address(), "pci", 1, 2, 0, 0, false, Map.of());
    assertThat(driver.match(plain).rank()).isEqualTo(DriverMatch.Rank.NONE);
  }
}
