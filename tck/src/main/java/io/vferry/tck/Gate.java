package io.vferry.tck;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A place where one thread is held up until another lets it go. */
final class Gate {

  private final AtomicBoolean taken = new AtomicBoolean();
  private final CountDownLatch reached = new CountDownLatch(1);
  private final CountDownLatch open = new CountDownLatch(1);
  private final long timeoutNanos;

  Gate(long timeoutNanos) {
    this.timeoutNanos = timeoutNanos;
  }

  /** Whether the caller is the first to get here, and has to wait. */
  boolean claim() {
    return taken.compareAndSet(false, true);
  }

  void await() throws MigrationException {
    reached.countDown();
    try {
      if (!open.await(timeoutNanos, TimeUnit.NANOSECONDS)) {
        throw new MigrationException(DeviceError.TIMEOUT, "the kit held up an access too long");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(DeviceError.INTERRUPTED, "an access was interrupted", e);
    }
  }

  /** Waits until a thread is held up; returns whether one is. */
  boolean awaitVisitor() {
    try {
      return reached.await(timeoutNanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  boolean visited() {
    return reached.getCount() == 0;
  }

  void open() {
    open.countDown();
  }
}
