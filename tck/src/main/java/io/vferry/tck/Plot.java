package io.vferry.tck;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes a sequence; knows where each device will be. */
final class Plot {

  static final int PIECE_BYTES = 64 << 10;

  /** So many reads are tiny at most, or a large state would take for ever. */
  private static final int MAX_TINY_CALLS = 3000;

  private static final int LARGE_BYTES = 1 << 20;

  private static final int RUBBISH_BYTES = 4096;

  private static final String GUEST_SAVED = "guest saved";

  private final Facts facts;
  private final List<Step> steps = new ArrayList<>();
  private final Map<Role, DeviceState> at = new EnumMap<>(Role.class);
  private final Map<Role, Boolean> loaded = new EnumMap<>(Role.class);

  Plot(Facts facts) {
    this.facts = facts;
  }

  /** Begins with a device that is opened and brought to a state. */
  static Plot at(Facts facts, Role role, DeviceState state) {
    return new Plot(facts).open(role).go(role, state);
  }

  /**
   * Begins with a device that is ready for an arc: a whole stream was written to leave RESUMING.
   */
  static Plot before(Facts facts, Role role, Arc arc) {
    Plot plot = at(facts, role, arc.from());
    return arc == Arc.RESUMING_TO_STOP ? plot.loadGood(role) : plot;
  }

  Script script() {
    return new Script(steps);
  }

  DeviceState at(Role role) {
    return at.getOrDefault(role, DeviceState.RUNNING);
  }

  Plot step(String text, Step.Action action) {
    steps.add(Step.of(text, action));
    return this;
  }

  Plot step(Step step) {
    steps.add(step);
    return this;
  }

  /** A step that only makes sense in one state. */
  Plot in(Role role, DeviceState state, String text, Step.Action action) {
    steps.add(Step.of(text, action).onlyIf(scene -> scene.at(role) == state));
    return this;
  }

  /** A step that performs an arc in its own way. */
  Plot perform(Role role, Arc arc, String text, Step.Action action) {
    steps.add(Step.of(text, action).onlyIf(scene -> scene.ready(role, arc)));
    return this;
  }

  Plot open(Role role) {
    return step(open(role, ""));
  }

  private static Step open(Role role, String remark) {
    return Step.of("open the " + role.text() + remark, scene -> scene.party(role));
  }

  Plot arc(Role role, Arc arc) {
    steps.add(
        Step.of(role.text() + ": " + arc, scene -> scene.party(role).perform(arc))
            .onlyIf(scene -> scene.ready(role, arc)));
    at.put(role, arc.to());
    loaded.put(role, false);
    return this;
  }

  /** Goes the way to a state; on the way out of RESUMING a whole stream is written. */
  Plot go(Role role, DeviceState target) {
    for (Arc arc : facts.path(at(role), target)) {
      if (arc == Arc.RESUMING_TO_STOP && !loaded.getOrDefault(role, false)) {
        loadGood(role);
      }
      arc(role, arc);
    }
    return this;
  }

  /** Writes the stream that was recorded before the checks. */
  Plot loadGood(Role role) {
    loaded.put(role, true);
    return step(
        Step.of(
                role.text() + ": write a whole stream",
                scene -> {
                  scene.party(role).write(facts.image().get(), PIECE_BYTES);
                  scene.party(role).wroteWhole();
                })
            .onlyIf(scene -> scene.loading(role) && !scene.written(role)));
  }

  Plot reset(Role role) {
    at.put(role, DeviceState.RUNNING);
    loaded.put(role, false);
    return step(role.text() + ": reset", scene -> scene.party(role).reset());
  }

  /** Reads what there is, some bytes at a time. */
  Plot drain(Role role, int pieceBytes) {
    return step(
        Step.of(
                "%s: read %d bytes at a time until nothing comes"
                    .formatted(role.text(), pieceBytes),
                scene -> drain(scene.party(role), pieceBytes))
            .onlyIf(scene -> scene.saving(role)));
  }

  static SaveStream.Status drain(Party party, int pieceBytes) throws MigrationException, Violation {
    if (pieceBytes < LARGE_BYTES) {
      ByteBuffer piece = ByteBuffer.allocateDirect(pieceBytes);
      for (int call = 0; call < MAX_TINY_CALLS; call++) {
        SaveStream.Status status = party.read(piece.clear());
        if (status != SaveStream.Status.DATA) {
          return status;
        }
      }
    }
    return party.drain(LARGE_BYTES);
  }

