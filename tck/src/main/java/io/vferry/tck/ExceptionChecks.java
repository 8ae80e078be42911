package io.vferry.tck;

import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** How failures are told. */
final class ExceptionChecks {

  private static final int ACCESSES = 8;

  private ExceptionChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.EXCEPTIONS,
            "only-checked",
            "Whatever fails below, no method throws anything but MigrationException.",
            ExceptionChecks::onlyChecked),
        Check.of(
            Chapter.EXCEPTIONS,
            "says-what",
            "The exception of a failed arc has a sentence, and names no other arc and no other"
                + " state than the true ones.",
            ExceptionChecks::saysWhat),
        Check.of(
            Chapter.EXCEPTIONS,
            "stream-failure-is-told",
            "If an access to the device fails in a read or write, the call fails; it never gives"
                + " less or other data.",
            ExceptionChecks::streamFailure));
  }

  private static List<Script> onlyChecked(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      for (int access = 0; access < facts.limits().accesses(ACCESSES); access++) {
        int number = access;
        Plot plot = Plot.at(facts, SOURCE, state);
        scripts.add(
            plot.in(
                    SOURCE,
                    state,
                    "source: use everything, and access number %d of each call fails"
                        .formatted(access + 1),
                    scene -> useEverything(scene.party(SOURCE), facts, number))
                .script());
      }
    }
    return scripts;
  }

  private static void useEverything(Party party, Facts facts, int access)
      throws MigrationException, Violation {
    broken(party, access, "state", () -> party.device().state());
    if (party.save().isPresent()) {
      SaveStream stream = party.saving();
      broken(party, access, "read", () -> stream.read(ByteBuffer.allocateDirect(4096)));
    }
    if (party.load().isPresent()) {
      LoadStream stream = party.loading();
      byte[] image = facts.image().get();
      broken(party, access, "write", () -> stream.write(ByteBuffer.wrap(image)));
    }
    Optional<PrecopyProgress> progress = party.capability(PrecopyProgress.class);
    if (progress.isPresent()) {
      broken(party, access, "remaining", () -> progress.get().remaining());
    }
    broken(party, access, "reset", () -> party.device().reset());
    broken(party, access, "close", () -> party.device().close());
  }

  private static void broken(Party party, int access, String what, Party.Act act) throws Violation {
    Optional<MigrationException> failure = party.failing(access, what, act);
    if (failure.isPresent() && failure.get().detail().isBlank()) {
      throw new Violation("blank", what + " failed without a sentence");
    }
  }

  private static List<Script> saysWhat(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      Plot plot = new Plot(facts).open(SOURCE);
      plot.go(SOURCE, arc.from() == DeviceState.STOP ? DeviceState.RUNNING : DeviceState.STOP);
      scripts.add(
          plot.step(
                  "source: " + arc + " from another state",
                  scene -> {
                    Party party = scene.party(SOURCE);
                    told(
                        party,
                        arc,
                        Plot.failure("perform " + arc, () -> party.device().perform(arc)));
                  })
              .script());
      for (int access = 0; access < facts.limits().accesses(ACCESSES); access++) {
        scripts.add(
            Plot.at(facts, SOURCE, arc.from())
                .failing(
                    SOURCE,
                    arc,
                    access,
                    (scene, failure) -> told(scene.party(SOURCE), arc, failure))
                .script());
      }
    }
    return scripts;
  }

  private static void told(Party party, Arc arc, Optional<MigrationException> failure)
      throws MigrationException, Violation {
    if (failure.isEmpty()) {
      return;
    }
    MigrationException told = failure.get();
    if (told.detail().isBlank() || told.detail().contains("\n")) {
      throw new Violation("sentence", "the failure is told by '" + told.detail() + "'");
    }
    if (told.arc().isPresent() && told.arc().get() != arc) {
      throw new Violation(
          "wrong-arc", "%s failed, but the exception names %s".formatted(arc, told.arc().get()));
    }
    Optional<DeviceState> now = party.stateIfKnown();
    if (told.state().isPresent() && now.isPresent() && !told.state().equals(now)) {
      throw new Violation(
          "wrong-state-told",
          "the exception says the device is in %s, state() says %s"
              .formatted(told.state().get(), now.get()));
    }
  }

  private static List<Script> streamFailure(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int access = 0; access < facts.limits().accesses(ACCESSES); access++) {
      int number = access;
      scripts.add(
          Plot.at(facts, SOURCE, DeviceState.STOP_COPY)
              .in(
                  SOURCE,
                  DeviceState.STOP_COPY,
                  "source: read to the end, and access number %d to the device fails"
                      .formatted(access + 1),
                  scene -> readFails(scene.party(SOURCE), number))
              .script());
      scripts.add(
          Plot.at(facts, SOURCE, DeviceState.RESUMING)
              .in(
                  SOURCE,
                  DeviceState.RESUMING,
                  "source: write a whole stream, and access number %d to the device fails"
                      .formatted(access + 1),
                  scene -> writeFails(scene.party(SOURCE), facts, number))
              .script());
    }
    return scripts;
  }

  private static void readFails(Party party, int access) throws Violation {
    Optional<MigrationException> failure =
        party.failingSteps(access, () -> party.drain(Plot.PIECE_BYTES));
    if (failure.isEmpty() && !party.tap().failed().isEmpty()) {
      throw new Violation(
          "read-swallowed",
          "the access '%s' failed, but each read succeeded".formatted(party.tap().failed()));
    }
  }

  private static void writeFails(Party party, Facts facts, int access)
      throws MigrationException, Violation {
    Optional<MigrationException> failure =
        party.failingSteps(access, () -> party.write(facts.image().get(), Plot.PIECE_BYTES));
    if (failure.isPresent() || party.tap().failed().isEmpty()) {
      return;
    }
    // The driver may put off the news until it has to prove the data whole.
    if (Plot.failure("leave RESUMING", () -> party.device().perform(Arc.RESUMING_TO_STOP))
        .isEmpty()) {
      throw new Violation(
          "write-swallowed",
          "the access '%s' failed, but the data counted as whole".formatted(party.tap().failed()));
    }
  }
}
