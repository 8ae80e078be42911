package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class InterruptLoopTest {

  @Test
  void whatWasSignalledBeforeHasBeenToldAfterwards() throws Exception {
    AtomicInteger told = new AtomicInteger();
    InterruptLoop loop = InterruptLoop.create("loop", 2, vector -> told.incrementAndGet());
    loop.start();
    try {
      for (int round = 1; round <= 2_000; round++) {
        loop.vectors().get(round % 2).signal();
        loop.settle();
        assertThat(told).hasValue(round);
      }
    } finally {
      loop.stop();
    }
    // One that has ended has nothing more to tell.
    loop.settle();
  }

  @Test
  void aListenerDoesNotWaitForItself() throws Exception {
    AtomicReference<InterruptLoop> self = new AtomicReference<>();
    CompletableFuture<Boolean> returned = new CompletableFuture<>();
    InterruptLoop loop =
        InterruptLoop.create(
            "loop",
            1,
            vector -> {
              try {
                self.get().settle();
                returned.complete(true);
              } catch (InterruptedException e) {
                returned.completeExceptionally(e);
              }
            });
    self.set(loop);
    loop.start();
    loop.vectors().get(0).signal();
    assertThat(returned.get()).isTrue();
    loop.stop();
  }
}
