package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.host.HostClock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SimClockTest {

  @Test
  void tasksRunAtTheirTimeAndInOrder() {
    SimClock clock = new SimClock(1);
    List<Long> times = new ArrayList<>();
    clock.schedule(30, () -> times.add(clock.nanoTime()));
    clock.schedule(10, () -> clock.schedule(5, () -> times.add(clock.nanoTime())));
    clock.schedule(40, () -> times.add(clock.nanoTime()));
    clock.advance(39);
    assertThat(times).containsExactly(15L, 30L);
    assertThat(clock.nanoTime()).isEqualTo(39);
    assertThat(clock.runNext()).isTrue();
    assertThat(times).endsWith(40L);
    assertThat(clock.runNext()).isFalse();
  }

  @Test
  void aCancelledTaskDoesNotRun() {
    SimClock clock = new SimClock(1);
    HostClock.Scheduled never =
        clock.schedule(
            10,
            () -> {
              throw new AssertionError("a cancelled task ran");
            });
    never.cancel();
    clock.advance(100);
    assertThat(clock.pending()).isZero();
  }

  @Test
  void theSeedDecidesTheOrderOfTasksDueTogether() {
    Set<List<Integer>> orders = new HashSet<>();
    for (int seed = 0; seed < 100; seed++) {
      List<Integer> order = order(seed);
      assertThat(order(seed)).isEqualTo(order);
      orders.add(order);
    }
    assertThat(orders).hasSize(6);
  }

  private static List<Integer> order(int seed) {
    SimClock clock = new SimClock(seed);
    List<Integer> order = new ArrayList<>();
    for (int task = 0; task < 3; task++) {
      int number = task;
      clock.schedule(7, () -> order.add(number));
    }
    clock.advance(7);
    return order;
  }

  @Test
  void aTaskMayLetTimePass() {
    SimClock clock = new SimClock(1);
    List<Long> times = new ArrayList<>();
    clock.schedule(
        10,
        () -> {
          clock.advance(50);
          times.add(clock.nanoTime());
        });
    clock.schedule(20, () -> times.add(clock.nanoTime()));
    clock.advance(30);
    assertThat(times).containsExactly(20L, 60L);
    assertThat(clock.nanoTime()).isEqualTo(60);
  }

  @Test
  void aSleepIsInterruptible() {
    SimClock clock = new SimClock(1);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> clock.sleep(1)).isInstanceOf(InterruptedException.class);
    assertThatThrownBy(() -> clock.schedule(-1, () -> {}))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
