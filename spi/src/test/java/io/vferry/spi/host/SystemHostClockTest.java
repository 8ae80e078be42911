package io.vferry.spi.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The system's time, without a measure of how fast it goes. */
@Timeout(60)
class SystemHostClockTest {

  private final SystemHostClock clock = new SystemHostClock(Thread::new);

  @AfterEach
  void end() {
    clock.close();
  }

  @Test
  void sleepsAtLeastSoLong() throws InterruptedException {
    long before = clock.nanoTime();
    clock.sleep(1_000_000);
    assertThat(clock.nanoTime() - before).isGreaterThanOrEqualTo(1_000_000);
  }

  @Test
  void anInterruptEndsASleepBeforeItBegins() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> clock.sleep(TimeUnit.HOURS.toNanos(1)))
        .isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void runsATaskWhileAnotherIsLate() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(1);
    clock.schedule(
        0,
        () -> {
          try {
            second.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    clock.schedule(0, second::countDown);
    assertThat(second.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aCancelledTaskDoesNotRun() throws InterruptedException {
    AtomicBoolean ran = new AtomicBoolean();
    CountDownLatch later = new CountDownLatch(2);
    clock.schedule(TimeUnit.MILLISECONDS.toNanos(1), () -> ran.set(true)).cancel();
    // Both threads have been busy after it was due.
    clock.schedule(TimeUnit.MILLISECONDS.toNanos(2), later::countDown);
    clock.schedule(TimeUnit.MILLISECONDS.toNanos(2), later::countDown);
    later.await();
    assertThat(ran).isFalse();
    clock.close();
    assertThatThrownBy(() -> clock.schedule(0, () -> {}))
        .isInstanceOf(RejectedExecutionException.class);
  }
}