  /** Reads a stopped device's stream to its end and keeps it for the next load. */
  Plot finish(Role role, int pieceBytes) {
    return in(
        role,
        DeviceState.STOP_COPY,
        "%s: read %d bytes at a time to the end".formatted(role.text(), pieceBytes),
        scene -> {
          Party party = scene.party(role);
          if (drain(party, pieceBytes) != SaveStream.Status.END) {
            throw new Violation(
                "nothing-in-stop-copy",
                "read gave NOTHING_NOW in STOP_COPY, where only DATA and END are right");
          }
          scene.image(party.recording());
          scene.note(GUEST_SAVED, scene.hasGuest(role));
          party.saved(scene.image());
        });
  }

  /** Writes what was read last. */
  Plot load(Role role, int pieceBytes) {
    loaded.put(role, true);
    return step(
        Step.of(
                "%s: write it %d bytes at a time".formatted(role.text(), pieceBytes),
                scene -> {
                  Party party = scene.party(role);
                  write(party, scene.image(), pieceBytes);
                  party.wroteWhole();
                  party.loaded(scene.image());
                })
            .onlyIf(scene -> scene.loading(role) && scene.hasImage() && !scene.written(role)));
  }

  static void write(Party party, byte[] image, int pieceBytes)
      throws MigrationException, Violation {
    long tinyBytes = (long) pieceBytes * MAX_TINY_CALLS;
    if (image.length <= tinyBytes) {
      party.write(image, pieceBytes);
      return;
    }
    party.write(java.util.Arrays.copyOf(image, (int) tinyBytes), pieceBytes);
    party.write(java.util.Arrays.copyOfRange(image, (int) tinyBytes, image.length), LARGE_BYTES);
  }

  /** Stops a device and reads its stream to the end, which the next load takes. */
  Plot saves(Role role, int pieceBytes) {
    return go(role, DeviceState.STOP_COPY).finish(role, pieceBytes);
  }

  /** Loads what was saved last and proves it whole. */
  Plot loads(Role role, int pieceBytes) {
    return go(role, DeviceState.RESUMING).load(role, pieceBytes).arc(role, Arc.RESUMING_TO_STOP);
  }

  /** Loads the stream that was recorded before the checks and proves it whole. */
  Plot loadsGood(Role role) {
    return go(role, DeviceState.RESUMING).loadGood(role).arc(role, Arc.RESUMING_TO_STOP);
  }

  /** Goes to RESUMING and has a load refused. */
  Plot loadsRubbish(Role role) {
    return go(role, DeviceState.RESUMING)
        .in(
            role,
            DeviceState.RESUMING,
            role.text() + ": write rubbish and try to leave RESUMING",
            scene -> {
              Party party = scene.party(role);
              LoadStream stream = party.loading();
              byte[] rubbish = LoadChecks.rubbish(facts, RUBBISH_BYTES);
              party.touched();
              failure("write", () -> stream.write(ByteBuffer.wrap(rubbish)));
              failure("leave RESUMING", () -> party.device().perform(Arc.RESUMING_TO_STOP));
              party.look();
            });
  }

  /** Performs an arc in which an access fails, and looks what became of it. */
  Plot failing(Role role, Arc arc, int access, AfterFailure then) {
    String what = "perform " + arc;
    return perform(
        role,
        arc,
        "%s: %s, in which access number %d to the device fails"
            .formatted(role.text(), arc, access + 1),
        scene -> {
          Party party = scene.party(role);
          then.look(scene, party.failing(access, what, () -> party.device().perform(arc)));
        });
  }

  /** What is looked at after an arc in which an access failed. */
  @FunctionalInterface
  interface AfterFailure {
    void look(Scene scene, Optional<MigrationException> failure)
        throws MigrationException, Violation;
  }

  /** Uses a stream whose session has ended. */
  Plot useEnded(Role role, String kind) {
    return step(
        Step.of(
                role.text() + ": use the stream of the session that ended",
                scene -> useEnded(scene.party(role), kind))
            .onlyIf(scene -> !scene.saving(role) && !scene.loading(role)));
  }

  void useEnded(Party party, String kind) throws Violation {
    if (party.save().isPresent()) {
      SaveStream stream = party.saving();
      mustFail(
          "read",
          List.of(DeviceError.SESSION_CLOSED),
          "read-" + kind,
          () -> stream.read(ByteBuffer.allocateDirect(64)));
    }
    if (party.load().isPresent()) {
      LoadStream stream = party.loading();
      byte[] image = facts.image().get();
      mustFail(
          "write",
          List.of(DeviceError.SESSION_CLOSED),
          "write-" + kind,
          () -> stream.write(ByteBuffer.wrap(image, 0, Math.min(16, image.length))));
    }
  }

