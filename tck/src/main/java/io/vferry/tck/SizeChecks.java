package io.vferry.tck;

import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.PrecopyProgress.Remaining;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** What a driver says about sizes. */
final class SizeChecks {

  private static final long SLACK_BYTES = 64 << 10;
  private static final int MAX_ROUNDS = 1000;

  private SizeChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.SIZES,
            "estimate-in-every-state",
            "The stop-copy estimate answers in each state and is never negative.",
            SizeChecks::everyState,
            Need.ESTIMATE),
        Check.of(
            Chapter.SIZES,
            "honest-estimate",
            "For a stopped device the estimate is at least half and at most twice what is then"
                + " read, give or take 64 KiB.",
            SizeChecks::honest,
            Need.ESTIMATE),
        Check.of(
            Chapter.SIZES,
            "progress-only-in-precopy",
            "The pre-copy progress fails with WRONG_STATE outside pre-copy.",
            SizeChecks::outside,
            Need.PRE_COPY),
        Check.of(
            Chapter.SIZES,
            "progress-is-not-negative",
            "The pre-copy progress has no negative number.",
            SizeChecks::notNegative,
            Need.PRE_COPY),
        Check.of(
            Chapter.SIZES,
            "initial-bytes-reach-zero",
            "Whoever reads on in pre-copy sees the initial bytes reach 0, and has read about as"
                + " many as were told.",
            SizeChecks::reachZero,
            Need.PRE_COPY));
  }

  private static PrecopyProgress progress(Scene scene) throws MigrationException, Violation {
    return scene
        .party(SOURCE)
        .capability(PrecopyProgress.class)
        .orElseThrow(
            () ->
                new Violation(
                    "no-progress", "the device has pre-copy but offers no PrecopyProgress"));
  }

  private static OptionalLong ask(Scene scene) throws MigrationException, Violation {
    StopCopyEstimate estimate =
        scene.party(SOURCE).capability(StopCopyEstimate.class).orElseThrow();
    OptionalLong bytes = Party.call("stopCopyBytes", estimate::stopCopyBytes);
    if (bytes.isPresent() && bytes.getAsLong() < 0) {
      throw new Violation("negative", "the estimate is " + bytes.getAsLong() + " bytes");
    }
    return bytes;
  }

  private static List<Script> everyState(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      scripts.add(
          Plot.at(facts, SOURCE, state)
              .step("source: ask for the stop-copy estimate", scene -> ask(scene))
              .expect(SOURCE, state, "moved")
              .script());
    }
    return scripts;
  }

  private static List<Script> honest(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (boolean precopy : new boolean[] {false, true}) {
      if (precopy && !facts.features().preCopy()) {
        continue;
      }
      Plot plot = new Plot(facts).open(SOURCE);
      if (facts.guest()) {
        plot.boot(SOURCE).elapse(5_000_000);
      }
      if (precopy) {
        plot.go(SOURCE, DeviceState.PRE_COPY).drain(SOURCE, Plot.PIECE_BYTES);
      }
      plot.go(SOURCE, DeviceState.STOP_COPY)
          .in(
              SOURCE,
              DeviceState.STOP_COPY,
              "source: ask for the estimate, then read to the end",
              scene -> {
                OptionalLong told = ask(scene);
                Party party = scene.party(SOURCE);
                long before = party.recording().length;
                party.finish(Plot.PIECE_BYTES);
                long read = party.recording().length - before;
                if (told.isPresent()
                    && (told.getAsLong() < read / 2 - SLACK_BYTES
                        || told.getAsLong() / 2 > read + SLACK_BYTES)) {
                  throw new Violation(
                      "estimate",
                      "the estimate was %d bytes, then %d were read"
                          .formatted(told.getAsLong(), read));
                }
              });
      scripts.add(plot.script());
    }
    return scripts;
  }

  private static List<Script> outside(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (state != DeviceState.PRE_COPY && state != DeviceState.PRE_COPY_P2P) {
        scripts.add(
            Plot.at(facts, SOURCE, state)
                .step(
                    Step.of(
                            "source: ask for the pre-copy progress",
                            scene -> {
                              PrecopyProgress progress = progress(scene);
                              Plot.mustFail(
                                  "remaining in " + scene.at(SOURCE),
                                  List.of(DeviceError.WRONG_STATE),
                                  "progress-outside",
                                  progress::remaining);
                            })
                        .onlyIf(scene -> scene.at(SOURCE) == state))
                .script());
      }
    }
    return scripts;
  }

  private static Remaining remaining(Scene scene) throws MigrationException, Violation {
    PrecopyProgress progress = progress(scene);
    Remaining left = Party.call("remaining", progress::remaining);
    if (left.initialBytes() < 0 || left.dirtyBytes() < 0) {
      throw new Violation("negative", "remaining() says " + left);
    }
    return left;
  }

  private static List<Script> notNegative(Facts facts) {
    Plot plot = new Plot(facts).open(SOURCE);
    if (facts.guest()) {
      plot.boot(SOURCE).elapse(5_000_000);
    }
    return List.of(
        plot.go(SOURCE, DeviceState.PRE_COPY)
            .in(
                SOURCE,
                DeviceState.PRE_COPY,
                "source: ask, read a little, ask, and so on",
                scene -> {
                  java.nio.ByteBuffer piece = java.nio.ByteBuffer.allocate(777);
                  for (int round = 0; round < 200; round++) {
                    remaining(scene);
                    scene.party(SOURCE).read(piece.clear());
                  }
                })
            .script());
  }

  private static List<Script> reachZero(Facts facts) {
    return List.of(
        Plot.at(facts, SOURCE, DeviceState.PRE_COPY)
            .in(
                SOURCE,
                DeviceState.PRE_COPY,
                "source: read until the initial bytes are 0",
                scene -> {
                  Party party = scene.party(SOURCE);
                  Remaining told = remaining(scene);
                  Remaining left = told;
                  for (int round = 0; left.initialBytes() > 0; round++) {
                    if (round == MAX_ROUNDS) {
                      throw new Violation(
                          "never-zero",
                          "after reading all there was %d times, remaining() still says %s"
                              .formatted(MAX_ROUNDS, left));
                    }
                    party.drain(Plot.PIECE_BYTES);
                    left = remaining(scene);
                    if (left.reinitialised()) {
                      told = left;
                    }
                  }
                  long read = party.recording().length;
                  if (told.initialBytes() > 2 * read + SLACK_BYTES) {
                    throw new Violation(
                        "initial",
                        "%d initial bytes were told, but %d were read until none were left"
                            .formatted(told.initialBytes(), read));
                  }
                })
            .script());
  }
}
