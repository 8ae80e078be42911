package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The mistakes that were made with these devices, in the kernel's driver and before it was merged,
 * by the number under which this project keeps them.
 */
final class HisiAccKnownBugsTest {

  private final HisiAccTestClock clock = new HisiAccTestClock();

  private HisiAccSide idle(String parameters) throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, parameters);
    side.boot();
    return side;
  }

  private HisiAccSide working(String parameters) throws MigrationException {
    HisiAccSide side = idle(parameters);
    side.guest.submit(20);
    side.run(2);
    return side;
  }

  private LoadStream resuming(HisiAccSide side) throws MigrationException {
    side.perform(Arc.RUNNING_TO_STOP);
    return side.load();
  }

  private static MigrationException failure(HisiAccSide side, Arc arc) {
    MigrationException failure =
        catchThrowableOfType(MigrationException.class, () -> side.perform(arc));
    assertThat(failure).as("failure of " + arc).isNotNull();
    return failure;
  }

  @ParameterizedTest
  @ValueSource(ints = {177, 4096, 1 << 24})
  void bug01MoreDataThanAStateAreRefused(int bytes) throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    LoadStream in = resuming(side);
    assertThatThrownBy(() -> in.write(ByteBuffer.allocate(bytes))).hasMessageContaining("VF-1006");
    assertThatThrownBy(() -> in.write(ByteBuffer.allocate(1))).hasMessageContaining("VF-1006");
    assertThat(failure(side, Arc.RESUMING_TO_STOP).code()).isEqualTo(DeviceError.DATA_TOO_LONG);
  }

  @Test
  void bug01TheLastByteTooManyIsRefused() throws MigrationException {
    HisiAccSide source = working("queues=4");
    source.perform(Arc.RUNNING_TO_STOP);
    byte[] stream = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 176);
    LoadStream in = resuming(HisiAccSide.of(clock, "queues=4"));
    HisiAccSide.feed(in, stream, 100);
    assertThatThrownBy(() -> in.write(ByteBuffer.allocate(1))).hasMessageContaining("VF-1006");
  }

  @ParameterizedTest
  @CsvSource({
    "status, RUNNING_TO_STOP, IO_FAILED, refused mailbox command 0xe with status 5",
    "table, RUNNING_TO_PRE_COPY, TIMEOUT, its table is not ready",
    "busy, RUNNING_TO_STOP, TIMEOUT, is busy with command 0x1 and does not become free",
    "swallow, RUNNING_TO_STOP, IO_FAILED, gave no answer to mailbox command 0xe",
    "message, RUNNING_TO_STOP, ARC_FAILED, a message of the physical function is pending",
    "write-back, RUNNING_TO_STOP, TIMEOUT, does not write the contexts"
  })
  void bug02EachFailureIsToldAsItIs(String where, Arc arc, DeviceError code, String text)
      throws MigrationException {
    HisiAccSide side = working("queues=4");
    switch (where) {
      case "status" -> side.quirks.drainStatus = 5;
      case "table" -> side.chip.shared().tableStuck = true;
      case "busy" -> side.quirks.foreignBusyReads = -1;
      case "swallow" -> side.quirks.swallowedCommands = 1000;
      case "message" -> side.quirks.messageIn.set(1, -1);
      default -> side.quirks.writeBackNeverEnds = true;
    }
    MigrationException failure = failure(side, arc);
    assertThat(failure.code()).isEqualTo(code);
    assertThat(failure.detail()).contains(text);
    assertThat(failure.arc()).contains(arc);
    assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void bug03RingAddressesAreWordsTwoAndOne() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.finish();
    side.guest.submit(5);
    side.finish();
    side.perform(Arc.RUNNING_TO_STOP);
    ByteBuffer stream = HisiAccStreams.of(HisiAccSide.drain(side.save(Arc.STOP_TO_STOP_COPY), 176));
    assertThat(stream.getLong(0)).isEqualTo(HisiAccStreams.V2);
    assertThat(stream.getInt(0x40) & 0xffff).as("head of the event queue").isNotZero();
    assertThat(stream.getLong(0x90)).isEqualTo(HisiAccSide.MEMORY + 0x1000);
    assertThat(stream.getLong(0x98)).isEqualTo(HisiAccSide.MEMORY + 0x2000);
    assertThat(stream.getLong(0xa0)).isEqualTo(HisiAccSide.MEMORY + 0x3000);
    assertThat(stream.getLong(0xa8)).isEqualTo(HisiAccSide.MEMORY + 0x3800);
  }

  @ParameterizedTest
  @EnumSource
  void bug04PiecesMakeTheWhole(HisiAccSplit split) throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    source.perform(Arc.RUNNING_TO_STOP);
    byte[] whole = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 1024);
    source.perform(Arc.STOP_COPY_TO_STOP);
    assertThat(HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 7)).isEqualTo(whole);
    source.perform(Arc.STOP_COPY_TO_STOP);
    assertThat(HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 1)).isEqualTo(whole);
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    LoadStream in = resuming(target);
    for (byte[] piece : split.cut(whole)) {
      in.write(ByteBuffer.wrap(piece));
    }
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(source);
    HisiAccMove.finish(target);
  }

  @Test
  void bug04AStreamThatStoppedGoesOnWhereItWas() throws MigrationException {
    HisiAccSide side = working("queues=4");
    side.perform(Arc.RUNNING_TO_STOP);
    byte[] whole = HisiAccSide.drain(side.save(Arc.STOP_TO_STOP_COPY), 1024);
    side.perform(Arc.STOP_COPY_TO_STOP);
    side.perform(Arc.STOP_TO_RUNNING);
    side.finish();
    for (int before = 0; before <= 40; before += 8) {
      SaveStream out = side.save(Arc.RUNNING_TO_PRE_COPY);
      ByteBuffer all = ByteBuffer.allocate(176);
      if (before > 0) {
        assertThat(out.read(all.limit(before))).isEqualTo(SaveStream.Status.DATA);
      }
      side.perform(Arc.PRE_COPY_TO_STOP_COPY);
      all.limit(176).put(HisiAccSide.drain(out, 9));
      assertThat(all.array()).hasSize(176).startsWith(Arrays.copyOf(whole, 40));
      assertThat(HisiAccStreams.of(all.array()).getLong(0xa0))
          .isEqualTo(HisiAccSide.MEMORY + 0x3000);
      side.perform(Arc.STOP_COPY_TO_STOP);
      side.perform(Arc.STOP_TO_RUNNING);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      names = {"RUNNING", "STOP", "PRE_COPY", "STOP_COPY", "RESUMING"})
  void bug05AResetWorksInEachStateAndForgetsAll(DeviceState state) throws MigrationException {
    HisiAccSide side = working("queues=4");
    SaveStream saving = null;
    LoadStream loading = null;
    switch (state) {
      case PRE_COPY -> saving = side.save(Arc.RUNNING_TO_PRE_COPY);
      case STOP -> side.perform(Arc.RUNNING_TO_STOP);
      case STOP_COPY -> {
        side.perform(Arc.RUNNING_TO_STOP);
        saving = side.save(Arc.STOP_TO_STOP_COPY);
      }
      case RESUMING -> loading = resuming(side);
      default -> {}
    }
    assertThat(side.device.features().preCopy()).isTrue();
    assertThat(side.device.state()).isEqualTo(state);
    side.reset();
    assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
    if (saving != null) {
      SaveStream dead = saving;
      assertThatThrownBy(() -> dead.read(ByteBuffer.allocate(8))).hasMessageContaining("VF-1007");
    }
    if (loading != null) {
      LoadStream dead = loading;
      assertThatThrownBy(() -> dead.write(ByteBuffer.allocate(8))).hasMessageContaining("VF-1007");
    }
    side.run(1);
    side.guest.submit(9);
    side.finish();
    assertThat(side.guest.state().resets).isOne();
  }

  @ParameterizedTest
  @CsvSource({
    "PRE_COPY,true,false", "PRE_COPY,false,false", "PRE_COPY,false,true",
    "STOP_COPY,true,false", "STOP_COPY,false,false", "STOP_COPY,false,true",
    "RESUMING,true,false"
  })
  void bug05AResetBehindOurBackIsNoticed(DeviceState state, boolean counted, boolean windows)
      throws MigrationException {
    HisiAccSide side = working("queues=4&qm=4&windows=" + windows);
    HisiAccAlteredDevice host = new HisiAccAlteredDevice(side.host);
    if (!counted) {
      host.without(ResetCount.class);
    }
    MigratableDevice device = new HisiAccMigrationDriver().attach(host);
    List<Arc> path =
        switch (state) {
          case PRE_COPY -> List.of(Arc.RUNNING_TO_PRE_COPY);
          case RESUMING -> List.of(Arc.RUNNING_TO_STOP, Arc.STOP_TO_RESUMING);
          default -> List.of(Arc.RUNNING_TO_STOP, Arc.STOP_TO_STOP_COPY);
        };
    ArcOutcome last = ArcOutcome.done();
    for (Arc arc : path) {
      last = device.perform(arc);
    }
    assertThat(device.state()).isEqualTo(state);
    side.host.reset();
    // Whoever comes first, the stream or the question, finds out.
    if (last instanceof ArcOutcome.Saving saving) {
      SaveStream stream = saving.stream();
      assertThatThrownBy(() -> stream.read(ByteBuffer.allocate(8))).hasMessageContaining("VF-1007");
    } else if (last instanceof ArcOutcome.Loading loading) {
      LoadStream stream = loading.stream();
      assertThatThrownBy(() -> stream.write(ByteBuffer.allocate(8)))
          .hasMessageContaining("VF-1007");
    }
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void bug05AGuestThatLoadsItsDriverAnewDuringPreCopyIsNotReset() throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    source.finish();
    SaveStream out = source.save(Arc.RUNNING_TO_PRE_COPY);
    byte[] first = HisiAccSide.drain(out, 40);
    source.guest.unloadDriver();
    // On its way it has its ring elsewhere.
    source.function.events().queue(false).word(1, 0x5000);
    assertThat(source.device.state()).isEqualTo(DeviceState.PRE_COPY);
    source.guest.loadDriver();
    source.guest.submit(9);
    LoadStream in = resuming(target);
    HisiAccSide.feed(in, first, 40);
    source.perform(Arc.PRE_COPY_TO_STOP_COPY);
    HisiAccSide.feed(in, HisiAccSide.drain(out, 176), 176);
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(source);
    HisiAccMove.finish(target);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 500_000, 1_500_000, 2_500_000, 3_500_000, 4_500_000})
  void bug05AResetInTheMiddleOfAnArcEndsIt(long afterNanos) throws MigrationException {
    for (Arc arc : List.of(Arc.RUNNING_TO_STOP, Arc.PRE_COPY_TO_STOP_COPY, Arc.RESUMING_TO_STOP)) {
      HisiAccSide side = working("queues=4&depth=8");
      byte[] stream = stream(side, arc);
      for (int command = 4; command <= HisiAccNumbers.COMMAND_PAUSE; command++) {
        side.quirks.commandNanos.put(command, 1_000_000L);
      }
      clock.schedule(
          afterNanos,
          () -> {
            try {
              side.device.reset();
              side.chip.forgetAccesses();
              side.chip.shared().recording = true;
            } catch (MigrationException e) {
              throw new AssertionError(e);
            }
          });
      MigrationException failure =
          catchThrowableOfType(MigrationException.class, () -> side.perform(arc));
      side.chip.shared().recording = false;
      if (failure != null) {
        assertThat(failure.detail()).contains("was reset in the middle of the arc");
        assertThat(failure.state()).contains(DeviceState.RUNNING);
        assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
        assertThat(side.writes())
            .as("written to the function after the reset")
            .noneMatch(write -> write.function() != 0);
      } else {
        // The arc was over before.
        side.reset();
      }
      assertThat(stream.length).isLessThan(177);
      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      assertThat(side.register(HisiAccVfRegister.VF_STATE)).isOne();
      assertThat(side.function.paused()).isFalse();
      side.quirks.commandNanos.clear();
      clock.advance(10_000_000);
      side.guard.at(DeviceState.RUNNING);
      side.guest.tick(0);
      side.guest.submit(9);
      side.finish();
    }
  }

  /** Brings a device to where an arc starts. */
  private byte[] stream(HisiAccSide side, Arc arc) throws MigrationException {
    switch (arc) {
      case PRE_COPY_TO_STOP_COPY -> side.save(Arc.RUNNING_TO_PRE_COPY);
      case RESUMING_TO_STOP -> {
        side.perform(Arc.RUNNING_TO_STOP);
        byte[] stream = HisiAccSide.drain(side.save(Arc.STOP_TO_STOP_COPY), 176);
        side.perform(Arc.STOP_COPY_TO_STOP);
        HisiAccSide.feed(side.load(), stream, 176);
        return stream;
      }
      default -> {}
    }
    return new byte[0];
  }

  @ParameterizedTest
  @ValueSource(ints = {HisiAccNumbers.COMMAND_SQC_BT, HisiAccNumbers.COMMAND_CQC_BT})
  void bug02ALoadThatFailsLeavesAFunctionThatIsNotReady(int command) throws MigrationException {
    HisiAccSide source = working("queues=4");
    source.perform(Arc.RUNNING_TO_STOP);
    byte[] stream = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 176);
    HisiAccSide target = HisiAccSide.of(clock, "queues=4");
    LoadStream in = resuming(target);
    in.write(ByteBuffer.wrap(stream));
    target.quirks.commandStatus.put(command, 4);
    MigrationException failure = failure(target, Arc.RESUMING_TO_STOP);
    assertThat(failure.detail()).contains("refused mailbox command", "status 4");
    assertThat(failure.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(failure.state()).contains(DeviceState.RESUMING);
    assertThat(target.register(HisiAccVfRegister.VF_STATE)).isOne();
  }

  @Test
  void bug06ResetReadAndProgressDoNotWaitForEachOther() throws Exception {
    HisiAccSide side = idle("queues=4");
    PrecopyProgress progress = side.device.capability(PrecopyProgress.class).orElseThrow();
    AtomicReference<SaveStream> current = new AtomicReference<>();
    AtomicReference<Throwable> broken = new AtomicReference<>();
    Thread reader =
        new Thread(
            () -> {
              while (!Thread.currentThread().isInterrupted()) {
                try {
                  progress.remaining();
                  SaveStream stream = current.get();
                  if (stream != null) {
                    stream.read(ByteBuffer.allocate(3));
                  }
                  side.device.state();
                } catch (MigrationException ended) {
                  if (ended.code() != DeviceError.WRONG_STATE
                      && ended.code() != DeviceError.SESSION_CLOSED) {
                    broken.set(ended);
                  }
                } catch (RuntimeException e) {
                  broken.set(e);
                }
              }
            });
    reader.start();
    for (int time = 0; time < 2_000; time++) {
      current.set(side.save(Arc.RUNNING_TO_PRE_COPY));
      side.reset();
    }
    reader.interrupt();
    reader.join(60_000);
    assertThat(reader.isAlive()).isFalse();
    assertThat(broken.get()).isNull();
  }

  @ParameterizedTest
  @CsvSource({"LATCHED,true", "DROPPED,true", "PROCESSED,true", "LATCHED,false"})
  void bug07AnInterruptThatWasHeldBackIsRaisedAgain(
      HisiAccQuirks.PausedDoorbells doorbells, boolean held) throws MigrationException {
    int caught = 0;
    for (int ticks = 0; ticks < 10; ticks++) {
      HisiAccSide source = idle("queues=1&depth=8");
      HisiAccSide target = HisiAccSide.of(clock, "queues=1&depth=8");
      for (HisiAccSide side : List.of(source, target)) {
        side.quirks.pauseHoldsInterrupts = held;
        side.quirks.eventDoorbells = doorbells;
      }
      source.guest.submit(1);
      clock.advance(ticks * HisiAccSide.TICK_NANOS);
      boolean flying = source.function.queue(0).inFlight() > 0;
      HisiAccMove.move(source, target, 176);
      caught += flying ? 1 : 0;
      HisiAccMove.finish(target);
    }
    assertThat(caught).as("moves with the interrupt still to come").isGreaterThan(3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void bug08ContextsAreInMemoryWhenTheDeviceHasStopped(boolean dropped) throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    source.quirks.writeBackDropsCache = dropped;
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    int sqc = 0x3000;
    assertThat(source.memory.getShort(sqc + HisiAccContexts.TAIL)).as("stale tail").isZero();
    source.perform(Arc.RUNNING_TO_STOP);
    assertThat(source.memory.getShort(sqc + HisiAccContexts.TAIL) & 0xffff)
        .isEqualTo((int) (source.guest.state().submitted[0] % 8));
    assertThat(source.guest.audit().violations()).isEmpty();
    // Whoever writes back only when saving is too late.
    clock.advance(1_000_000_000);
    byte[] stream = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 176);
    HisiAccSide.feed(resuming(target), stream, 176);
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(source);
    HisiAccMove.finish(target);
  }

  @Test
  void bug09ClosingEndsStreamsAndGivesBackWhatWasShared() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=8");
    LoadStream in = resuming(side);
    assertThatThrownBy(() -> in.write(HisiAccStreams.match(HisiAccStreams.V2, 9, 0xa251, 0, 1)))
        .hasMessageContaining("queue-count is 9 on the source, 8 here");
    side.device.close();
    side.device.close();
    assertThatThrownBy(() -> in.write(ByteBuffer.allocate(1))).hasMessageContaining("VF-1007");
    // Opened again there is nothing of it left.
    side.host.reset();
    MigratableDevice again = new HisiAccMigrationDriver().attach(side.host);
    assertThat(again.state()).isEqualTo(DeviceState.RUNNING);
    again.close();
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void bug10AFunctionWithoutADriverMoves(boolean unloaded, boolean preCopy)
      throws MigrationException {
    HisiAccSide source = HisiAccSide.of(clock, "queues=4&guest=" + unloaded);
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&guest=" + unloaded);
    source.boot();
    if (unloaded) {
      source.guest.submit(9);
      source.finish();
      source.guest.unloadDriver();
    }
    target.chip.shared().recording = true;
    int bytes =
        preCopy ? HisiAccMove.move(source, target, 176) : HisiAccMove.moveStopped(source, target);
    assertThat(bytes).isEqualTo(40);
    target.perform(Arc.STOP_TO_RUNNING);
    assertThat(target.writes())
        .as("registers of the function written")
        .allMatch(
            write ->
                write.function() == 0
                    || write.offset() == HisiAccVfRegister.MAILBOX.offset()
                    || write.offset() == HisiAccVfRegister.CACHE_WB_START.offset());
    assertThat(target.register(HisiAccVfRegister.VF_STATE)).isOne();
    // The guest loads its driver here.
    target.guest.loadDriver();
    target.guest.submit(9);
    target.finish();
  }

  @Test
  void bug10AFunctionWhoseDriverIsJustBeingLoadedIsWaitedFor() throws MigrationException {
    HisiAccSide soon = HisiAccSide.of(clock, "queues=4");
    soon.boot();
    soon.perform(Arc.RUNNING_TO_STOP);
    soon.function.registers().write(HisiAccVfRegister.VF_STATE.offset(), 1);
    clock.schedule(
        500_000, () -> soon.function.registers().write(HisiAccVfRegister.VF_STATE.offset(), 0));
    assertThat(HisiAccSide.drain(soon.save(Arc.STOP_TO_STOP_COPY), 176)).hasSize(176);
    HisiAccSide late = HisiAccSide.of(clock, "queues=4");
    late.boot();
    late.perform(Arc.RUNNING_TO_STOP);
    late.function.registers().write(HisiAccVfRegister.VF_STATE.offset(), 1);
    clock.schedule(
        2_000_000, () -> late.function.registers().write(HisiAccVfRegister.VF_STATE.offset(), 0));
    assertThat(HisiAccSide.drain(late.save(Arc.STOP_TO_STOP_COPY), 176)).hasSize(40);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x90, 0x98, 0xa0, 0xa8})
  void bug10AnAddressOfZeroIsNotLoaded(int field) throws MigrationException {
    ByteBuffer stream =
        HisiAccStreams.state(
            HisiAccStreams.V2,
            16,
            field == 0x90 ? 0 : 0x1000,
            field == 0x98 ? 0 : 0x2000,
            field == 0xa0 ? 0 : 0x3000,
            field == 0xa8 ? 0 : 0x4000);
    HisiAccSide side = HisiAccSide.of(clock, "");
    LoadStream in = resuming(side);
    side.chip.shared().recording = true;
    in.write(stream);
    side.perform(Arc.RESUMING_TO_STOP);
    assertThat(side.function.sqcArray()).isZero();
    assertThat(side.register(HisiAccVfRegister.VF_STATE)).isOne();
    side.perform(Arc.STOP_TO_RUNNING);
    assertThat(side.chip.violations()).isEmpty();
  }

  @Test
  void bug11AnErrorOfTheChipAndAResetMeetInTheMiddleOfAMigration() throws MigrationException {
    HisiAccSide source = working("queues=4");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4");
    SaveStream out = source.save(Arc.RUNNING_TO_PRE_COPY);
    // The physical function is recovering, and does not get ready before 3 ms have passed.
    source.quirks.afterPause = Optional.of(() -> source.chip.shared().abnormal.set(1 << 5, -1));
    assertThat(failure(source, Arc.PRE_COPY_TO_STOP_COPY).detail()).contains("do-task timeout");
    source.quirks.afterPause = Optional.empty();
    source.chip.shared().tableStuck = true;
    source.reset();
    clock.schedule(
        3_000_000,
        () -> {
          source.chip.shared().abnormal.clear();
          source.chip.shared().tableStuck = false;
        });
    assertThat(source.device.state()).isEqualTo(DeviceState.RUNNING);
    assertThatThrownBy(() -> out.read(ByteBuffer.allocate(8))).hasMessageContaining("VF-1007");
    assertThat(failure(source, Arc.RUNNING_TO_PRE_COPY).code()).isEqualTo(DeviceError.TIMEOUT);
    clock.advance(3_000_000);
    source.run(1);
    source.guest.submit(5);
    HisiAccMove.move(source, target, 176);
    HisiAccMove.finish(target);
  }

  @Test
  void bug12EachStreamIsMatchedAnew() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=8");
    LoadStream first = resuming(side);
    first.write(HisiAccStreams.match(HisiAccStreams.V2, 8, 0xa251, 0, 1));
    side.perform(Arc.RESUMING_TO_STOP);
    LoadStream second = side.load();
    assertThatThrownBy(() -> second.write(HisiAccStreams.match(HisiAccStreams.V2, 8, 0xa256, 0, 1)))
        .hasMessageContaining("device-id is 0xa256 (sec) on the source, 0xa251 (zip) here");
    assertThat(failure(side, Arc.RESUMING_TO_STOP).code()).isEqualTo(DeviceError.DATA_INCOMPATIBLE);
  }

  @Test
  void bug12ADeviceThatChangedAfterTheMatchIsRefusedAtTheLoad() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=8");
    LoadStream in = resuming(side);
    in.write(HisiAccStreams.match(HisiAccStreams.V2, 8, 0xa251, 0, 1));
    side.chip.assignQueues(1, 4);
    assertThat(failure(side, Arc.RESUMING_TO_STOP).detail())
        .contains("queue-count is 8 on the source, 4 here");
  }

  @Test
  void bug13AFunctionWithoutQueuesIsNoFunctionWithOne() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=8");
    side.chip.assignQueues(1, 0);
    assertThat(failure(side, Arc.RUNNING_TO_PRE_COPY).code()).isEqualTo(DeviceError.NOT_MIGRATABLE);
    side.chip.assignQueues(1, 8);
    side.perform(Arc.RUNNING_TO_STOP);
    side.quirks.commandStatus.put(HisiAccNumbers.COMMAND_VFT, 2);
    MigrationException failure = failure(side, Arc.STOP_TO_RESUMING);
    assertThat(failure.detail()).contains("mailbox command 0x6 with status 2");
    assertThat(side.device.state()).isEqualTo(DeviceState.STOP);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void bug14AnswersOfAnotherFunctionAreNotTaken(boolean replaced) throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    for (HisiAccSide side : List.of(source, target)) {
      side.quirks.neighbour = HisiAccQuirks.NeighbourTraffic.BETWEEN_READS;
      side.quirks.replacedAnswers = replaced ? 3 : 0;
    }
    HisiAccMove.move(source, target, 176);
    HisiAccMove.finish(target);
  }

  @Test
  void bug14AnswersThatAreReadInPartsAreMixed() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.neighbour = HisiAccQuirks.NeighbourTraffic.BETWEEN_READS;
    MigratableDevice parts =
        new HisiAccMigrationDriver()
            .attach(new HisiAccAlteredDevice(side.host).withRegion(2, HisiAccSplitReads::new));
    parts.perform(Arc.RUNNING_TO_STOP);
    // What the model does to a driver that reads the answer with more than one access.
    SaveStream out = ((ArcOutcome.Saving) parts.perform(Arc.STOP_TO_STOP_COPY)).stream();
    assertThat(HisiAccStreams.of(HisiAccSide.drain(out, 176)).getLong(0xa0))
        .isEqualTo(0xdeadbeef0badf00dL);
  }

  @ParameterizedTest
  @ValueSource(longs = {1_500_000, 900_000_000})
  void bug15ASlowCommandIsWaitedFor(long nanos) throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    source.quirks.commandNanos.put(HisiAccNumbers.COMMAND_PAUSE, nanos);
    source.quirks.commandNanos.put(HisiAccNumbers.COMMAND_SQC_BT, nanos);
    target.quirks.commandNanos.put(HisiAccNumbers.COMMAND_CQC_BT, nanos);
    HisiAccMove.move(source, target, 176);
    HisiAccMove.finish(target);
  }

  @Test
  void bug15ALateAnswerDoesNotSpoilTheNextCommand() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.perform(Arc.RUNNING_TO_STOP);
    side.quirks.commandNanos.put(HisiAccNumbers.COMMAND_SQC_BT, 1_100_000_000L);
    MigrationException failure = failure(side, Arc.STOP_TO_STOP_COPY);
    assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(failure.detail()).contains("did not finish mailbox command 0x4");
    side.quirks.commandNanos.clear();
    // The command is still under way: the next one waits for its end.
    ByteBuffer stream = HisiAccStreams.of(HisiAccSide.drain(side.save(Arc.STOP_TO_STOP_COPY), 176));
    assertThat(stream.getLong(0xa0)).isEqualTo(HisiAccSide.MEMORY + 0x3000);
    assertThat(side.chip.violations()).isEmpty();
  }

  @Test
  void bug15ACommandThatNeverEndsIsFollowedByNoOther() throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.perform(Arc.RUNNING_TO_STOP);
    side.quirks.commandNanos.put(HisiAccNumbers.COMMAND_SQC_BT, Long.MAX_VALUE / 4);
    failure(side, Arc.STOP_TO_STOP_COPY);
    assertThat(failure(side, Arc.STOP_TO_STOP_COPY).detail())
        .contains("still busy with mailbox command 0x4, which was given up");
    assertThat(side.chip.violations()).isEmpty();
  }

  @Test
  void bug16WhatIsClosedAnswersWithAnError() throws MigrationException {
    HisiAccSide side = working("queues=4");
    PrecopyProgress progress = side.device.capability(PrecopyProgress.class).orElseThrow();
    SaveStream out = side.save(Arc.RUNNING_TO_PRE_COPY);
    side.device.close();
    assertThatThrownBy(progress::remaining).isInstanceOf(MigrationException.class);
    assertThatThrownBy(() -> out.read(ByteBuffer.allocate(1))).hasMessageContaining("VF-1007");
    // A stream is explained without any device.
    assertThat(
            new HisiAccMigrationDriver()
                .inspector()
                .orElseThrow()
                .inspect(HisiAccStreams.match(HisiAccStreams.V2, 4, 0xa251, 0, 1)))
        .isNotEmpty();
  }

  @Test
  void bug17OnAHostWithLargePagesTheMailboxIsStillOneAccess() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=4&host-page-64k=true");
    Region region = side.guarded.region(2);
    assertThat(region.info().sizeBytes()).isEqualTo(0x8000);
    assertThat(region.info().mappable()).isFalse();
    assertThat(region.map(0, 0x8000)).isEmpty();
    side.chip.shared().recording = true;
    side.boot();
    assertThat(side.writes())
        .filteredOn(write -> write.offset() >= 0x300 && write.offset() < 0x310)
        .isNotEmpty()
        .allMatch(write -> write.lengthBytes() == 16 && write.offset() == 0x300);
    side.guest.submit(3);
    side.finish();
  }

  @ParameterizedTest
  @CsvSource({"5,false", "4,true", "3,true"})
  void bug18DoorbellsOfAResetFunctionAreDiscardedWhereTheyCanBe(int version, boolean error)
      throws MigrationException {
    HisiAccSide side = idle("queues=4&qm=" + version);
    side.quirks.doorbellInReset = true;
    side.reset();
    assertThat(side.chip.shared().abnormal.read() != 0).isEqualTo(error);
    side.chip.shared().abnormal.clear();
    assertThat(side.register(HisiAccVfRegister.FUN_DB_DROP)).isZero();
    side.run(1);
    side.guest.submit(3);
    side.finish();
  }

  @Test
  void bug19ACommandThatWasSwallowedIsNotTakenForDone() throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    source.quirks.swallowedCommands = 1;
    source.perform(Arc.RUNNING_TO_STOP);
    assertThat(source.function.paused()).isTrue();
    source.quirks.swallowedCommands = 1;
    byte[] stream = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 176);
    target.perform(Arc.RUNNING_TO_STOP);
    LoadStream in = target.load();
    target.quirks.swallowedCommands = 1;
    HisiAccSide.feed(in, stream, 176);
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(source);
    HisiAccMove.finish(target);
  }

  @Test
  void bug20FailedSavesLeaveNothingBehind() throws MigrationException {
    HisiAccSide side = working("queues=4");
    side.perform(Arc.RUNNING_TO_STOP);
    side.quirks.commandStatus.put(HisiAccNumbers.COMMAND_SQC_BT, 1);
    for (int time = 0; time < 100; time++) {
      assertThat(failure(side, Arc.STOP_TO_STOP_COPY).condition())
          .isEqualTo(DeviceCondition.USABLE);
    }
    side.perform(Arc.STOP_TO_RUNNING);
    side.finish();
  }

  @ParameterizedTest
  @CsvSource({
    "in,5,true", "in,99,true", "in,100,true", "in,101,false", "in,-1,false",
    "out,5,true", "out,99,true", "out,100,true", "out,101,false", "out,-1,false",
    "chip,5,true", "chip,99,true", "chip,100,true", "chip,101,false", "chip,-1,false",
    "core,5,true", "core,99,true", "core,100,true", "core,101,false", "core,-1,false"
  })
  void bug21WhatIsPendingMayPassButNotStay(String what, int reads, boolean passes)
      throws MigrationException {
    for (boolean afterPause : new boolean[] {false, true}) {
      HisiAccSide side = working("queues=4&depth=8");
      HisiAccPending pending =
          switch (what) {
            case "in" -> side.quirks.messageIn;
            case "out" -> side.quirks.messageOut;
            case "chip" -> side.chip.shared().abnormal;
            default -> side.chip.shared().core;
          };
      if (afterPause) {
        side.quirks.afterPause = Optional.of(() -> pending.set(1, reads));
      } else {
        pending.set(1, reads);
      }
      if (passes) {
        side.perform(Arc.RUNNING_TO_STOP);
        side.perform(Arc.STOP_TO_RUNNING);
      } else {
        MigrationException failure = failure(side, Arc.RUNNING_TO_STOP);
        assertThat(failure.code()).isEqualTo(DeviceError.ARC_FAILED);
        assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
      }
      pending.clear();
      side.finish();
    }
  }

  @Test
  void bug22TheNumberOfAFunctionIsNotTheOneInItsAddress() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=20&queues=2");
    for (int number = 1; number <= 20; number++) {
      HisiAccModelDevice host =
          HisiAccModelDevice.vf(chip, number, DeviceAddress.parse("sim:hisi-zip-vf"), null);
      HisiAccAlteredDevice pf =
          new HisiAccAlteredDevice(host.companion("pf").orElseThrow())
              .at("vfio:0000:75:00.0", 0xa250, Map.of());
      HostDevice vf =
          new HisiAccAlteredDevice(host)
              .at("vfio:0000:75:%02x.%d".formatted(number / 8, number % 8), 0xa251, Map.of())
              .withPf(pf);
      chip.forgetAccesses();
      chip.shared().recording = true;
      MigratableDevice device = new HisiAccMigrationDriver().attach(vf);
      device.perform(Arc.RUNNING_TO_STOP);
      // The physical function was asked for this one, and the function's own answer agrees.
      int asked = number;
      assertThat(chip.accesses())
          .filteredOn(access -> access.write() && access.offset() == 0x100060)
          .allMatch(access -> access.value() == asked);
      device.perform(Arc.STOP_TO_RESUMING);
      device.close();
    }
  }

  @Test
  void bug22AWrongNumberIsFoundOut() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=3&queues=2");
    HisiAccModelDevice host =
        HisiAccModelDevice.vf(chip, 3, DeviceAddress.parse("sim:hisi-zip-vf"), null);
    MigratableDevice device =
        new HisiAccMigrationDriver()
            .attach(
                new HisiAccAlteredDevice(host)
                    .at("sim:hisi-zip-vf", 0xa251, Map.of("vf-index", "1")));
    device.perform(Arc.RUNNING_TO_STOP);
    assertThatThrownBy(() -> device.perform(Arc.STOP_TO_RESUMING))
        .hasMessageContaining("one of them is another device's");
  }

  @Test
  void bug22AnotherIsolationIsRefusedAndComesFromThePhysicalFunction() throws MigrationException {
    HisiAccSide source = HisiAccSide.of(clock, "isolation=true");
    // The function's own register says otherwise, as after a reset.
    assertThat(source.register(HisiAccVfRegister.QUE_ISO_CFG)).isZero();
    byte[] match = HisiAccSide.drain(source.save(Arc.RUNNING_TO_PRE_COPY), 40);
    assertThat(HisiAccStreams.of(match).getInt(0x10)).isOne();
    LoadStream in = resuming(HisiAccSide.of(clock, "isolation=false"));
    assertThatThrownBy(() -> in.write(ByteBuffer.wrap(match)))
        .hasMessageContaining("doorbell-isolation is on on the source, off here")
        .hasMessageContaining("VF-1005");
  }

  @Test
  void bug23ARefusedStreamChangesNoRegister() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=8");
    LoadStream in = resuming(side);
    side.chip.shared().recording = true;
    List<ByteBuffer> bad =
        List.of(
            HisiAccStreams.match(HisiAccStreams.V2, 16, 0xa251, 0, 1),
            HisiAccStreams.match(HisiAccStreams.V1, 8, 0xa251, 1, 0),
            HisiAccStreams.match(HisiAccStreams.V2, 8, 0xa259, 0, 1),
            HisiAccStreams.match(HisiAccStreams.V2, 8, 0xa251, 0, 2),
            HisiAccStreams.match(HisiAccStreams.V2, 8, 0xa251, 0, 0),
            HisiAccStreams.match(0x1234, 8, 0xa251, 0, 1));
    List<LoadStream> streams = new ArrayList<>(List.of(in));
    for (ByteBuffer stream : bad) {
      assertThatThrownBy(() -> streams.get(streams.size() - 1).write(stream))
          .hasMessageContaining("VF-1005");
      assertThat(failure(side, Arc.RESUMING_TO_STOP).state()).contains(DeviceState.RESUMING);
      assertThat(side.writes()).isEmpty();
      side.chip.shared().recording = false;
      side.reset();
      streams.add(resuming(side));
      side.chip.forgetAccesses();
      side.chip.shared().recording = true;
    }
  }

  @Test
  void inWindowsNoOtherFunctionIsTouched() throws MigrationException {
    HisiAccChip chip =
        HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=3&queues=4&qm=4&windows=true&depth=8");
    HisiAccSide mine = new HisiAccSide(clock, chip, 2);
    HisiAccSide next = new HisiAccSide(clock, chip, 3);
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&qm=4&windows=true&depth=8&vfs=3");
    mine.boot();
    next.boot();
    mine.guest.submit(20);
    next.guest.submit(20);
    mine.run(2);
    chip.shared().recording = true;
    mine.perform(Arc.RUNNING_TO_STOP);
    mine.save(Arc.STOP_TO_STOP_COPY);
    mine.perform(Arc.STOP_COPY_TO_STOP);
    mine.perform(Arc.STOP_TO_RUNNING);
    long window = HisiAccNumbers.WINDOWS + 2L * HisiAccNumbers.WINDOW_BYTES;
    assertThat(chip.accesses())
        .filteredOn(access -> access.function() == 0 && access.offset() >= HisiAccNumbers.WINDOWS)
        .filteredOn(access -> access.offset() < 0x200000)
        .isNotEmpty()
        .allMatch(
            access ->
                access.offset() >= window
                    && access.offset() + access.lengthBytes()
                        <= window + HisiAccNumbers.WINDOW_BYTES);
    assertThat(next.register(HisiAccVfRegister.AEQ_INT_MASK)).isZero();
    chip.shared().recording = false;
    HisiAccMove.move(mine, target, 40);
    HisiAccMove.finish(target);
    next.finish();
  }
}
