package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TokenBucketTest {

  private static final long RATE = 100_000_000;

  @Test
  void theRateIsKeptExactly() {
    VirtualClock clock = new VirtualClock();
    TokenBucket bucket = new TokenBucket(RATE, clock);
    long sent = 0;
    while (sent < 10 * RATE) {
      clock.sleep(bucket.take(250_000));
      sent += 250_000;
    }
    // All but the first burst of 1/20 s has to wait.
    assertThat(clock.nanoTime() / 1e9).isBetween(9.94, 9.96);
  }

  @Test
  void aPauseDoesNotSaveUpMoreThanABurst() {
    VirtualClock clock = new VirtualClock();
    TokenBucket bucket = new TokenBucket(RATE, clock);
    clock.advance(3_600_000_000_000L);
    assertThat(bucket.take((int) RATE / 20)).isZero();
    assertThat(bucket.take((int) RATE / 10)).isEqualTo(100_000_000);
  }

  @Test
  void zeroIsNoLimit() {
    TokenBucket bucket = new TokenBucket(0, new VirtualClock());
    assertThat(bucket.take(Integer.MAX_VALUE)).isZero();
    assertThat(bucket.take(Integer.MAX_VALUE)).isZero();
  }
}