  Plot boot(Role role) {
    return step(
        Step.of(role.text() + ": boot the guest", scene -> scene.boot(role))
            .onlyIf(
                scene ->
                    scene.at(role) == DeviceState.RUNNING
                        && !scene.hasGuest(role)
                        && !hasStateOfGuest(scene, role)));
  }

  /** Whether a device has loaded the state of one that a guest had set up. */
  private static boolean hasStateOfGuest(Scene scene, Role role) {
    boolean guestSaved = scene.noted(GUEST_SAVED, Boolean.class).orElse(false);
    return guestSaved && scene.present(role).filter(one -> one.loaded() != null).isPresent();
  }

  Plot elapse(long nanos) {
    return step("let %s pass".formatted(time(nanos)), scene -> scene.elapse(nanos));
  }

  static String time(long nanos) {
    return nanos % 1_000_000 == 0 ? nanos / 1_000_000 + " ms" : nanos / 1_000 + " us";
  }

  /** Saves on one side and loads on the other; the guest, if there is one, comes along. */
  Plot move(Role from, Role to, boolean precopy) {
    if (precopy && facts.features().preCopy()) {
      go(from, DeviceState.PRE_COPY);
      drain(from, PIECE_BYTES);
      if (facts.guest()) {
        elapse(2_000_000);
      }
    }
    stop(from, 37_000);
    saves(from, PIECE_BYTES);
    if (!facts.subject().model()) {
      // The one piece of hardware starts anew as its own destination.
      at.put(to, DeviceState.RUNNING);
    }
    return loads(to, PIECE_BYTES);
  }

  /** Goes to the P2P state, where a device waits for the others, and lets it work on there. */
  Plot stop(Role role, long dwellNanos) {
    if (facts.features().p2p() && facts.guest() && at(role).running()) {
      go(role, at(role).saving() ? DeviceState.PRE_COPY_P2P : DeviceState.RUNNING_P2P);
      elapse(dwellNanos);
    }
    return this;
  }

  /** Takes the guest of the source along, before the destination runs. */
  Plot carry(Role from, Role to) {
    return step(
        Step.of("carry the guest's memory to the " + to.text(), scene -> scene.carryGuest(from, to))
            .onlyIf(scene -> scene.guestIsUpToDate(from) && scene.arrived(from, to)));
  }

  Plot forget(Role role) {
    at.remove(role);
    return step("close the " + role.text(), scene -> scene.forget(role));
  }

  /** Has the guest prove that nothing was lost. */
  Plot audit(Role role) {
    return step(
        Step.of(
                role.text() + ": the guest checks its memory and the device",
                scene -> {
                  GuestAudit.Verdict verdict = scene.guest(role).audit();
                  if (!verdict.violations().isEmpty()) {
                    throw new Violation(
                        "audit", "the guest found: " + String.join("; ", verdict.violations()));
                  }
                })
            .onlyIf(scene -> scene.guestIsUpToDate(role) && !scene.at(role).running()));
  }

  /** Expects the state. */
  Plot expect(Role role, DeviceState state, String kind) {
    return in(
        role,
        state,
        role.text() + ": state() says " + state,
        scene -> scene.party(role).expect(state, kind, "now"));
  }

  /** A call that must fail with one of some codes. */
  static MigrationException mustFail(
      String what, List<DeviceError> codes, String kind, Party.Act act) throws Violation {
    Optional<MigrationException> failure = failure(what, act);
    if (failure.isEmpty()) {
      throw new Violation(kind, what + " went through, but must fail with " + codes);
    }
    checkCode(what, failure.get(), codes, kind + "-code");
    return failure.get();
  }

  static void checkCode(
      String what, MigrationException failure, List<DeviceError> codes, String kind)
      throws Violation {
    if (!(failure.code() instanceof DeviceError code) || !codes.contains(code)) {
      throw new Violation(
          kind,
          "%s failed with %s, but must fail with %s; it said: %s"
              .formatted(what, failure.code().name(), codes, failure.detail()));
    }
  }

  static Optional<MigrationException> failure(String what, Party.Act act) throws Violation {
    try {
      Party.act(what, act);
      return Optional.empty();
    } catch (MigrationException e) {
      return Optional.of(e);
    }
  }
}
