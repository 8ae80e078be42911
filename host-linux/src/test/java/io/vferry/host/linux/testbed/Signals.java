package io.vferry.host.linux.testbed;

import io.vferry.spi.host.Interrupts;
import java.util.Set;
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
    expect(vector, Set.of(), what);
  }

  /** Does the same, and passes over the vectors that a device may tell again. */
  void expect(int vector, Set<Integer> again, String what) throws InterruptedException {
    Integer next;
    do {
      next = vectors.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    } while (next != null && again.contains(next));
    Checks.equal(vector, next, what);
  }

  /** Checks that nothing was told that was not expected, but for vectors told again. */
  void nothingMore(Set<Integer> again) {
    vectors.removeAll(again);
    Checks.equal(null, vectors.poll(), "one more interrupt");
  }
}
