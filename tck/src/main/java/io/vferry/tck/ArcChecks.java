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

/** Arcs in which an access to the device fails, one after the other. */
final class ArcChecks {

  /** An arc with more accesses than this, as one that copies, is tried at its first ones. */
  private static final int MAX_ACCESSES = 24;

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
            Need.REFUSING));
  }

  private interface Then {
    void check(Scene scene, Arc arc, Optional<MigrationException> failure)
        throws MigrationException, Violation;
  }

  private static List<Script> faults(Facts facts, Then then) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      for (int access = 0; access < accesses(facts, arc); access++) {
        scripts.add(fault(facts, arc, access, then));
      }
    }
    return scripts;
  }

  private static Plot approach(Facts facts, Arc arc) {
    Plot plot = new Plot(facts).open(SOURCE).go(SOURCE, arc.from());
    if (arc == Arc.RESUMING_TO_STOP) {
      plot.loadGood(SOURCE);
    }
    return plot;
  }

  /** Counts how often the driver reaches for the device in an arc. */
  private static int accesses(Facts facts, Arc arc) {
    int[] count = new int[1];
    Script script =
        approach(facts, arc)
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
    return Math.min(count[0], MAX_ACCESSES);
  }

  private static Script fault(Facts facts, Arc arc, int access, Then then) {
    return approach(facts, arc)
        .perform(
            SOURCE,
            arc,
            "source: %s, in which access number %d to the device fails".formatted(arc, access + 1),
            scene -> {
              Party party = scene.party(SOURCE);
              party.tap().failAt(access);
              Optional<MigrationException> failure;
              try {
                failure = Plot.failure("perform " + arc, () -> party.device().perform(arc));
              } finally {
                party.tap().stop();
              }
              String failed = party.tap().failed();
              Optional<DeviceState> now =
                  failed.isEmpty() ? Optional.empty() : party.stateIfKnown();
              if (failure.isEmpty() && now.isPresent() && now.get() != arc.to()) {
                throw new Violation(
                    "silent",
                    "the access that failed was '%s'; the arc reported success, but state() says %s"
                        .formatted(failed, now.get()));
              }
              if (!failed.isEmpty()) {
                then.check(scene, arc, failure);
              }
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
