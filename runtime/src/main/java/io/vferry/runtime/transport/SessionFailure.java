package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Why a session ended; the first reason stays. Any thread. */
final class SessionFailure {

  private final AtomicReference<@Nullable MigrationException> first = new AtomicReference<>();
  private final List<Runnable> wakers = new CopyOnWriteArrayList<>();

  /** Adds what is to be run once when the session ends, to wake who waits in it. */
  void whenSet(Runnable waker) {
    wakers.add(waker);
    if (isSet()) {
      waker.run();
    }
  }

  /** Sets the reason, unless there is one; returns whether it is the first. */
  boolean set(MigrationException reason) {
    if (!first.compareAndSet(null, reason)) {
      return false;
    }
    wakers.forEach(Runnable::run);
    return true;
  }

  boolean isSet() {
    return first.get() != null;
  }

  /** Throws the reason, if there is one, with the caller's stack and the first one as cause. */
  void check() throws MigrationException {
    MigrationException reason = first.get();
    if (reason != null) {
      MigrationException again =
          new MigrationException(reason.code(), reason.detail(), reason)
              .withCondition(reason.condition());
      if (reason.state().isPresent()) {
        again = again.withState(reason.state().get());
      }
      throw again;
    }
  }
}
