package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Whole moves. */
final class MoveChecks {

  private static final int ROUNDS = 6;
  private static final long WORK_NANOS = 20_000_000;

  private MoveChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.MOVES,
            "never-initialised",
            "A device that no guest ever set up can be moved, and runs.",
            MoveChecks::untouched),
        Check.of(
            Chapter.MOVES,
            "first-boot-after-move",
            "A guest that boots only after the move finds a device that works.",
            MoveChecks::bootAfter,
            Need.GUEST),
        Check.of(
            Chapter.MOVES,
            "nothing-lost",
            "A guest at work finds all its memory and tasks after the move, whenever the device is"
                + " stopped.",
            MoveChecks::nothingLost,
            Need.GUEST),
        Check.of(
            Chapter.MOVES,
            "work-goes-on",
            "A guest at work gets on after the move as it did before: no interrupt was lost.",
            MoveChecks::goesOn,
            Need.GUEST),
        Check.of(
            Chapter.MOVES,
            "ping-pong",
            "A device can be moved to and fro many times.",
            MoveChecks::pingPong),
        Check.of(
            Chapter.MOVES,
            "source-is-reusable",
            "After a move and a reset the source serves a new guest.",
            MoveChecks::reuse,
            Need.MODEL));
  }

  private static List<Script> untouched(Facts facts) {
    return Stream.of(false, true)
        .filter(precopy -> !precopy || facts.features().preCopy())
        .map(
            precopy ->
                new Plot(facts)
                    .open(SOURCE)
                    .move(SOURCE, DESTINATION, precopy)
                    .go(DESTINATION, DeviceState.RUNNING)
                    .script())
        .toList();
  }

  private static List<Script> bootAfter(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(SOURCE)
            .boot(SOURCE)
            .elapse(WORK_NANOS)
            .step(
                "the guest resets the device and unloads its driver",
                scene -> {
                  scene.party(SOURCE).host().reset();
                  scene.party(SOURCE).endGuest();
                })
            .move(SOURCE, DESTINATION, true)
            .go(DESTINATION, DeviceState.RUNNING)
            .boot(DESTINATION)
            .elapse(WORK_NANOS)
            .go(DESTINATION, DeviceState.STOP)
            .audit(DESTINATION)
            .script(),
        new Plot(facts)
            .open(SOURCE)
            .boot(SOURCE)
            .step(worked(SOURCE, WORK_NANOS, "before"))
            .forget(SOURCE)
            .open(SOURCE)
            .move(SOURCE, DESTINATION, true)
            .go(DESTINATION, DeviceState.RUNNING)
            .boot(DESTINATION)
            .step(worked(DESTINATION, WORK_NANOS, "after"))
            .step(compare(MoveChecks::compareFresh, "before", "after"))
            .audit(DESTINATION)
            .script());
  }

  private static List<Script> nothingLost(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    // Stopped at moments that no rhythm of the device hits each time.
    for (long extraNanos = 0; extraNanos < 3_000_000; extraNanos += 270_000) {
      Plot plot =
          new Plot(facts).open(SOURCE).boot(SOURCE).elapse(WORK_NANOS).elapse(extraNanos + 1_000);
      scripts.add(
          plot.move(SOURCE, DESTINATION, (extraNanos / 270_000) % 2 == 0)
              .carry(SOURCE, DESTINATION)
              .audit(DESTINATION)
              .go(DESTINATION, DeviceState.RUNNING)
              .elapse(WORK_NANOS)
              .go(DESTINATION, DeviceState.STOP)
              .audit(DESTINATION)
              .script());
    }
    return scripts;
  }

  private static List<Script> goesOn(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (long extraNanos = 0; extraNanos < 4_000_000; extraNanos += 170_000) {
      scripts.add(
          new Plot(facts)
              .open(SOURCE)
              .boot(SOURCE)
              .elapse(extraNanos + 1_000)
              .step(worked(SOURCE, 2 * WORK_NANOS, "before"))
              .stop(SOURCE, 23_000)
              .move(SOURCE, DESTINATION, false)
              .carry(SOURCE, DESTINATION)
              .go(DESTINATION, DeviceState.RUNNING)
              .step(worked(DESTINATION, 2 * WORK_NANOS, "after"))
              .step(compare(MoveChecks::compareMoved, "before", "after"))
              .script());
    }
    return scripts;
  }

  /** What the guest counted in some time. */
  private record Work(long nanos, Map<String, Long> grown) {}

  /** Lets a guest work and notes what it did meanwhile. */
  private static Step worked(Role role, long nanos, String key) {
    return Step.of(
            "%s: let %s pass and note what the guest did".formatted(role.text(), Plot.time(nanos)),
            scene -> {
              Map<String, Long> before = scene.guest(role).audit().counts();
              scene.elapse(nanos);
              Map<String, Long> grown = new TreeMap<>();
              scene
                  .guest(role)
                  .audit()
                  .counts()
                  .forEach((name, count) -> grown.put(name, count - before.getOrDefault(name, 0L)));
              scene.note(key, new Work(nanos, grown));
            })
        .onlyIf(scene -> scene.guestIsUpToDate(role) && scene.at(role) == DeviceState.RUNNING);
  }

  private interface Comparison {
    void compare(Work usual, Work now) throws Violation;
  }

  private static Step compare(Comparison comparison, String usual, String now) {
    return Step.of(
            "compare what the guest did before the move and after it",
            scene ->
                comparison.compare(
                    scene.noted(usual, Work.class).orElseThrow(),
                    scene.noted(now, Work.class).orElseThrow()))
        .onlyIf(
            scene ->
                scene.noted(usual, Work.class).isPresent()
                    && scene.noted(now, Work.class).isPresent());
  }

  /** What grew on the source has to grow on the destination as well, if only by half as much. */
  private static void compareMoved(Work usual, Work now) throws Violation {
    compareWork(usual, now, "in %s '%s' grew by %d before the move and by %d after it");
  }

  /** A guest that boots does as much as one on a device that never moved, or half of it. */
  private static void compareFresh(Work usual, Work now) throws Violation {
    compareWork(
        usual, now, "in %s '%s' came to %d on a device that never moved and to %d after the move");
  }

  private static void compareWork(Work usual, Work now, String text) throws Violation {
    for (Map.Entry<String, Long> entry : usual.grown().entrySet()) {
      long done = now.grown().getOrDefault(entry.getKey(), 0L);
      if (entry.getValue() > 3 && done < entry.getValue() / 2) {
        throw new Violation(
            "stuck",
            text.formatted(Plot.time(usual.nanos()), entry.getKey(), entry.getValue(), done));
      }
    }
  }

  private static List<Script> pingPong(Facts facts) {
    Plot plot = new Plot(facts).open(SOURCE);
    if (facts.guest()) {
      plot.boot(SOURCE).elapse(WORK_NANOS);
    }
    Role from = SOURCE;
    Role to = DESTINATION;
    for (int round = 0; round < ROUNDS; round++) {
      plot.move(from, to, round % 2 == 0);
      if (facts.guest()) {
        plot.carry(from, to).audit(to);
      }
      plot.go(to, DeviceState.RUNNING);
      if (facts.subject().model()) {
        // The same device object serves on, as in a host that gets its guest back.
        plot.reset(from);
      }
      if (facts.guest()) {
        plot.elapse(3_000_000);
      }
      Role swap = from;
      from = to;
      to = swap;
    }
    return List.of(plot.script());
  }

  private static List<Script> reuse(Facts facts) {
    Plot plot = new Plot(facts).open(SOURCE);
    plot.move(SOURCE, DESTINATION, true).go(DESTINATION, DeviceState.RUNNING).reset(SOURCE);
    if (facts.guest()) {
      plot.boot(SOURCE).elapse(WORK_NANOS).go(SOURCE, DeviceState.STOP).audit(SOURCE);
    }
    return List.of(plot.forget(DESTINATION).move(SOURCE, DESTINATION, true).script());
  }
}
