package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ChunkPoolTest {

  @Test
  void aBufferCountsWithItsWholeSize() {
    ChunkPool pool = new ChunkPool(1 << 20);
    ChunkPool.Lease lease = pool.tryAcquire(4097).orElseThrow();
    assertThat(lease.buffer().remaining()).isEqualTo(4097);
    assertThat(lease.buffer().isDirect()).isTrue();
    assertThat(pool.usedBytes()).isEqualTo(16 << 10);
    lease.release();
    assertThat(pool.usedBytes()).isZero();
    assertThatThrownBy(lease::release).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theBoundHoldsForEachMixOfSizes() {
    ChunkPool pool = new ChunkPool(4 << 20);
    for (int length : new int[] {1, 5000, 17 << 10, 65 << 10, 1 << 20, 300}) {
      List<ChunkPool.Lease> leases = new ArrayList<>();
      while (true) {
        assertThat(pool.usedBytes() + pool.idleBytes()).isLessThanOrEqualTo(4 << 20);
        ChunkPool.Lease lease = pool.tryAcquire(length).orElse(null);
        if (lease == null) {
          break;
        }
        leases.add(lease);
      }
      assertThat(leases).hasSize((4 << 20) / ChunkPool.sizeForLength(length));
      leases.forEach(ChunkPool.Lease::release);
    }
  }

  @Test
  void whoWaitsIsWokenByARelease() throws Exception {
    ChunkPool pool = new ChunkPool(1 << 20);
    ChunkPool.Lease first = pool.acquire(1 << 20);
    FutureTask<ChunkPool.Lease> second = new FutureTask<>(() -> pool.acquire(1));
    Thread thread = new Thread(second);
    thread.start();
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    first.release();
    assertThat(second.get(30, TimeUnit.SECONDS).sizeBytes()).isEqualTo(4096);
  }
}
