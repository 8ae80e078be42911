package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two devices that talk to each other, stopped under each reading of "not running". */
class V1StoppingTest {

  private final List<TalkingDevice> machine = new ArrayList<>();
  private final TestClock clock = new TestClock();

  private V1DeviceAdapter adapter(V1Stopping stopping) throws MigrationException {
    return V1DeviceAdapter.attach(
        new TalkingDevice(stopping, machine),
        new V1AdapterSettings(
            "talker",
            stopping,
            V1Loading.WHEN_LEFT,
            false,
            false,
            false,
            20_000_000,
            1 << 20,
            clock));
  }

  private void work() {
    machine.forEach(TalkingDevice::work);
  }

  private static ArcOutcome to(V1DeviceAdapter device, DeviceState target)
      throws MigrationException {
    ArcOutcome outcome = ArcOutcome.done();
    Transition.Path path =
        (Transition.Path) TransitionTable.of(device.features()).transition(device.state(), target);
    for (Arc arc : path.arcs()) {
      outcome = device.perform(arc);
    }
    return outcome;
  }

  private static ByteBuffer save(SaveStream stream) throws MigrationException {
    ByteBuffer saved = ByteBuffer.allocate(1000);
    SaveStream.Status status;
    do {
      status = stream.read(saved);
    } while (status == SaveStream.Status.DATA);
    assertThat(status).isEqualTo(SaveStream.Status.END);
    return saved.flip();
  }

  /** Both devices to their P2P states, then both to STOP_COPY, with work going on all the time. */
  @ParameterizedTest
  @EnumSource(
      value = V1Stopping.class,
      names = {"NO_DMA_BIT", "QUIESCENT_POINT"})
  void stoppedInTwoPhasesNothingIsLost(V1Stopping stopping) throws MigrationException {
    V1DeviceAdapter first = adapter(stopping);
    V1DeviceAdapter second = adapter(stopping);
    assertThat(first.features()).isEqualTo(FeatureSet.STOP_COPY_P2P_PRE_COPY);
    work();
    SaveStream firstStream = ((ArcOutcome.Saving) to(first, DeviceState.PRE_COPY)).stream();
    SaveStream secondStream = ((ArcOutcome.Saving) to(second, DeviceState.PRE_COPY)).stream();
    work();
    to(first, DeviceState.PRE_COPY_P2P);
    work();
    // Reading on must not freeze a device that still has to take what the other sends.
    ByteBuffer start = ByteBuffer.allocate(100);
    firstStream.read(start);
    work();
    to(second, DeviceState.PRE_COPY_P2P);
    work();
    to(first, DeviceState.STOP_COPY);
    work();
    to(second, DeviceState.STOP_COPY);
    work();
    ByteBuffer firstState = ByteBuffer.allocate(1000);
    firstState.put(start.flip()).put(save(firstStream)).flip();
    ByteBuffer secondState = save(secondStream);

    assertThat(machine).allSatisfy(device -> assertThat(device.lost).isZero());
    assertThat(machine.get(0).received).isEqualTo(machine.get(1).sent).isEqualTo(4);
    assertThat(machine.get(1).received).isEqualTo(machine.get(0).sent).isEqualTo(2);

    machine.clear();
    V1DeviceAdapter third = adapter(stopping);
    V1DeviceAdapter fourth = adapter(stopping);
    load(third, firstState);
    load(fourth, secondState);
    for (V1DeviceAdapter device : List.of(third, fourth)) {
      to(device, DeviceState.RUNNING_P2P);
    }
    to(third, DeviceState.RUNNING);
    work();
    to(fourth, DeviceState.RUNNING);
    work();
    assertThat(machine).allSatisfy(device -> assertThat(device.lost).isZero());
    assertThat(machine.get(0).received).isEqualTo(machine.get(1).sent);
    assertThat(machine.get(1).received).isEqualTo(machine.get(0).sent);
  }

  private static void load(V1DeviceAdapter device, ByteBuffer state) throws MigrationException {
    LoadStream stream = ((ArcOutcome.Loading) to(device, DeviceState.RESUMING)).stream();
    stream.write(state);
    to(device, DeviceState.STOP);
  }

  @Test
  void withoutEitherReadingAMessageIsLost() throws MigrationException {
    V1DeviceAdapter first = adapter(V1Stopping.AT_ONCE);
    V1DeviceAdapter second = adapter(V1Stopping.AT_ONCE);
    assertThat(first.features()).isEqualTo(FeatureSet.STOP_COPY_PRE_COPY);
    work();
    to(first, DeviceState.STOP);
    work();
    to(second, DeviceState.STOP);
    assertThat(machine.get(0).lost).isEqualTo(1);
  }

  @Test
  void theExplicitBitIsWritten() throws MigrationException {
    V1DeviceAdapter device = adapter(V1Stopping.NO_DMA_BIT);
    to(device, DeviceState.RUNNING_P2P);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING_P2P);
    to(device, DeviceState.PRE_COPY_P2P);
    assertThat(device.state()).isEqualTo(DeviceState.PRE_COPY_P2P);
    to(device, DeviceState.STOP_COPY);
    to(device, DeviceState.STOP);
    assertThat(machine.get(0).written).containsExactly(9, 11, 2, 0);
  }

  @Test
  void theQuiescentPointNeedsNoFurtherWrite() throws MigrationException {
    V1DeviceAdapter device = adapter(V1Stopping.QUIESCENT_POINT);
    to(device, DeviceState.RUNNING_P2P);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING_P2P);
    to(device, DeviceState.STOP);
    assertThat(device.state()).isEqualTo(DeviceState.STOP);
    to(device, DeviceState.RUNNING);
    to(device, DeviceState.PRE_COPY);
    to(device, DeviceState.PRE_COPY_P2P);
    to(device, DeviceState.STOP_COPY);
    assertThat(device.state()).isEqualTo(DeviceState.STOP_COPY);
    assertThat(machine.get(0).written).containsExactly(0, 1, 3, 2);
  }

  /** A user that does not stop all devices before it reads gets an error, and loses nothing. */
  @Test
  void readingTooEarlyIsRefusedUntilAllHaveStopped() throws MigrationException {
    V1DeviceAdapter first = adapter(V1Stopping.QUIESCENT_POINT);
    V1DeviceAdapter second = adapter(V1Stopping.QUIESCENT_POINT);
    SaveStream stream = ((ArcOutcome.Saving) to(first, DeviceState.STOP_COPY)).stream();
    ByteBuffer into = ByteBuffer.allocate(1000);
    assertThat(stream.read(into)).isEqualTo(SaveStream.Status.DATA);
    assertThatThrownBy(() -> stream.read(into))
        .isInstanceOfSatisfying(MigrationException.class, e -> assertThat(e.errno()).hasValue(110));
    assertThat(machine.get(0).refusedPolls).isGreaterThan(10);
    work();
    assertThat(machine.get(0).lost).isZero();
    to(second, DeviceState.STOP);
    save(stream);
    assertThat(machine.get(0).received).isEqualTo(1);
  }
}
