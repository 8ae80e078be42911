package io.vferry.tck;

import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** States and arcs. */
final class StateChecks {

  private static final int WALKS = 8;
  private static final int WALK_STEPS = 40;

  private StateChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.STATES,
            "every-pair",
            "Between any two states there is the kernel's way, and each arc on it ends in its state"
                + " with the stream it opens and no other.",
            StateChecks::everyPair),
        Check.of(
            Chapter.STATES,
            "random-walk",
            "Any walk over arcs, with resets in between, keeps the device where the arcs lead.",
            StateChecks::walks),
        Check.of(
            Chapter.STATES,
            "wrong-state",
            "An arc that does not start where the device is fails with WRONG_STATE and changes"
                + " nothing.",
            StateChecks::wrongState),
        Check.of(
            Chapter.STATES,
            "unsupported-arc",
            "An arc of a feature that the device does not claim fails with ARC_UNSUPPORTED and"
                + " changes nothing.",
            StateChecks::unsupported),
        Check.of(
            Chapter.STATES,
            "asks-the-device",
            "state() tells what the device says now, also after a reset behind the driver's back.",
            StateChecks::asksTheDevice),
        Check.of(
            Chapter.STATES,
            "attach-leaves-state",
            "Attaching leaves the device in the state in which it is.",
            StateChecks::attachLeavesState,
            Need.MODEL,
            Need.TELLS_STATE),
        Check.of(
            Chapter.STATES,
            "constant-features",
            "Features and capabilities do not change while the device is attached, and a device"
                + " with pre-copy tells its progress.",
            StateChecks::constantFeatures));
  }

  private static List<Script> everyPair(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState from : facts.states()) {
      for (DeviceState to : facts.states()) {
        if (from != to && !facts.path(from, to).isEmpty()) {
          scripts.add(Plot.at(facts, SOURCE, from).go(SOURCE, to).script());
        }
      }
    }
    return scripts;
  }

  private static List<Script> walks(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int walk = 0; walk < WALKS; walk++) {
      SplittableRandom random = new SplittableRandom(facts.limits().seed() + walk);
      Plot plot = new Plot(facts).open(SOURCE);
      for (int step = 0; step < WALK_STEPS; step++) {
        if (random.nextInt(12) == 0) {
          plot.reset(SOURCE);
          continue;
        }
        List<Arc> arcs =
            facts.arcs().stream().filter(arc -> arc.from() == plot.at(SOURCE)).toList();
        plot.go(SOURCE, arcs.get(random.nextInt(arcs.size())).to());
        if (plot.at(SOURCE).saving() && random.nextBoolean()) {
          plot.drain(SOURCE, 1 << random.nextInt(16));
        }
      }
      scripts.add(plot.script());
    }
    return scripts;
  }

  private static List<Script> wrongState(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      Plot plot = Plot.at(facts, SOURCE, state);
      for (Arc arc : facts.arcs()) {
        if (arc.from() != state) {
          plot.in(
              SOURCE,
              state,
              "source: " + arc + ", which does not start in " + state,
              scene -> {
                Party party = scene.party(SOURCE);
                Plot.mustFail(
                    arc + " from " + state,
                    List.of(DeviceError.WRONG_STATE),
                    "wrong-state",
                    () -> party.device().perform(arc));
                party.expect(state, "moved", "after the refused arc");
              });
        }
      }
      scripts.add(plot.script());
    }
    return scripts;
  }

  private static List<Script> unsupported(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : Arc.values()) {
      if (facts.features().supports(arc)) {
        continue;
      }
      Plot plot = new Plot(facts).open(SOURCE);
      if (facts.features().supports(arc.from())) {
        plot.go(SOURCE, arc.from());
      }
      plot.step(
          "source: " + arc + ", which the device does not have",
          scene -> {
            Party party = scene.party(SOURCE);
            Plot.mustFail(
                arc.toString(),
                List.of(DeviceError.ARC_UNSUPPORTED),
                "unsupported",
                () -> party.device().perform(arc));
            party.expect(party.at(), "moved", "after the refused arc");
          });
      scripts.add(plot.script());
    }
    return scripts;
  }

  private static List<Script> asksTheDevice(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      scripts.add(
          Plot.at(facts, SOURCE, state)
              .step(
                  "the guest resets the device, past the driver; source: state() says RUNNING",
                  scene -> {
                    Party party = scene.party(SOURCE);
                    party.host().reset();
                    party.expect(DeviceState.RUNNING, "remembered", "now");
                  })
              .script());
    }
    return scripts;
  }

  private static List<Script> attachLeavesState(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : List.of(DeviceState.STOP, DeviceState.RUNNING_P2P)) {
      if (facts.features().supports(state)) {
        scripts.add(
            Plot.at(facts, SOURCE, state)
                .step(
                    "attach the driver a second time to the same host device",
                    scene -> {
                      Party party = scene.party(SOURCE);
                      DeviceState found = secondAttach(scene, party);
                      if (found != party.at()) {
                        throw new Violation(
                            "attach-moves",
                            "the device was in %s, and after attach state() says %s"
                                .formatted(party.at(), found));
                      }
                    })
                .script());
      }
    }
    return scripts;
  }

  private static DeviceState secondAttach(Scene scene, Party party)
      throws io.vferry.spi.error.MigrationException, Violation {
    var device = Party.call("attach", () -> scene.subject().driver().attach(party.host()));
    return Party.call("state", device::state);
  }

  private static List<Script> constantFeatures(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      scripts.add(
          Plot.at(facts, SOURCE, state)
              .step(
                  "source: ask for features and capabilities",
                  scene -> {
                    Party party = scene.party(SOURCE);
                    var features = Party.call("features", party.device()::features);
                    if (features != facts.features()) {
                      throw new Violation(
                          "features-changed",
                          "features() says %s, but said %s when the device was attached"
                              .formatted(features, facts.features()));
                    }
                    boolean progress = party.capability(PrecopyProgress.class).isPresent();
                    if (progress != facts.progress()) {
                      throw new Violation(
                          "capability-changed", "PrecopyProgress is there in some states only");
                    }
                    if (facts.features().preCopy() && !progress) {
                      throw new Violation(
                          "no-progress", "the device has pre-copy but offers no PrecopyProgress");
                    }
                    if (party.capability(Runnable.class).isPresent()) {
                      throw new Violation(
                          "any-capability", "capability() gives a feature that does not exist");
                    }
                  })
              .script());
    }
    return scripts;
  }
}
