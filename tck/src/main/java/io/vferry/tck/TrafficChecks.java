package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a device does by itself. */
final class TrafficChecks {

  private static final long WORK_NANOS = 10_000_000;
  private static final long WATCH_NANOS = 50_000_000;
  private static final List<Long> MOMENTS =
      List.of(1_000L, 41_000L, 77_000L, 119_000L, 333_000L, 701_000L, 1_403_000L);

  private TrafficChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.TRAFFIC,
            "no-dma-while-stopped",
            "A stopped device writes no memory, from the moment the arc returns.",
            facts -> stopped(facts, TrafficChecks::memoryUnchanged),
            Need.GUEST),
        Check.of(
            Chapter.TRAFFIC,
            "no-interrupt-while-stopped",
            "A stopped device raises no interrupt, from the moment the arc returns.",
            facts -> stopped(facts, TrafficChecks::noInterrupt),
            Need.GUEST),
        Check.of(
            Chapter.TRAFFIC,
            "works-in-precopy",
            "Pre-copy does not disturb what the device does.",
            TrafficChecks::worksInPrecopy,
            Need.GUEST,
            Need.PRE_COPY),
        Check.of(
            Chapter.TRAFFIC,
            "p2p-quiet",
            "A device in a P2P state starts no access to a peer, and none is under way, from the"
                + " moment the arc returns.",
            TrafficChecks::quiet,
            Need.P2P,
            Need.GUEST,
            Need.PEERS),
        Check.of(
            Chapter.TRAFFIC,
            "p2p-accepts",
            "A device in a P2P state takes what its peers send.",
            TrafficChecks::accepts,
            Need.P2P,
            Need.GUEST,
            Need.PEERS),
        Check.of(
            Chapter.TRAFFIC,
            "p2p-starts-again",
            "A device that leaves its P2P state for RUNNING or PRE_COPY reaches its peers again.",
            TrafficChecks::again,
            Need.P2P,
            Need.GUEST,
            Need.PEERS));
  }

  private interface Watch {
    void check(Scene scene, byte[] before, long signalsBefore) throws MigrationException, Violation;
  }

  private static List<Script> stopped(Facts facts, Watch watch) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (state.running()) {
        continue;
      }
      for (long moment : MOMENTS) {
        List<Arc> path = facts.path(DeviceState.RUNNING, state);
        scripts.add(
            new Plot(facts)
                .open(SOURCE)
                .boot(SOURCE)
                .elapse(WORK_NANOS)
                .elapse(moment)
                .stop(SOURCE, moment)
                .go(SOURCE, state)
                .step(
                    Step.of(
                            "watch the device for %s".formatted(Plot.time(WATCH_NANOS)),
                            scene -> {
                              Guest guest = scene.guest(SOURCE);
                              byte[] before = guest.snapshot();
                              long signals = guest.signals();
                              scene.elapse(WATCH_NANOS);
                              watch.check(scene, before, signals);
                            })
                        .onlyIf(scene -> scene.hasGuest(SOURCE) && scene.at(SOURCE) == state))
                .script());
        if (path.isEmpty()) {
          break;
        }
      }
    }
    return scripts;
  }

  private static void memoryUnchanged(Scene scene, byte[] before, long signalsBefore)
      throws Violation {
    byte[] after = scene.guest(SOURCE).snapshot();
    int at = Arrays.mismatch(before, after);
    if (at >= 0) {
      throw new Violation(
          "dma-while-stopped",
          "in %s the device wrote memory, first at offset %d".formatted(scene.at(SOURCE), at));
    }
  }

  private static void noInterrupt(Scene scene, byte[] before, long signalsBefore) throws Violation {
    long signals = scene.guest(SOURCE).signals() - signalsBefore;
    if (signals > 0) {
      throw new Violation(
          "interrupt-while-stopped",
          "in %s the device raised %d interrupts".formatted(scene.at(SOURCE), signals));
    }
  }

  private static List<Script> worksInPrecopy(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(SOURCE)
            .boot(SOURCE)
            .in(
                SOURCE,
                DeviceState.RUNNING,
                "let the guest work for " + Plot.time(WATCH_NANOS),
                scene -> {
                  if (scene.hasGuest(SOURCE)) {
                    long before = scene.guest(SOURCE).signals();
                    scene.elapse(WATCH_NANOS);
                    scene.note("signals", scene.guest(SOURCE).signals() - before);
                  }
                })
            .go(SOURCE, DeviceState.PRE_COPY)
            .in(
                SOURCE,
                DeviceState.PRE_COPY,
                "let the guest work for " + Plot.time(WATCH_NANOS),
                scene -> {
                  if (!scene.hasGuest(SOURCE)) {
                    return;
                  }
                  long usual = scene.noted("signals", Long.class).orElse(0L);
                  long before = scene.guest(SOURCE).signals();
                  scene.elapse(WATCH_NANOS);
                  long signals = scene.guest(SOURCE).signals() - before;
                  if (usual > 3 && signals < usual / 2) {
                    throw new Violation(
                        "idle-in-precopy",
                        "the device raised %d interrupts while RUNNING, and %d in PRE_COPY"
                            .formatted(usual, signals));
                  }
                })
            .go(SOURCE, DeviceState.STOP)
            .audit(SOURCE)
            .script());
  }

  private static Step bootPeers() {
    return Step.of(
            "boot guests on both devices, which reach each other", scene -> scene.bootPeers())
        .onlyIf(scene -> !scene.hasGuest(SOURCE));
  }

  private static List<DeviceState> quiescent(Facts facts) {
    return facts.states().stream().filter(DeviceState::p2pQuiescent).toList();
  }

  private static List<Script> quiet(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : quiescent(facts)) {
      for (long moment : MOMENTS) {
        for (DeviceState from : List.of(DeviceState.RUNNING, DeviceState.PRE_COPY)) {
          if (!facts.features().supports(from)) {
            continue;
          }
          scripts.add(
              new Plot(facts)
                  .open(SOURCE)
                  .open(DESTINATION)
                  .step(bootPeers())
                  .elapse(WORK_NANOS)
                  .elapse(moment)
                  .go(SOURCE, from)
                  .go(SOURCE, state)
                  .in(
                      SOURCE,
                      state,
                      "watch the peer for " + Plot.time(WATCH_NANOS),
                      scene -> {
                        long before = scene.arrivedAt(DESTINATION);
                        scene.elapse(WATCH_NANOS);
                        long came = scene.arrivedAt(DESTINATION) - before;
                        if (came > 0) {
                          throw new Violation(
                              "p2p-not-quiet",
                              "in %s the device reached its peer %d times".formatted(state, came));
                        }
                      })
                  .script());
        }
      }
    }
    return scripts;
  }

  private static List<Script> accepts(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : quiescent(facts)) {
      scripts.add(
          new Plot(facts)
              .open(SOURCE)
              .open(DESTINATION)
              .step(bootPeers())
              .elapse(WORK_NANOS)
              .go(SOURCE, state)
              .elapse(WATCH_NANOS)
              .go(DESTINATION, DeviceState.RUNNING_P2P)
              .go(SOURCE, DeviceState.STOP)
              .go(DESTINATION, DeviceState.STOP)
              .audit(SOURCE)
              .audit(DESTINATION)
              .script());
    }
    return scripts;
  }

  private static List<Script> again(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : quiescent(facts)) {
      for (DeviceState to : List.of(DeviceState.RUNNING, DeviceState.PRE_COPY)) {
        if (facts.path(state, to).isEmpty()) {
          continue;
        }
        scripts.add(
            new Plot(facts)
                .open(SOURCE)
                .open(DESTINATION)
                .step(bootPeers())
                .step(
                    "count what reaches the peer in " + Plot.time(WATCH_NANOS),
                    scene -> {
                      scene.elapse(WATCH_NANOS);
                      scene.note("arrived", scene.arrivedAt(DESTINATION));
                    })
                .go(SOURCE, state)
                .go(SOURCE, to)
                .in(
                    SOURCE,
                    to,
                    "count again what reaches the peer in " + Plot.time(WATCH_NANOS),
                    scene -> {
                      long usual = scene.noted("arrived", Long.class).orElse(0L);
                      long before = scene.arrivedAt(DESTINATION);
                      scene.elapse(WATCH_NANOS);
                      if (usual > 3 && scene.arrivedAt(DESTINATION) - before < usual / 2) {
                        throw new Violation(
                            "p2p-silent",
                            "the device reached its peer %d times before and %d times after"
                                .formatted(usual, scene.arrivedAt(DESTINATION) - before));
                      }
                    })
                .script());
      }
    }
    return scripts;
  }
}
