package io.vferry.tck;

import static io.vferry.tck.Role.REFUSING;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Arcs in which an access to the device fails, one after the other. */
final class ArcChecks {

  /** The device goes away at one of so many accesses of an arc. */
  private static final int GONE_ACCESSES = 4;

  private ArcChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.ARCS,
            "failure-is-told",
            "If an access to the device fails in an arc, the arc fails, or it happened all the"
                + " same.",
            facts -> faults(facts, (scene, arc, outcome) -> {})),
        Check.of(
            Chapter.ARCS,
            "truth-after-failure",
            "After a failed arc state() says the state in which the arc started, or ERROR, or that"
                + " the device cannot be asked.",
            facts -> faults(facts, ArcChecks::truth)),
        Check.of(
            Chapter.ARCS,
            "usable-after-failure",
            "A device that a failed arc left where it was, and that needs no reset, can be moved"
                + " on.",
            facts -> faults(facts, ArcChecks::usable)),
        Check.of(
            Chapter.ARCS,
            "reset-after-failure",
            "After any failed arc a reset brings the device back, and it can save again.",
            facts -> faults(facts, ArcChecks::resets)),
        Check.of(
            Chapter.ARCS,
            "refusal-is-told",
            "If the hardware refuses an arc, the arc fails, and state() says where it started, or"
                + " ERROR.",
            ArcChecks::refusals,
            Need.REFUSING),
        Check.of(
            Chapter.ARCS,
            "device-gone",
            "If the device is gone from any access on, the arc, state(), reset and close still come"
                + " back, and close releases everything.",
            ArcChecks::gone));
  }

  private interface Then {
    void check(Scene scene, Arc arc, Optional<MigrationException> failure)
        throws MigrationException, Violation;
  }

  private static List<Script> faults(Facts facts, Then then) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      for (int access : tried(accesses(facts, arc), facts.limits().accessesPerArc())) {
        scripts.add(fault(facts, arc, access, then));
      }
    }
    return scripts;
  }

  /** Returns which of an arc's accesses are to fail: the first one, the last one, some between. */
  static int[] tried(int accesses, int most) {
    int count = Math.min(accesses, most);
    return IntStream.range(0, count)
        .map(index -> count < 2 ? 0 : index * (accesses - 1) / (count - 1))
        .toArray();
  }

  /** Counts how often the driver reaches for the device in an arc. */
  private static int accesses(Facts facts, Arc arc) {
    int[] count = new int[1];
    Script script =
        Plot.before(facts, SOURCE, arc)
            .step(
                "count",
                scene -> {
                  Party party = scene.party(SOURCE);
                  party.tap().count();
                  Plot.failure(arc.toString(), () -> party.device().perform(arc));
                  count[0] = party.tap().stop();
                })
            .script();
    new ScriptRunner(facts.subject(), facts.limits()).run(script);
    return Math.min(count[0], Limits.MAX_ACCESSES_PER_ARC);
  }

  private static Script fault(Facts facts, Arc arc, int access, Then then) {
    return Plot.before(facts, SOURCE, arc)
        .failing(
            SOURCE,
            arc,
            access,
            (scene, failure) -> {
              Party party = scene.party(SOURCE);
              String failed = party.tap().failed();
              if (failed.isEmpty()) {
                return;
              }
              Optional<DeviceState> now = party.stateIfKnown();
              if (failure.isEmpty() && now.isPresent() && now.get() != arc.to()) {
                throw new Violation(
                    "silent",
                    "the access that failed was '%s'; the arc reported success, but state() says %s"
                        .formatted(failed, now.get()));
              }
              then.check(scene, arc, failure);
            })
        .script();
  }

  private static void truth(Scene scene, Arc arc, Optional<MigrationException> failure)
      throws MigrationException, Violation {
    if (failure.isEmpty()) {
      return;
    }
    Party party = scene.party(failedRole(scene));
    Optional<DeviceState> known = party.stateIfKnown();
    if (known.isEmpty()) {
      return;
    }
    DeviceState now = known.get();
    if (now != arc.from() && now != DeviceState.ERROR) {
      throw new Violation(
          "state-after-failure",
          "%sthe arc failed (%s), and then state() says %s, but must say %s or ERROR"
              .formatted(
                  party.tap().failed().isEmpty()
                      ? ""
                      : "the access that failed was '" + party.tap().failed() + "'; ",
                  failure.get().detail(),
                  now,
                  arc.from()));
    }
    Optional<DeviceState> told = failure.get().state();
    if (told.isPresent() && told.get() != now) {
      throw new Violation(
          "told-state",
          "the exception says that the device is in %s, state() says %s"
              .formatted(told.get(), now));
    }
  }

  private static Role failedRole(Scene scene) {
    return scene.present(REFUSING).isPresent() ? REFUSING : SOURCE;
  }

  private static void usable(Scene scene, Arc arc, Optional<MigrationException> failure)
      throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    if (failure.isEmpty()
        || party.stateIfKnown().filter(arc.from()::equals).isEmpty()
        || failure.get().condition() == DeviceCondition.NEEDS_RESET
        || failure.get().condition() == DeviceCondition.LOST) {
      return;
    }
    Optional<MigrationException> again =
        Plot.failure("perform again", () -> party.device().perform(arc));
    if (again.isPresent()) {
      throw new Violation(
          "retry",
          ("the access that failed was '%s'; the arc failed, left the device in %s and asked for no"
                  + " reset, but then the same arc failed again: %s")
              .formatted(party.tap().failed(), arc.from(), again.get().getMessage()));
    }
    party.expect(arc.to(), "state-after-retry", "after the arc was repeated");
  }

  private static void resets(Scene scene, Arc arc, Optional<MigrationException> failure)
      throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    party.reset();
    for (Arc next :
        Facts.path(
            Party.call("features", party.device()::features),
            DeviceState.RUNNING,
            DeviceState.STOP_COPY)) {
      party.perform(next);
    }
    party.finish(Plot.PIECE_BYTES);
  }

  private static List<Script> gone(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      int accesses = Math.min(accesses(facts, arc), facts.limits().accesses(GONE_ACCESSES));
      for (int access = 0; access < accesses; access++) {
        for (HostWatch.Loss how : List.of(HostWatch.Loss.SILENT, HostWatch.Loss.TOLD)) {
          scripts.add(gone(facts, arc, access, how));
        }
      }
    }
    return scripts;
  }

  private static Script gone(Facts facts, Arc arc, int access, HostWatch.Loss how) {
    return Plot.before(facts, SOURCE, arc)
        .perform(
            SOURCE,
            arc,
            "source: %s, and from access number %d on %s"
                .formatted(
                    arc,
                    access + 1,
                    how == HostWatch.Loss.TOLD
                        ? "each fails, because the device is gone"
                        : "the device is gone: reads give ones"),
            scene -> {
              Party party = scene.party(SOURCE);
              party.tap().goneFrom(access, how);
              Plot.failure("perform " + arc, () -> party.device().perform(arc));
            })
        .step(
            "source: state(), reset and close of the device that is gone",
            scene -> {
              Party party = scene.party(SOURCE);
              Plot.failure("state", () -> party.device().state());
              Plot.failure("reset", () -> party.device().reset());
              Plot.failure("close", () -> party.device().close());
              ResourceChecks.holdsNothing(party.ledger().outstanding(), "after close");
            })
        .script();
  }

  private static List<Script> refusals(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.refusable()) {
      Plot plot =
          new Plot(facts)
              .step(
                  "open a device whose hardware refuses " + arc + " once",
                  scene -> {
                    scene.refuse(arc);
                    scene.party(REFUSING);
                  })
              .go(REFUSING, arc.from());
      if (arc == Arc.RESUMING_TO_STOP) {
        plot.loadGood(REFUSING);
      }
      scripts.add(
          plot.perform(
                  REFUSING,
                  arc,
                  "refusing: " + arc,
                  scene -> {
                    Party party = scene.party(REFUSING);
                    Optional<MigrationException> failure =
                        Plot.failure("perform " + arc, () -> party.device().perform(arc));
                    if (failure.isEmpty()) {
                      throw new Violation(
                          "swallowed",
                          "the hardware refused, but the arc reported success; state() says "
                              + party.state());
                    }
                    truth(scene, arc, failure);
                  })
              .script());
    }
    return scripts;
  }
}
