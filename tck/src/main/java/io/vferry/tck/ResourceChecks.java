package io.vferry.tck;

import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Handles, memory, threads. */
final class ResourceChecks {

  private static final String HELD = "held";
  private static final int SESSIONS = 24;
  private static final int ACCESSES = 6;
  private static final int COLLECTIONS = 20;

  private ResourceChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.RESOURCES,
            "released-at-close",
            "After close, in whatever state, the driver holds nothing of the host any more, and the"
                + " host device is still open.",
            ResourceChecks::released),
        Check.of(
            Chapter.RESOURCES,
            "released-after-failed-load",
            "After a load that failed and a reset the driver holds nothing of that session.",
            ResourceChecks::afterFailedLoad),
        Check.of(
            Chapter.RESOURCES,
            "released-after-failed-arc",
            "After an arc that failed and a reset the driver holds nothing of that session.",
            ResourceChecks::afterFailedArc),
        Check.of(
            Chapter.RESOURCES,
            "released-after-failed-attach",
            "An attach that fails leaves nothing behind.",
            ResourceChecks::afterFailedAttach),
        Check.of(
            Chapter.RESOURCES,
            "close-twice",
            "Closing again does nothing.",
            ResourceChecks::closeTwice),
        Check.of(
            Chapter.RESOURCES,
            "no-thread-left",
            "After close no thread of the driver is left.",
            ResourceChecks::threads),
        Check.of(
            Chapter.RESOURCES,
            "no-handle-left",
            "Many sessions that fail leave no open file of this process behind.",
            ResourceChecks::handles),
        Check.of(
            Chapter.RESOURCES,
            "sessions-are-forgotten",
            "The streams of past sessions are not kept in memory.",
            ResourceChecks::forgotten));
  }

  static void holdsNothing(List<String> held, String when) throws Violation {
    if (!held.isEmpty()) {
      throw new Violation(
          "held", "%s the driver holds %s".formatted(when, String.join(", ", held)));
    }
  }

  /** Notes what the driver holds as long as it is attached, such as a queue for its commands. */
  private static Plot attachedAndUsed(Facts facts) {
    return Plot.at(facts, SOURCE, DeviceState.RESUMING)
        .reset(SOURCE)
        .step(
            "note what the driver holds without a session",
            scene -> scene.note(HELD, scene.party(SOURCE).ledger().held()));
  }

  private static Plot holdsNoMore(Plot plot, String when) {
    return plot.step(
        Step.of(
                "look what the driver holds beyond that",
                scene ->
                    holdsNothing(
                        scene
                            .party(SOURCE)
                            .ledger()
                            .beyond(scene.noted(HELD, Map.class).orElse(Map.of())),
                        when))
            .onlyIf(
                scene ->
                    scene.at(SOURCE) == DeviceState.RUNNING
                        && scene.noted(HELD, Map.class).isPresent()));
  }

  private static List<Script> released(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      Plot plot = new Plot(facts).open(SOURCE);
      if (facts.dmaLog()) {
        plot.step(
            "source: start the DMA log",
            scene -> {
              DmaLog log = scene.party(SOURCE).capability(DmaLog.class).orElseThrow();
              MemoryRange range = new MemoryRange(16L << 20, 1 << 16);
              Party.call("start", () -> log.start(List.of(range), 4096));
              Party.act("stop", log::stop);
            });
      }
      scripts.add(
          plot.go(SOURCE, state)
              .step(
                  "source: close the driver's device",
                  scene -> {
                    Party party = scene.party(SOURCE);
                    party.detach();
                    if (party.ledger().hostWasClosed()) {
                      throw new Violation(
                          "host-closed", "close() closed the host device, which is not its own");
                    }
                    holdsNothing(party.ledger().outstanding(), "after close");
                  })
              .script());
    }
    return scripts;
  }

  private static List<Script> afterFailedLoad(Facts facts) {
    Plot plot = attachedAndUsed(facts).loadsRubbish(SOURCE).reset(SOURCE);
    return List.of(holdsNoMore(plot, "after a failed load and a reset").script());
  }

  private static List<Script> afterFailedArc(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      for (int access = 0; access < facts.limits().accesses(ACCESSES); access++) {
        Plot plot =
            attachedAndUsed(facts)
                .go(SOURCE, arc.from())
                .failing(SOURCE, arc, access, (scene, failure) -> {})
                .reset(SOURCE);
        scripts.add(holdsNoMore(plot, "after a failed arc and a reset").script());
      }
    }
    return scripts;
  }

  private static List<Script> afterFailedAttach(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int access = 0; access < 8; access++) {
      int number = access;
      scripts.add(
          new Plot(facts)
              .step(
                  "attach the driver, and access number %d to the device fails"
                      .formatted(access + 1),
                  scene -> attachAndFail(scene, number))
              .script());
    }
    return scripts;
  }

  private static void attachAndFail(Scene scene, int access) throws MigrationException, Violation {
    DriverWatch watch = new DriverWatch();
    HostDevice host = scene.open(SOURCE);
    try {
      watch.tap().failAt(access);
      boolean failed =
          Plot.failure(
                  "attach",
                  () -> scene.subject().driver().attach(new ObservedHost(host, watch)).close())
              .isPresent();
      watch.tap().stop();
      Ledger ledger = watch.ledger();
      if (ledger.hostWasClosed()) {
        throw new Violation("host-closed", "a failed attach closed the host device");
      }
      if (failed && !ledger.outstanding().isEmpty()) {
        throw new Violation(
            "held", "after a failed attach the driver holds " + ledger.outstanding());
      }
    } finally {
      host.close();
    }
  }

  private static List<Script> closeTwice(Facts facts) {
    return facts.states().stream()
        .map(
            state ->
                Plot.at(facts, SOURCE, state)
                    .step(
                        "source: close the driver's device twice",
                        scene -> {
                          scene.party(SOURCE).detach();
                          scene.party(SOURCE).detach();
                        })
                    .script())
        .toList();
  }

  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !thread.getName().startsWith("vferry-tck"))
        .collect(Collectors.toSet());
  }

  private static List<Script> threads(Facts facts) {
    return List.of(
        new Plot(facts)
            .step("note which threads there are", scene -> scene.note("threads", threads()))
            .open(SOURCE)
            .saves(SOURCE, Plot.PIECE_BYTES)
            .go(SOURCE, DeviceState.RESUMING)
            .loadGood(SOURCE)
            .step(
                Step.of(
                        "source: close everything and look for new threads",
                        scene -> {
                          Party party = scene.party(SOURCE);
                          party.detach();
                          scene.forget(SOURCE);
                          Set<?> before = scene.noted("threads", Set.class).orElse(Set.of());
                          for (Thread thread : threads()) {
                            if (!before.contains(thread)) {
                              awaitEnd(thread, scene.limits().callNanos() / 4);
                            }
                          }
                        })
                    .onlyIf(scene -> scene.noted("threads", Set.class).isPresent()))
            .script());
  }

  /** A thread may take a moment to end; one that waits for ever does not. */
  private static void awaitEnd(Thread thread, long timeoutNanos) throws Violation {
    if (!ours(thread)) {
      return;
    }
    try {
      thread.join(Math.max(1, timeoutNanos / 1_000_000));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      throw new Violation("thread", "the thread '%s' is left".formatted(thread.getName()));
    }
  }

  /** The JDK starts threads when it likes, in the system's group or for its compiler. */
  private static boolean ours(Thread thread) {
    ThreadGroup group = thread.getThreadGroup();
    return group != null
        && !group.getName().equals("system")
        && !group.getName().equals("InnocuousThreadGroup");
  }

  private static long openFiles() {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    } catch (IOException e) {
      return 0;
    }
  }

  private static List<Script> handles(Facts facts) {
    Plot plot =
        new Plot(facts)
            .open(SOURCE)
            .step("count the open files", scene -> scene.note("files", openFiles()));
    for (int session = 0; session < SESSIONS; session++) {
      plot.loadsRubbish(SOURCE).reset(SOURCE);
    }
    return List.of(
        plot.step(
                Step.of(
                        "count the open files again",
                        scene -> {
                          long more = openFiles() - scene.noted("files", Long.class).orElse(0L);
                          if (more >= SESSIONS) {
                            throw new Violation(
                                "files",
                                "%d more files are open than before %d sessions"
                                    .formatted(more, SESSIONS));
                          }
                        })
                    .onlyIf(scene -> scene.noted("files", Long.class).isPresent()))
            .script());
  }

  private static List<Script> forgotten(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(SOURCE)
            .step(
                "source: save %d times and forget the streams".formatted(SESSIONS),
                scene -> {
                  Party party = scene.party(SOURCE);
                  List<WeakReference<Object>> past = new ArrayList<>();
                  for (int session = 0; session < SESSIONS; session++) {
                    for (Arc arc : facts.path(party.at(), DeviceState.STOP_COPY)) {
                      party.perform(arc);
                    }
                    past.add(new WeakReference<>(party.saving()));
                    party.finish(Plot.PIECE_BYTES);
                    party.perform(Arc.STOP_COPY_TO_STOP);
                  }
                  long kept = kept(past);
                  if (kept > SESSIONS / 2) {
                    throw new Violation(
                        "kept",
                        "the streams of %d of %d past sessions are still held"
                            .formatted(kept, SESSIONS));
                  }
                })
            .script());
  }

  /** Counts what is still there after the garbage collector was asked some times. */
  private static long kept(List<WeakReference<Object>> past) {
    long kept = past.size();
    for (int collection = 0; collection < COLLECTIONS && kept > past.size() / 2; collection++) {
      System.gc();
      kept = past.stream().filter(reference -> reference.get() != null).count();
    }
    return kept;
  }
}
