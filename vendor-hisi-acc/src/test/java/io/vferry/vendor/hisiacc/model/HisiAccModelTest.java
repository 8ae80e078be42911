package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.state.Arc;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The model finds out who does not do as the hardware wants, and the guest finds out who loses. */
final class HisiAccModelTest {

  private final HisiAccTestClock clock = new HisiAccTestClock();

  @Test
  void aMailboxCommandInFourPartsIsNone() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    Region region = side.host.region(2);
    for (int word = 0; word < 4; word++) {
      region.write(
          0x300 + 4L * word,
          ByteBuffer.allocate(4)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(word == 0 ? HisiAccNumbers.COMMAND_PAUSE | 1 << 13 : 0)
              .flip());
    }
    assertThat(side.chip.violations()).hasSize(4);
    assertThat(side.function.paused()).isFalse();
  }

  @Test
  void aSavedMailboxThatIsWrittenBackIsACommand() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    side.perform(Arc.RUNNING_TO_STOP);
    ByteBuffer words = ByteBuffer.allocate(16);
    side.host.region(2).read(0x300, words);
    side.host.region(2).write(0x300, words.flip());
    assertThat(side.chip.violations()).anyMatch(what -> what.contains("without the busy bit"));
  }

  @Test
  void aCommandOnTopOfAnotherIsNotTaken() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    side.quirks.commandNanos.put(HisiAccNumbers.COMMAND_PAUSE, 1_000_000L);
    ByteBuffer pause =
        ByteBuffer.allocate(16)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(0, HisiAccNumbers.COMMAND_PAUSE | 1 << 13);
    side.host.region(2).write(0x300, pause.duplicate());
    side.host.region(2).write(0x300, pause.duplicate());
    assertThat(side.chip.violations()).anyMatch(what -> what.contains("another is under way"));
  }

  @Test
  void aTaskThatIsDoneTwiceIsFound() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=1&depth=8");
    side.boot();
    side.guest.submit(1);
    clock.advance(20 * HisiAccSide.TICK_NANOS);
    long result = side.chip.settings().workload().layout().result(0, 0);
    side.memory.putInt((int) result + HisiAccContexts.RESULT_TIMES, 2);
    side.guest.tick(0);
    assertThat(side.guest.state().violations).containsExactly("task 1 of queue 0 was done 2 times");
  }

  @Test
  void aTaskThatIsLostIsFound() throws MigrationException {
    HisiAccSide source = HisiAccSide.of(clock, "queues=1&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=1&depth=8");
    source.boot();
    source.guest.submit(5);
    source.perform(Arc.RUNNING_TO_STOP);
    // The tail that was written back does not arrive.
    source.memory.putShort(0x3000 + HisiAccContexts.TAIL, (short) 3);
    target.memory.put(0, source.memory, 0, source.memory.capacity());
    target.guest.load(source.guest.save());
    assertThat(target.guest.audit().violations())
        .containsExactly("SQC tail of queue 0 in memory is 3, not 5");
  }

  @Test
  void aGuestThatNobodyWakesSaysSo() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=1&depth=8");
    side.boot();
    side.guest.submit(1);
    side.guest.tick(1);
    side.guest.tick(6_000_000_000L);
    assertThat(side.guest.state().violations)
        .singleElement()
        .asString()
        .contains("1 tasks got no result");
  }

  @Test
  void memoryIsStaleWhileTheDeviceWorks() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=1&depth=8");
    side.boot();
    side.guest.submit(5);
    side.finish();
    assertThat(side.memory.getShort(0x3000 + HisiAccContexts.TAIL)).isZero();
    assertThat(side.guest.audit().violations()).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDeviceThatSaysTooEarlyThatItHasDrainedIsFoundOut(boolean activityTold)
      throws MigrationException {
    HisiAccSide source = HisiAccSide.of(clock, "queues=1&depth=8&work-ticks=5");
    HisiAccSide target = HisiAccSide.of(clock, "queues=1&depth=8&work-ticks=5");
    source.boot();
    source.guest.submit(1);
    clock.advance(3 * HisiAccSide.TICK_NANOS);
    source.quirks.drainLies = true;
    source.quirks.activityTold = activityTold;
    source.quirks.writeBackDropsCache = false;
    source.perform(Arc.RUNNING_TO_STOP);
    if (activityTold) {
      // Where the device tells that it works, it is waited for, and nothing is late.
      assertThat(source.function.queue(0).inFlight()).isZero();
      byte[] stream = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 176);
      target.perform(Arc.RUNNING_TO_STOP);
      HisiAccSide.feed(target.load(), stream, 176);
      target.perform(Arc.RESUMING_TO_STOP);
      target.takeGuest(source);
      HisiAccMove.finish(target);
    } else {
      // Where it does not, the event that came late is what gives it away.
      clock.advance(20 * HisiAccSide.TICK_NANOS);
      assertThatThrownBy(() -> source.save(Arc.STOP_TO_STOP_COPY))
          .hasMessageContaining("changed after it had stopped");
    }
  }

  @Test
  void aTailThatComesWhileTheFunctionIsPausedIsKeptOrLost() throws MigrationException {
    for (HisiAccQuirks.PausedDoorbells behaviour : HisiAccQuirks.PausedDoorbells.values()) {
      HisiAccSide side = HisiAccSide.of(clock, "queues=1&depth=8");
      side.boot();
      side.quirks.queueDoorbells = behaviour;
      side.perform(Arc.RUNNING_TO_STOP);
      // A doorbell that was on its way when the vCPUs stopped. The guest's write is refused now.
      assertThatThrownBy(() -> side.guest.submitTo(0)).hasMessageContaining("VF-1009");
      side.host
          .region(2)
          .write(
              0x1000, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 1L << 32));
      side.perform(Arc.STOP_TO_RUNNING);
      clock.advance(20 * HisiAccSide.TICK_NANOS);
      side.guest.tick(0);
      assertThat(side.guest.outstanding())
          .as("with doorbells " + behaviour)
          .isEqualTo(behaviour == HisiAccQuirks.PausedDoorbells.DROPPED ? 1 : 0);
    }
  }
}
