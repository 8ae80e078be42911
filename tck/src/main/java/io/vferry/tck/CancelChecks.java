package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;

/** Moves that are given up. */
final class CancelChecks {

  private static final List<Integer> READS = List.of(0, 1, 3, 1000);
  private static final int READ_BYTES = 257;

  private CancelChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.CANCEL,
            "each-point",
            "A save can be given up in each state, read to any point; the device runs on and can"
                + " save again.",
            facts -> cancels(facts, false)),
        Check.of(
            Chapter.CANCEL,
            "guest-works-on",
            "A guest at work does not notice that a save was begun and given up.",
            facts -> cancels(facts, true),
            Need.GUEST),
        Check.of(
            Chapter.CANCEL,
            "load-by-reset",
            "A load can be given up at any point by a reset; the device can then load again.",
            CancelChecks::loads));
  }

  private static List<Script> cancels(Facts facts, boolean guest) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (!state.saving()) {
        continue;
      }
      for (int reads : READS) {
        Plot plot = new Plot(facts).open(SOURCE);
        if (guest) {
          plot.boot(SOURCE).elapse(5_000_000);
        }
        plot.go(SOURCE, state);
        for (int read = 0; read < Math.min(reads, 1000); read += 1000) {
          plot.in(
              SOURCE,
              state,
              "source: read %d times up to %d bytes".formatted(reads, READ_BYTES),
              scene -> {
                java.nio.ByteBuffer piece = java.nio.ByteBuffer.allocate(READ_BYTES);
                for (int call = 0; call < reads; call++) {
                  scene.party(SOURCE).read(piece.clear());
                }
              });
        }
        plot.go(SOURCE, DeviceState.RUNNING);
        if (guest) {
          // Little enough that most of the state has not changed again since the first save.
          plot.elapse(300_000).go(SOURCE, DeviceState.STOP).audit(SOURCE);
          plot.go(SOURCE, DeviceState.RUNNING).elapse(300_000);
        }
        plot.move(SOURCE, DESTINATION, false);
        if (guest) {
          plot.carry(SOURCE, DESTINATION).audit(DESTINATION);
        }
        scripts.add(plot.script());
      }
    }
    return scripts;
  }

  private static List<Script> loads(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int part = 0; part <= 8; part++) {
      int eighths = part;
      scripts.add(
          Plot.at(facts, DESTINATION, DeviceState.RESUMING)
              .step(
                  Step.of(
                          "destination: write %d/8 of a stream".formatted(part),
                          scene -> {
                            byte[] image = facts.image().get();
                            int length = (int) ((long) image.length * eighths / 8);
                            scene
                                .party(DESTINATION)
                                .write(java.util.Arrays.copyOf(image, length), 4096);
                          })
                      .onlyIf(scene -> scene.loading(DESTINATION)))
              .reset(DESTINATION)
              .go(DESTINATION, DeviceState.RESUMING)
              .loadGood(DESTINATION)
              .go(DESTINATION, DeviceState.RUNNING)
              .script());
    }
    return scripts;
  }
}
