package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is dangerous in the kernel driver's arcs, as far as reading it shows: H1 to H9. */
final class HisiAccHazardsTest {

  private final HisiAccTestClock clock = new HisiAccTestClock();

  private HisiAccSide working(String parameters) throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, parameters);
    side.boot();
    side.guest.submit(20);
    side.run(2);
    return side;
  }

  private static MigrationException failure(HisiAccSide side, Arc arc) {
    MigrationException failure =
        catchThrowableOfType(MigrationException.class, () -> side.perform(arc));
    assertThat(failure).as("failure of " + arc).isNotNull();
    return failure;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void h1ACancelledSourceGoesOnWithoutADoorbellOfItsGuest(boolean anyDoorbell)
      throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.anyDoorbellResumes = anyDoorbell;
    SaveStream stream = side.save(Arc.RUNNING_TO_PRE_COPY);
    side.perform(Arc.PRE_COPY_TO_STOP_COPY);
    side.perform(Arc.STOP_COPY_TO_STOP);
    side.perform(Arc.STOP_TO_RUNNING);
    // The guest is idle: it waits for interrupts and rings nothing of its own.
    side.finish();
    assertThatThrownBy(() -> HisiAccSide.drain(stream, 8)).hasMessageContaining("has ended");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void h2APauseWithoutASaveGoesOn(boolean kickReadsMemory) throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.kickReadsMemory = kickReadsMemory;
    for (int time = 0; time < 3; time++) {
      side.perform(Arc.RUNNING_TO_STOP);
      clock.advance(1_000_000_000);
      side.perform(Arc.STOP_TO_RUNNING);
      side.guest.submit(5);
      side.run(3);
    }
    side.finish();
  }

  @Test
  void h3AStopThatFailsOnAStatusLeavesTheDeviceRunning() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.afterPause = Optional.of(() -> side.chip.shared().core.set(4, -1));
    MigrationException failure = failure(side, Arc.RUNNING_TO_STOP);
    assertThat(failure.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
    assertThat(failure.state()).contains(DeviceState.RUNNING);
    assertThat(failure.detail()).contains("core reports error 0x4", "started again");
    assertThat(side.function.paused()).isFalse();
    side.finish();
  }

  @Test
  void h3AStopThatFailsOnTheWriteBackLeavesTheDeviceRunning() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.writeBackNeverEnds = true;
    SaveStream stream = side.save(Arc.RUNNING_TO_PRE_COPY);
    MigrationException failure = failure(side, Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(failure.detail()).contains("does not write", "started again");
    assertThat(side.device.state()).isEqualTo(DeviceState.PRE_COPY);
    side.finish();
    // The session goes on, and the stop can be tried again.
    side.quirks.writeBackNeverEnds = false;
    side.guest.submit(5);
    side.perform(Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(HisiAccSide.drain(stream, 64)).hasSize(176);
  }

  @Test
  void h3APauseThatNeverEndsIsSaidToNeedAReset() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.drainNeverEnds = true;
    MigrationException failure = failure(side, Arc.RUNNING_TO_STOP);
    assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(failure.detail()).contains("mailbox command 0xe", "may be paused");
    assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
    side.quirks.drainNeverEnds = false;
    side.reset();
    side.run(1);
    side.guest.submit(9);
    side.finish();
    assertThat(side.guest.state().resets).isOne();
  }

  @Test
  void h3AnInterruptedStopStartsTheDeviceAgain() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.afterPause =
        Optional.of(
            () -> {
              side.chip.shared().abnormal.set(4, 50);
              Thread.currentThread().interrupt();
            });
    MigrationException failure = failure(side, Arc.RUNNING_TO_STOP);
    assertThat(Thread.interrupted()).as("the interrupt is kept").isTrue();
    assertThat(failure.code()).isEqualTo(DeviceError.INTERRUPTED);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
    side.chip.shared().abnormal.clear();
    side.finish();
  }

  @Test
  void h3AStopInterruptedInThePauseStartsTheDeviceAgain() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.commandNanos.put(HisiAccNumbers.COMMAND_PAUSE, 5_000_000L);
    clock.schedule(1_000_000, () -> Thread.currentThread().interrupt());
    MigrationException failure = failure(side, Arc.RUNNING_TO_STOP);
    assertThat(Thread.interrupted()).as("the interrupt is kept").isTrue();
    assertThat(failure.code()).isEqualTo(DeviceError.INTERRUPTED);
    // Only when the pause has ended can it be undone.
    assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
    assertThat(side.function.paused()).isFalse();
    side.finish();
  }

  @ParameterizedTest
  @ValueSource(ints = {HisiAccNumbers.COMMAND_SQC_BT, HisiAccNumbers.COMMAND_CQC_BT})
  void h4ASaveThatFailsLeavesNoStreamBehind(int command) throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.commandStatus.put(command, 3);
    side.perform(Arc.RUNNING_TO_STOP);
    MigrationException failure = failure(side, Arc.STOP_TO_STOP_COPY);
    assertThat(failure.detail()).contains("refused mailbox command", "status 3");
    assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
    assertThat(side.device.state()).isEqualTo(DeviceState.STOP);
    side.quirks.commandStatus.clear();
    SaveStream stream = side.save(Arc.STOP_TO_STOP_COPY);
    assertThat(HisiAccSide.drain(stream, 64)).hasSize(176);
    side.perform(Arc.STOP_COPY_TO_STOP);
    side.perform(Arc.STOP_TO_RUNNING);
    side.finish();
  }

  @Test
  void h4ASaveThatFailsInPreCopyStartsTheDeviceAgain() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.commandStatus.put(HisiAccNumbers.COMMAND_CQC_BT, 1);
    SaveStream stream = side.save(Arc.RUNNING_TO_PRE_COPY);
    MigrationException failure = failure(side, Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(failure.detail()).contains("status 1", "started again");
    assertThat(side.device.state()).isEqualTo(DeviceState.PRE_COPY);
    assertThat(stream.read(ByteBuffer.allocate(176))).isEqualTo(SaveStream.Status.DATA);
    side.finish();
    side.perform(Arc.PRE_COPY_TO_RUNNING);
    assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void h5AfterAFailedMatchNothingIsLoaded() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=8");
    side.perform(Arc.RUNNING_TO_STOP);
    LoadStream in = side.load();
    byte[] stream =
        HisiAccStreams.state(HisiAccStreams.V2, 16, 0x1000, 0x2000, 0x3000, 0x4000).array();
    side.chip.shared().recording = true;
    assertThatThrownBy(() -> HisiAccSide.feed(in, stream, 40))
        .hasMessageContaining("queue-count is 16 on the source, 8 here");
    // Whoever ignores that gets no further.
    assertThatThrownBy(() -> HisiAccSide.feed(in, stream, 136)).hasMessageContaining("queue-count");
    MigrationException failure = failure(side, Arc.RESUMING_TO_STOP);
    assertThat(failure.code()).isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(side.device.state()).isEqualTo(DeviceState.RESUMING);
    assertThat(side.writes()).isEmpty();
  }

  @Test
  void h6AFunctionWithoutItsPhysicalOneIsRefusedAndCanBeReset() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    HisiAccAlteredDevice alone = new HisiAccAlteredDevice(side.host).withoutPf();
    assertThatThrownBy(() -> new HisiAccMigrationDriver().attach(alone))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("name it in the address with pf=")
        .hasMessageContaining("VF-1014");
    alone.reset();
    assertThat(side.register(HisiAccVfRegister.VF_STATE)).isOne();
  }

  @Test
  void h7AResetThatFailsDoesNotSpoilTheNext() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "qm=5");
    HisiAccAlteredDevice altered = new HisiAccAlteredDevice(side.host);
    MigratableDevice device = new HisiAccMigrationDriver().attach(altered);
    device.reset();
    altered.beforeReset(
        () -> {
          throw new MigrationException(DeviceError.RESET_FAILED, "it does not come back");
        });
    assertThatThrownBy(device::reset).hasMessageContaining("VF-1012");
    assertThat(device.state()).isEqualTo(DeviceState.ERROR);
    altered.beforeReset(() -> {});
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    device.perform(Arc.RUNNING_TO_STOP);
  }

  @Test
  void h7ResetsOfOneChipDoNotOverlapAndGiveBackOnlyTheirOwnTurn() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=3&qm=5&queues=4");
    HisiAccAlteredDevice slow = new HisiAccAlteredDevice(new HisiAccSide(clock, chip, 1).host);
    slow.at("sim:slow", 0xa251, Map.of("vf-index", "0"));
    HisiAccSide second = new HisiAccSide(clock, chip, 2);
    HisiAccSide third = new HisiAccSide(clock, chip, 3);
    MigratableDevice first = new HisiAccMigrationDriver().attach(slow);
    List<DeviceState> during = new ArrayList<>();
    slow.beforeReset(
        () -> {
          // The first one takes longer than the others can wait.
          for (HisiAccSide other : List.of(second, third)) {
            long start = clock.nanoTime();
            assertThatThrownBy(other.device::reset)
                .hasMessageContaining("VF-1012")
                .hasMessageContaining("the reset of sim:slow, on the same chip, does not come");
            assertThat(clock.nanoTime() - start).isGreaterThanOrEqualTo(60_000_000_000L);
            // The one that gave up did not take the turn away from its owner: so did the next.
            during.add(other.device.state());
          }
        });
    first.reset();
    assertThat(during).containsExactly(DeviceState.ERROR, DeviceState.ERROR);
    assertThat(chip.function(2).resets()).isZero();
    for (MigratableDevice device : List.of(first, second.device, third.device)) {
      device.reset();
      assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    }
    // On another chip nobody has to wait.
    HisiAccSide elsewhere = HisiAccSide.of(clock, "");
    slow.beforeReset(elsewhere.device::reset);
    first.reset();
    assertThat(elsewhere.device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void h8ABusErrorOfAnotherFunctionDoesNotBlockWhereTheHardwareTells() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=2&qm=5&queues=4");
    HisiAccSide mine = new HisiAccSide(clock, chip, 1);
    mine.boot();
    mine.guest.submit(9);
    chip.busError(2, true);
    mine.perform(Arc.RUNNING_TO_STOP);
    mine.perform(Arc.STOP_TO_RUNNING);
    mine.finish();
    // Its own does.
    chip.busError(1, false);
    assertThat(failure(mine, Arc.RUNNING_TO_STOP).detail())
        .contains("AXI read error", "for this function");
  }

  @ParameterizedTest
  @CsvSource({"3,2", "4,2", "5,1024"})
  void h8AnErrorThatMayBeAnotherFunctionsIsNamed(int version, int status)
      throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=2&queues=4&qm=" + version);
    HisiAccSide mine = new HisiAccSide(clock, chip, 1);
    mine.boot();
    chip.shared().abnormal.set(status, -1);
    chip.shared().functionsWithBusErrors = 1 << 2;
    MigrationException failure = failure(mine, Arc.RUNNING_TO_STOP);
    assertThat(failure.detail())
        .contains("it does not say for which function, so it may be another one's")
        .contains(status == 2 ? "AXI write error" : "doorbell timeout");
    assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
    // It was looked for before the pause, so the function was not even paused.
    assertThat(mine.function.paused()).isFalse();
    assertThat(failure.detail()).doesNotContain("started again");
  }

  @Test
  void h8AnErrorOfTheCoreSaysThatItMayBeAnotherFunctions() throws MigrationException {
    for (HisiAccKind kind : HisiAccKind.values()) {
      HisiAccSide side = HisiAccSide.of(clock, kind, "queues=4");
      side.chip.shared().core.set(1, -1);
      assertThat(failure(side, Arc.RUNNING_TO_STOP).detail())
          .contains("the " + kind.title() + " core reports error 0x1")
          .contains("does not say for which of its functions");
    }
  }

  @ParameterizedTest
  @EnumSource(HisiAccSplit.class)
  void h9AFirstVersionIsPutRightHoweverItIsCut(HisiAccSplit split) throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    source.perform(Arc.RUNNING_TO_STOP);
    byte[] stream = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 176);
    HisiAccStreams.of(stream).putLong(0, HisiAccStreams.V1);
    HisiAccStreams.of(stream).putInt(0x1c, 0);
    // As the kernel of 2022 to 2025 wrote them: from words 1 and 0.
    long words = HisiAccStreams.of(stream).getInt(0x44) & 0xffffffffL;
    HisiAccStreams.of(stream).putLong(0x90, words << 32 | HisiAccStreams.of(stream).getInt(0x40));
    HisiAccStreams.of(stream).putLong(0x98, 0);
    target.perform(Arc.RUNNING_TO_STOP);
    LoadStream in = target.load();
    for (byte[] piece : split.cut(stream)) {
      in.write(ByteBuffer.wrap(piece));
    }
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(source);
    HisiAccMove.finish(target);
    assertThat(target.device.state()).isEqualTo(DeviceState.RUNNING);
  }
}
