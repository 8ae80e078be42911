package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Several threads, several devices. */
final class ConcurrencyChecks {

  private ConcurrencyChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.CONCURRENCY,
            "state-does-not-wait",
            "state() answers while another thread is in an arc that takes long.",
            ConcurrencyChecks::stateDoesNotWait),
        Check.of(
            Chapter.CONCURRENCY,
            "close-while-reading",
            "A stream can be closed while another thread reads; that read and each later one ends.",
            ConcurrencyChecks::closeWhileReading),
        Check.of(
            Chapter.CONCURRENCY,
            "progress-while-reading",
            "The progress can be asked for while another thread reads, and both end.",
            ConcurrencyChecks::progressWhileReading,
            Need.PRE_COPY),
        Check.of(
            Chapter.CONCURRENCY,
            "devices-are-apart",
            "What happens to one device does not touch another one of the same driver.",
            ConcurrencyChecks::apart,
            Need.MODEL));
  }

  private static <T> FutureTask<T> start(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    thread(task).start();
    return task;
  }

  private static Thread thread(Runnable task) {
    Thread thread = new Thread(task, "vferry-tck-other");
    thread.setDaemon(true);
    return thread;
  }

  /** Returns when a thread is done, or waits for something. */
  private static void awaitStandstill(Thread thread) {
    while (thread.getState() == Thread.State.NEW || thread.getState() == Thread.State.RUNNABLE) {
      Thread.onSpinWait();
    }
  }

  private static <T> T await(FutureTask<T> task, long timeoutNanos, String kind, String what)
      throws Violation {
    try {
      return task.get(timeoutNanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new Violation(kind, what, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Violation violation) {
        throw violation;
      }
      throw new Violation(kind + "-failed", "another thread failed: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Violation("interrupted", "the kit was interrupted", e);
    }
  }

  private static List<Script> stateDoesNotWait(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      scripts.add(
          Plot.before(facts, SOURCE, arc)
              .in(
                  SOURCE,
                  arc.from(),
                  "source: " + arc + " takes long, and another thread calls state()",
                  scene -> holdArc(scene, arc))
              .script());
    }
    return scripts;
  }

  private static void holdArc(Scene scene, Arc arc) throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    long timeout = scene.limits().callNanos() / 4;
    Gate gate = new Gate(scene.limits().callNanos());
    party.tap().hold(gate);
    FutureTask<String> performing =
        start(
            () -> {
              try {
                party.device().perform(arc);
              } catch (MigrationException e) {
                return e.getMessage();
              }
              return "";
            });
    try {
      if (reaches(gate, performing)) {
        FutureTask<DeviceState> asking = start(() -> Party.call("state", party.device()::state));
        DeviceState said =
            await(
                asking,
                timeout,
                "state-waits",
                "state() waited for an arc that another thread performs");
        if (said != arc.from() && said != arc.to()) {
          throw new Violation("state-in-arc", "during %s state() says %s".formatted(arc, said));
        }
      }
    } finally {
      gate.open();
    }
    String failed = await(performing, timeout, "stuck", "the arc did not come back");
    if (!failed.isEmpty()) {
      throw new Violation("arc-disturbed", "asked for its state, the arc failed: " + failed);
    }
    party.look();
  }

  /** Waits until the other thread is held up, or is done without having touched the device. */
  private static boolean reaches(Gate gate, FutureTask<?> task) {
    while (!gate.visited()) {
      if (task.isDone()) {
        return gate.visited();
      }
      Thread.onSpinWait();
    }
    return true;
  }

  private static List<Script> closeWhileReading(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (state.saving()) {
        scripts.add(
            Plot.at(facts, SOURCE, state)
                .in(
                    SOURCE,
                    state,
                    "source: a thread reads, and another closes the stream",
                    ConcurrencyChecks::closeReader)
                .script());
      }
    }
    return scripts;
  }

  private static void closeReader(Scene scene) throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    SaveStream stream = party.saving();
    long timeout = scene.limits().callNanos() / 4;
    Gate gate = new Gate(scene.limits().callNanos());
    party.tap().hold(gate);
    FutureTask<String> reading =
        start(
            () -> {
              try {
                return stream.read(ByteBuffer.allocateDirect(64 << 10)).name();
              } catch (MigrationException e) {
                return e.code().name();
              }
            });
    try {
      if (reaches(gate, reading)) {
        FutureTask<String> closing =
            start(
                () -> {
                  stream.close();
                  return "closed";
                });
        await(closing, timeout, "close-waits", "close() waited for a read of another thread");
      } else {
        stream.close();
      }
    } finally {
      gate.open();
    }
    String said = await(reading, timeout, "read-stuck", "the read did not end after close()");
    if (!List.of("DATA", "NOTHING_NOW", "END", "SESSION_CLOSED").contains(said)) {
      throw new Violation("read-ended-with", "the read that was under way ended with " + said);
    }
    Plot.mustFail(
        "a read after close",
        List.of(DeviceError.SESSION_CLOSED),
        "read-after-close",
        () -> stream.read(ByteBuffer.allocateDirect(64)));
    DeviceState now = party.state();
    if (now != party.at()) {
      throw new Violation(
          "close-moves", "close() moved the device from %s to %s".formatted(party.at(), now));
    }
  }

  private static List<Script> progressWhileReading(Facts facts) {
    return List.of(
        Plot.at(facts, SOURCE, DeviceState.PRE_COPY)
            .in(
                SOURCE,
                DeviceState.PRE_COPY,
                "source: a thread reads, and another asks for the progress",
                ConcurrencyChecks::askReader)
            .drain(SOURCE, Plot.PIECE_BYTES)
            .script());
  }

  private static void askReader(Scene scene) throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    PrecopyProgress progress = party.capability(PrecopyProgress.class).orElseThrow();
    long timeout = scene.limits().callNanos() / 4;
    Gate gate = new Gate(scene.limits().callNanos());
    party.tap().hold(gate);
    FutureTask<SaveStream.Status> reading =
        start(() -> party.read(ByteBuffer.allocateDirect(4096)));
    FutureTask<PrecopyProgress.Remaining> asking;
    try {
      reaches(gate, reading);
      asking = new FutureTask<>(() -> Party.call("remaining", progress::remaining));
      Thread asker = thread(asking);
      asker.start();
      awaitStandstill(asker);
    } finally {
      gate.open();
    }
    await(reading, timeout, "read-stuck", "the read did not end");
    PrecopyProgress.Remaining left =
        await(asking, timeout, "progress-stuck", "the question for the progress did not end");
    if (left.initialBytes() < 0 || left.dirtyBytes() < 0) {
      throw new Violation("negative", "remaining() says " + left);
    }
  }

  private static List<Script> apart(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      for (DeviceState other : facts.states()) {
        if (state == other || facts.path(DeviceState.RUNNING, other).isEmpty()) {
          continue;
        }
        scripts.add(
            new Plot(facts)
                .open(SOURCE)
                .open(DESTINATION)
                .go(SOURCE, state)
                .go(DESTINATION, other)
                .expect(SOURCE, state, "other-device")
                .reset(DESTINATION)
                .expect(SOURCE, state, "other-device")
                .saves(SOURCE, 4096)
                .loads(DESTINATION, 4096)
                .script());
      }
    }
    return scripts;
  }
}
