package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Moves from and to a host whose kernel migrates the function by itself. */
final class HisiAccLinuxTest {

  private static final String PARAMETERS = "queues=1&depth=8&vfs=2";

  private final HisiAccTestClock clock = new HisiAccTestClock();

  private HisiAccSide side(HisiAccQuirks.PausedDoorbells doorbells, boolean held, boolean armed)
      throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, PARAMETERS);
    side.quirks.eventDoorbells = doorbells;
    side.quirks.pauseHoldsInterrupts = held;
    side.quirks.armedInContext = armed;
    return side;
  }

  static Stream<Arguments> worlds() {
    List<Arguments> worlds = new ArrayList<>();
    for (HisiAccQuirks.PausedDoorbells doorbells : HisiAccQuirks.PausedDoorbells.values()) {
      for (boolean held : new boolean[] {false, true}) {
        for (boolean armed : new boolean[] {false, true}) {
          worlds.add(Arguments.of(doorbells, held, armed));
        }
      }
    }
    return worlds.stream();
  }

  @Test
  void bothWriteTheSameBytes() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, PARAMETERS);
    side.boot();
    side.guest.submit(5);
    side.finish();
    side.guest.submit(2);
    clock.advance(3 * HisiAccSide.TICK_NANOS);
    side.perform(Arc.RUNNING_TO_STOP);
    byte[] ours = HisiAccSide.drain(side.save(Arc.STOP_TO_STOP_COPY), 176);
    assertThat(ours).isEqualTo(new HisiAccLinux(side).save());
  }

  /**
   * A destination that rings nothing. Where it does not travel that an event queue is armed, no
   * source can help it when nothing was pending; what was pending arrives in each world.
   */
  @ParameterizedTest
  @MethodSource("worlds")
  void whatIsPendingArrivesAtADestinationThatDoesNotRing(
      HisiAccQuirks.PausedDoorbells doorbells, boolean held, boolean armed)
      throws MigrationException {
    int pending = 0;
    for (int ticks = 0; ticks < 14; ticks++) {
      HisiAccSide source = side(doorbells, held, armed);
      HisiAccSide target = side(doorbells, held, armed);
      source.boot();
      source.guest.submit(1);
      clock.advance(ticks * HisiAccSide.TICK_NANOS);
      boolean caught = source.function.queue(0).inFlight() > 0;
      source.perform(Arc.RUNNING_TO_STOP);
      byte[] stream = HisiAccSide.drain(source.save(Arc.STOP_TO_STOP_COPY), 176);
      target.takeGuest(source);
      HisiAccLinux linux = new HisiAccLinux(target);
      linux.stop();
      linux.load(stream);
      target.guard.at(DeviceState.RUNNING);
      linux.start();
      if (armed || caught) {
        target.finish();
        target.guest.submit(5);
        target.finish();
        pending += caught ? 1 : 0;
      }
      assertThat(source.function.events().raisedWhilePaused()).isLessThanOrEqualTo(2);
    }
    assertThat(pending).as("moves with an event still to be told of").isGreaterThan(3);
  }

  /** A source that rings when it saves, and may have rung in vain. */
  @ParameterizedTest
  @MethodSource("worlds")
  void whatIsPendingArrivesFromASourceThatRingsInVain(
      HisiAccQuirks.PausedDoorbells doorbells, boolean held, boolean armed)
      throws MigrationException {
    for (int ticks = 0; ticks < 14; ticks++) {
      HisiAccSide source = side(doorbells, held, armed);
      HisiAccSide target = side(doorbells, held, armed);
      source.boot();
      source.guest.submit(1);
      clock.advance(ticks * HisiAccSide.TICK_NANOS);
      HisiAccLinux linux = new HisiAccLinux(source);
      linux.stop();
      byte[] stream = linux.save();
      target.perform(Arc.RUNNING_TO_STOP);
      HisiAccSide.feed(target.load(), stream, 40);
      target.perform(Arc.RESUMING_TO_STOP);
      target.takeGuest(source);
      HisiAccMove.finish(target);
      target.guest.submit(5);
      target.finish();
    }
  }

  /** What the guest turned off nobody turns on, and what it masked stays masked. */
  @ParameterizedTest
  @CsvSource({"true,false", "false,true"})
  void nobodyIsInterruptedWhoDoesNotWantIt(boolean off, boolean masked) throws MigrationException {
    HisiAccSide side = side(HisiAccQuirks.PausedDoorbells.PROCESSED, true, true);
    side.boot();
    side.guest.submit(1);
    clock.advance(6 * HisiAccSide.TICK_NANOS);
    if (off) {
      side.host.interrupts().disable(1);
    }
    if (masked) {
      side.function.registers().write(0x0c, 1);
    }
    List<Integer> heard = new ArrayList<>();
    if (!off) {
      side.host.interrupts().enable(1, 3, heard::add);
    }
    side.perform(Arc.RUNNING_TO_STOP);
    assertThat(side.function.events().queue(false).word(0) >>> 16).isOne();
    assertThat(heard).isEmpty();
  }
}
