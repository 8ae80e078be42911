package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Messages that arrived and wait to be taken; bounded. */
final class ControlInbox {

  private static final int MAX_QUEUED_MESSAGES = 1024;
  private static final long MAX_QUEUED_BYTES = 8 << 20;

  private final SessionFailure failure;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<byte[]> messages = new ArrayDeque<>();
  private long queuedBytes;
  private boolean ended;

  ControlInbox(SessionFailure failure) {
    this.failure = failure;
    failure.whenSet(this::wakeAll);
  }

  /** Whether there is room for another message. */
  boolean hasRoom() {
    lock.lock();
    try {
      return roomy();
    } finally {
      lock.unlock();
    }
  }

  private boolean roomy() {
    return messages.size() < MAX_QUEUED_MESSAGES && queuedBytes < MAX_QUEUED_BYTES;
  }

  /** Waits until there is room for another message, or the session has failed. */
  void awaitRoom() throws InterruptedException {
    lock.lock();
    try {
      while (!roomy() && !failure.isSet()) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Adds a message. */
  void add(byte[] message) {
    lock.lock();
    try {
      messages.add(message);
      queuedBytes += message.length;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Says that no message follows and all is well. */
  void end() {
    lock.lock();
    try {
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for a message; empty after the end. What came before a failure is still given. */
  Optional<byte[]> receive() throws MigrationException, InterruptedException {
    lock.lockInterruptibly();
    try {
      while (true) {
        byte[] message = messages.poll();
        if (message != null) {
          queuedBytes -= message.length;
          changed.signalAll();
          return Optional.of(message);
        }
        failure.check();
        if (ended) {
          return Optional.empty();
        }
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private void wakeAll() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
