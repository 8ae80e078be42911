package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The lock of a card, and the turn to work. Who works has both. While it waits for memory that only
 * another process reaches, it keeps the turn and gives up the lock: whoever answers for that memory
 * may wait for a register first. Work that comes up meanwhile is left to who has the turn.
 *
 * <p>Any thread.
 */
final class Mlx5Turn {

  /** An access to memory, which may take long. */
  @FunctionalInterface
  interface Access {
    void run() throws MigrationException;
  }

  /** Ends the work that a reset overtook while it waited for memory. */
  private static final class Overtaken extends RuntimeException {
    private static final long serialVersionUID = 1;

    Overtaken() {
      super("a reset came first", null, false, false);
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Queue<Runnable> left = new ArrayDeque<>();
  private boolean away;

  /** Looks at the card, or changes what whoever works expects to change. */
  <T> T look(Supplier<T> question) {
    lock.lock();
    try {
      return question.get();
    } finally {
      lock.unlock();
    }
  }

  /** The same, with nothing to tell. */
  void touch(Runnable change) {
    lock.lock();
    try {
      change.run();
    } finally {
      lock.unlock();
    }
  }

  /** Works now, or leaves the work to who has the turn; never waits for memory of that one. */
  void work(Runnable action) {
    lock.lock();
    try {
      if (away) {
        left.add(action);
        return;
      }
      finish(action);
      if (lock.getHoldCount() == 1) {
        for (Runnable next = left.poll(); next != null; next = left.poll()) {
          finish(next);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private static void finish(Runnable action) {
    try {
      action.run();
    } catch (Overtaken e) {
      // Of what it was at there is nothing any more.
    }
  }

  boolean held() {
    return lock.isHeldByCurrentThread();
  }

  /**
   * Carries out an access, without the lock if this thread has it.
   *
   * @param life a number that a reset changes, after which nothing of the work goes on
   */
  void access(Access access, LongSupplier life) throws MigrationException {
    if (!held()) {
      access.run();
      return;
    }
    int holds = lock.getHoldCount();
    long before = life.getAsLong();
    away = true;
    for (int hold = 0; hold < holds; hold++) {
      lock.unlock();
    }
    try {
      access.run();
    } finally {
      for (int hold = 0; hold < holds; hold++) {
        lock.lock();
      }
      away = false;
    }
    if (life.getAsLong() != before) {
      throw new Overtaken();
    }
  }
}
