package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the drivers of the functions of one chip have in common: they take turns at what there is
 * only once. The kernel's driver of the physical function uses it as well, but only while it
 * creates or resets functions itself.
 */
final class HisiAccShare {

  /** Something that is done to the chip. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws MigrationException;
  }

  private final ReentrantLock table = new ReentrantLock();
  private volatile boolean tableHalfDone;
  private final AtomicReference<@Nullable String> resetting = new AtomicReference<>();

  /** Uses the table of queues: an entry takes several accesses to registers. */
  <T> T withTable(Work<T> work) throws MigrationException {
    table.lock();
    try {
      return work.run();
    } finally {
      table.unlock();
    }
  }

  /** Whether an operation on the table was prepared and perhaps never started. */
  boolean tableHalfDone() {
    return tableHalfDone;
  }

  /** See {@link #tableHalfDone()}. */
  void tableHalfDone(boolean halfDone) {
    tableHalfDone = halfDone;
  }

  /** Takes the turn to reset a function; returns whether nobody else had it. */
  boolean takeResetTurn(String function) {
    return resetting.compareAndSet(null, function);
  }

  /** Gives the turn back, if it is this function's to give. */
  void giveResetTurnBack(String function) {
    resetting.compareAndSet(function, null);
  }

  /** Returns whose turn it is; null if nobody's. */
  @Nullable String resetting() {
    return resetting.get();
  }
}
