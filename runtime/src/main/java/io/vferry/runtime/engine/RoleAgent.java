package io.vferry.runtime.engine;

import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.migration.Action;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.migration.Role;
import io.vferry.runtime.migration.Timer;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The agent of a role: gives it its events one by one and hands on what it wants done. Timers, the
 * link and the journal are looked after here; the rest goes to the side's own handler.
 */
final class RoleAgent implements Agent, Consumer<Event> {

  private final Role role;
  private final Recorder recorder;
  private final PeerLink link;
  private final Journal journal;
  private final HostClock clock;
  private final Consumer<Action> handler;
  private final Runnable observer;
  private final Mailbox<Supplier<@Nullable Event>> mailbox = new Mailbox<>();
  private final Map<Timer, Long> timers = new HashMap<>();
  private long timerRuns;
  private final Map<Long, HostClock.Scheduled> scheduled = new HashMap<>();

  /**
   * Creates the agent.
   *
   * @param handler does what is not done here; gets Finish too
   * @param observer called after each event
   */
  RoleAgent(
      Role role,
      Recorder recorder,
      PeerLink link,
      Journal journal,
      HostClock clock,
      Consumer<Action> handler,
      Runnable observer) {
    this.role = role;
    this.recorder = recorder;
    this.link = link;
    this.journal = journal;
    this.clock = clock;
    this.handler = handler;
    this.observer = observer;
  }

  @Override
  public String name() {
    return "role";
  }

  @Override
  public long idleNanos() {
    return Long.MAX_VALUE;
  }

  void wakes(AgentHost.Waker waker) {
    mailbox.wakes(waker);
  }

  /** Tells the role something. Any thread. */
  @Override
  public void accept(Event event) {
    mailbox.put(() -> event);
  }

  /** Runs something on the role's thread, between events. Any thread. */
  void between(Runnable task) {
    mailbox.put(
        () -> {
          task.run();
          return null;
        });
  }

  @Override
  public boolean step() throws InterruptedException {
    Supplier<@Nullable Event> next = mailbox.poll();
    if (next == null) {
      return false;
    }
    Event event = next.get();
    if (event == null) {
      return true;
    }
    long now = clock.nanoTime();
    recorder.event(event, now);
    for (Action action : role.on(event, now)) {
      recorder.action(action, now);
      perform(action);
    }
    recorder.phase(role.phase(), clock.nanoTime());
    observer.run();
    return true;
  }

  private void perform(Action action) throws InterruptedException {
    if (action instanceof Action.Send send) {
      try {
        link.send(send.message());
      } catch (MigrationException e) {
        accept(new Event.LinkLost(Problem.of(e)));
      }
    } else if (action instanceof Action.SetTimer set) {
      cancel(set.timer());
      start(set.timer(), set.millis());
    } else if (action instanceof Action.CancelTimer cancelled) {
      cancel(cancelled.timer());
    } else if (action instanceof Action.WriteCommit) {
      try {
        journal.record(Journal.Entry.COMMIT, "the guest changes sides");
        accept(new Event.JournalWritten());
      } catch (MigrationException e) {
        accept(new Event.JournalFailed(Problem.of(e)));
      }
    } else {
      if (action instanceof Action.Finish) {
        scheduled.values().forEach(HostClock.Scheduled::cancel);
        scheduled.clear();
        timers.clear();
      }
      handler.accept(action);
    }
  }

  private void start(Timer timer, long millis) {
    long run = timerRuns++;
    timers.put(timer, run);
    scheduled.put(
        run,
        clock.schedule(
            millis * 1_000_000,
            () ->
                mailbox.put(
                    () -> {
                      // A run that was cancelled meanwhile, or followed by another, has no say.
                      Long latest = timers.get(timer);
                      if (latest == null || latest != run) {
                        return null;
                      }
                      timers.remove(timer);
                      scheduled.remove(run);
                      return new Event.TimerExpired(timer);
                    })));
  }

  private void cancel(Timer timer) {
    Long run = timers.remove(timer);
    if (run != null) {
      HostClock.Scheduled known = scheduled.remove(run);
      if (known != null) {
        known.cancel();
      }
    }
  }
}
