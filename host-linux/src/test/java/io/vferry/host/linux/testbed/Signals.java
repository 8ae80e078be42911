package io.vferry.host.linux.testbed;

import io.vferry.spi.host.Interrupts;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Collects interrupts. */
final class Signals implements Interrupts.Listener {

  private static final long LIMIT_SECONDS = 60;

  private final LinkedBlockingQueue<Integer> vectors = new LinkedBlockingQueue<>();

  @Override
  public void signalled(int vector) {
    vectors.add(vector);
  }

  /** Waits for the next interrupt and checks its vector. */
  void expect(int vector, String what) throws InterruptedException {
    Checks.equal(vector, vectors.poll(LIMIT_SECONDS, TimeUnit.SECONDS), what);
  }

  /** Checks that nothing was told that was not expected. */
  void nothingMore() {
    Checks.equal(null, vectors.poll(), "one more interrupt");
  }
}
