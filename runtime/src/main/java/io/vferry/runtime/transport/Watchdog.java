package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Beats the heart of a session and finds the other side dead. It runs on the clock's thread and
 * never waits, so that no peer can keep it from its work.
 */
final class Watchdog {

  private final HostClock clock;
  private final long heartbeatNanos;
  private final long deadlineNanos;
  private final ControlOutbox outbox;
  private final Consumer<MigrationException> onDeath;
  private final List<Stallable> watched = new CopyOnWriteArrayList<>();
  private HostClock.Scheduled next;
  private boolean stopped;

  Watchdog(
      HostClock clock,
      TransportSettings settings,
      ControlOutbox outbox,
      Consumer<MigrationException> onDeath) {
    this.clock = clock;
    this.heartbeatNanos = TimeUnit.MILLISECONDS.toNanos(settings.heartbeatMillis());
    this.deadlineNanos = TimeUnit.MILLISECONDS.toNanos(settings.idleDeadlineMillis());
    this.outbox = outbox;
    this.onDeath = onDeath;
    this.next = () -> {};
  }

  void watch(Stallable stallable) {
    watched.add(stallable);
  }

  synchronized void start() {
    if (!stopped) {
      next = clock.schedule(heartbeatNanos, this::beat);
    }
  }

  synchronized void stop() {
    stopped = true;
    next.cancel();
  }

  private void beat() {
    outbox.pulse();
    for (Stallable stallable : watched) {
      long stalledNanos = stallable.stalledNanos();
      if (stalledNanos > deadlineNanos) {
        onDeath.accept(
            new MigrationException(
                RuntimeError.TRANSPORT_STALLED,
                "%s for %d ms"
                    .formatted(
                        stallable.stalledWhat(), TimeUnit.NANOSECONDS.toMillis(stalledNanos))));
        return;
      }
    }
    start();
  }
}
