package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.util.EnumSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Each task is completed exactly once, in order, wherever the move catches it. */
final class HisiAccMoveTest {

  @ParameterizedTest
  @CsvSource({"3,false,false", "3,false,true", "4,false,false", "4,true,true", "5,true,false"})
  void tasksAreCaughtBetweenAnyTwoStages(int version, boolean windows, boolean isolation)
      throws MigrationException {
    Set<HisiAccTask.Stage> caught = EnumSet.noneOf(HisiAccTask.Stage.class);
    for (int ticks = 0; ticks < 14; ticks++) {
      HisiAccTestClock clock = new HisiAccTestClock();
      String parameters =
          "queues=4&depth=8&qm=%d&windows=%s&isolation=%s".formatted(version, windows, isolation);
      HisiAccSide source = HisiAccSide.of(clock, parameters);
      HisiAccSide target = HisiAccSide.of(clock, parameters);
      source.boot();
      source.guest.submit(9);
      clock.advance(ticks * HisiAccSide.TICK_NANOS);
      if (source.function.queue(0).stage() != null) {
        caught.add(source.function.queue(0).stage());
      }
      assertThat(HisiAccMove.move(source, target, 176)).isEqualTo(176);
      assertThat(source.function.events().raisedWhilePaused()).isZero();
      HisiAccMove.finish(target);
      assertThat(source.chip.violations()).isEmpty();
    }
    assertThat(caught).containsExactlyInAnyOrder(HisiAccTask.Stage.values());
  }

  @ParameterizedTest
  @EnumSource(HisiAccKind.class)
  void eachKindMovesWithWorkGoingOn(HisiAccKind kind) throws MigrationException {
    HisiAccTestClock clock = new HisiAccTestClock();
    HisiAccSide source = HisiAccSide.of(clock, kind, "queues=4&task-rate=50000");
    HisiAccSide target = HisiAccSide.of(clock, kind, "queues=4&task-rate=50000");
    source.boot();
    source.run(500);
    HisiAccMove.move(source, target, 176);
    target.perform(Arc.STOP_TO_RUNNING);
    target.run(500);
    target.assertClean();
    assertThat(target.guest.state().consumed[0]).isGreaterThan(50);
  }

  @Test
  void whateverThePublicTextsLeaveOpenNothingIsLost() throws MigrationException {
    for (int seed = 0; seed < 400; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      HisiAccTestClock clock = new HisiAccTestClock();
      String parameters =
          "queues=%d&depth=8&qm=%d&windows=%s&isolation=%s&fetched=%d&work-ticks=%d"
              .formatted(
                  1 + random.nextInt(8),
                  3 + random.nextInt(3),
                  random.nextBoolean(),
                  random.nextBoolean(),
                  1 + random.nextInt(4),
                  1 + random.nextInt(4));
      HisiAccSide source = HisiAccSide.of(clock, parameters);
      HisiAccSide target = HisiAccSide.of(clock, parameters);
      vary(source.quirks, random);
      vary(target.quirks, random);
      try {
        source.boot();
        for (int burst = 0; burst < 5; burst++) {
          source.guest.submit(random.nextInt(12));
          source.run(random.nextInt(6));
        }
        clock.advance(random.nextLong(3 * HisiAccSide.TICK_NANOS));
        if (random.nextBoolean()) {
          HisiAccMove.move(source, target, 1 + random.nextInt(200));
        } else {
          HisiAccMove.moveStopped(source, target);
        }
        HisiAccMove.finish(target);
        target.guest.submit(20);
        target.finish();
        assertThat(source.chip.violations()).isEmpty();
      } catch (MigrationException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private static void vary(HisiAccQuirks quirks, SplittableRandom random) {
    quirks.fetchedTasks =
        random.nextBoolean()
            ? HisiAccQuirks.FetchedTasks.FINISHED
            : HisiAccQuirks.FetchedTasks.PUT_BACK;
    quirks.anyDoorbellResumes = random.nextBoolean();
    quirks.kickReadsMemory = random.nextBoolean();
    quirks.pauseHoldsInterrupts = random.nextBoolean();
    quirks.writeBackDropsCache = random.nextBoolean();
    quirks.activityTold = random.nextBoolean();
    quirks.drainPolls = random.nextInt(50);
    quirks.writeBackPolls = random.nextInt(20);
    quirks.eventDoorbells = HisiAccQuirks.PausedDoorbells.values()[random.nextInt(3)];
    quirks.queueDoorbells = HisiAccQuirks.PausedDoorbells.values()[random.nextInt(3)];
  }

  @Test
  void backAndForthAHundredTimes() throws MigrationException {
    HisiAccTestClock clock = new HisiAccTestClock();
    HisiAccSide here = HisiAccSide.of(clock, "queues=4&depth=8&task-rate=60000");
    HisiAccSide there = HisiAccSide.of(clock, "queues=4&depth=8&task-rate=60000");
    here.boot();
    here.run(100);
    for (int time = 0; time < 100; time++) {
      HisiAccMove.move(here, there, 1 + time);
      there.perform(Arc.STOP_TO_RUNNING);
      // What has moved away is given free, as the runtime does.
      here.reset();
      there.run(20 + time % 7);
      there.assertClean();
      HisiAccSide swap = here;
      here = there;
      there = swap;
    }
    here.finish();
    assertThat(here.guest.state().consumed[0]).isGreaterThan(100);
  }
}
