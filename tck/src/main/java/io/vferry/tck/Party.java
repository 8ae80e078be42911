package io.vferry.tck;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One device of a sequence with its driver, and what the kit knows about it. */
final class Party {

  /** A call of the driver. */
  @FunctionalInterface
  interface Call<T> {
    T run() throws MigrationException;
  }

  /** A call of the driver that gives nothing. */
  @FunctionalInterface
  interface Act {
    void run() throws MigrationException;
  }

  /** More bytes than this without an end are taken for a stream without one. */
  private static final int MAX_STREAM_BYTES = 1 << 30;

  private final Role role;
  private final HostDevice host;
  private final DriverWatch watch;
  private final MigratableDevice device;
  private final ByteArrayOutputStream recorded = new ByteArrayOutputStream();
  private DeviceState at;
  private @Nullable SaveStream save;
  private @Nullable LoadStream load;
  private boolean written;
  private boolean whole;
  private boolean guestIsBehind;
  private byte @Nullable [] saved;
  private byte @Nullable [] loaded;
  private @Nullable Guest guest;

  private Party(
      Role role, HostDevice host, DriverWatch watch, MigratableDevice device, DeviceState at) {
    this.role = role;
    this.host = host;
    this.watch = watch;
    this.device = device;
    this.at = at;
  }

  static Party attach(Role role, HostDevice host, MigrationDriver driver)
      throws MigrationException, Violation {
    DriverWatch watch = new DriverWatch();
    MigratableDevice device = call("attach", () -> driver.attach(new ObservedHost(host, watch)));
    Party party = new Party(role, host, watch, device, DeviceState.RUNNING);
    party.at = party.state();
    return party;
  }

  /** Calls the driver; what it must never throw or return becomes a violation. */
  static <T> T call(String what, Call<? extends @Nullable T> call)
      throws MigrationException, Violation {
    @Nullable T result;
    try {
      result = call.run();
    } catch (RuntimeException
        | LinkageError
        | AssertionError
        | StackOverflowError
        | OutOfMemoryError e) {
      throw new Violation(
          "unchecked", "%s threw %s, which must not leave a driver".formatted(what, e), e);
    } catch (MigrationException e) {
      if (e.code() == DeviceError.DRIVER_BROKEN) {
        throw new Violation("unchecked", "%s: %s".formatted(what, e.detail()), e);
      }
      throw e;
    }
    if (result == null) {
      throw new Violation("null", what + " returned null");
    }
    return result;
  }

  static void act(String what, Act act) throws MigrationException, Violation {
    call(
        what,
        () -> {
          act.run();
          return what;
        });
  }

  Role role() {
    return role;
  }

  HostDevice host() {
    return host;
  }

  AccessTap tap() {
    return watch.tap();
  }

  Ledger ledger() {
    return watch.ledger();
  }

  MigratableDevice device() {
    return device;
  }

  /** Returns where the device is, as the kit last saw it. */
  DeviceState at() {
    return at;
  }

  Optional<SaveStream> save() {
    return Optional.ofNullable(save);
  }

  Optional<LoadStream> load() {
    return Optional.ofNullable(load);
  }

  Optional<Guest> guest() {
    return Optional.ofNullable(guest);
  }

  void guest(Guest installed) {
    guest = installed;
    guestIsBehind = false;
    installed.guard().at(at);
  }

  /** Ends the guest's software, so that another one can be installed. */
  void endGuest() throws MigrationException {
    Guest ended = guest;
    guest = null;
    if (ended != null) {
      ended.close();
    }
  }

  SaveStream saving() throws Violation {
    return save().orElseThrow(() -> new Violation("no-stream", "there is no save stream"));
  }

  LoadStream loading() throws Violation {
    return load().orElseThrow(() -> new Violation("no-stream", "there is no load stream"));
  }

  <T> Optional<T> capability(Class<T> type) throws MigrationException, Violation {
    return call("capability", () -> device.capability(type));
  }

  /** Asks the driver for the state. */
  DeviceState state() throws MigrationException, Violation {
    return call("state", device::state);
  }

  /** Asks for the state; empty if the driver says that the device cannot be asked. */
  Optional<DeviceState> stateIfKnown() throws MigrationException, Violation {
    try {
      return Optional.of(state());
    } catch (MigrationException e) {
      if (e.code() == DeviceError.IO_FAILED || e.code() == DeviceError.DEVICE_LOST) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Takes the driver's word for where the device is. */
  DeviceState look() throws MigrationException, Violation {
    at = state();
    guest().ifPresent(one -> one.guard().at(at));
    return at;
  }

  void expect(DeviceState expected, String kind, String when) throws MigrationException, Violation {
    DeviceState now = state();
    if (now != expected) {
      throw new Violation(
          kind, "%s state() says %s, but must say %s".formatted(when, now, expected));
    }
  }

  /** Performs an arc and checks what it gives and where the device is then. */
  void perform(Arc arc) throws MigrationException, Violation {
    guest().ifPresent(one -> one.guard().moving(arc));
    ArcOutcome outcome;
    try {
      outcome = call("perform " + arc, () -> device.perform(arc));
    } catch (MigrationException | Violation e) {
      guest().ifPresent(one -> one.guard().at(at));
      throw e;
    }
    if (outcome instanceof ArcOutcome.Saving saving && arc.opensSaveStream()) {
      save = saving.stream();
      recorded.reset();
    } else if (outcome instanceof ArcOutcome.Loading loading && arc.opensLoadStream()) {
      load = loading.stream();
      written = false;
      whole = false;
      loaded = null;
    } else if (!(outcome instanceof ArcOutcome.Done)
        || arc.opensSaveStream()
        || arc.opensLoadStream()) {
      throw new Violation(
          "outcome", arc + " gave " + outcome.getClass().getSimpleName() + ", which is wrong");
    }
    expect(arc.to(), "state-after-arc", "after " + arc);
    at = arc.to();
    if (at.running()) {
      saved = null;
    }
    guest().ifPresent(one -> one.guard().at(at));
  }

  /** Calls the driver, and one of its accesses to the device fails; returns how the call failed. */
  Optional<MigrationException> failing(int access, String what, Act act) throws Violation {
    tap().failAt(access);
    try {
      return Plot.failure(what, act);
    } finally {
      tap().stop();
    }
  }

  /** Some calls of the kit itself that use the driver. */
  @FunctionalInterface
  interface Steps {
    void run() throws MigrationException, Violation;
  }

  /** As {@link #failing}, for more than one call of the driver. */
  Optional<MigrationException> failingSteps(int access, Steps steps) throws Violation {
    tap().failAt(access);
    try {
      steps.run();
      return Optional.empty();
    } catch (MigrationException e) {
      return Optional.of(e);
    } finally {
      tap().stop();
    }
  }

  /** Resets by the driver and checks where the device is then. */
  void reset() throws MigrationException, Violation {
    act("reset", device::reset);
    expect(DeviceState.RUNNING, "state-after-reset", "after reset");
    at = DeviceState.RUNNING;
    saved = null;
    loaded = null;
    guestIsBehind = true;
    guest().ifPresent(one -> one.guard().at(at));
  }

  /** Reads once; what was read goes to the recording. */
  SaveStream.Status read(ByteBuffer into) throws MigrationException, Violation {
    int before = into.position();
    SaveStream stream = saving();
    SaveStream.Status status = call("read", () -> stream.read(into));
    int count = into.position() - before;
    if ((status == SaveStream.Status.DATA) != (count > 0)) {
      throw new Violation(
          "position", "read gave %s and moved the position by %d".formatted(status, count));
    }
    byte[] bytes = new byte[count];
    into.get(before, bytes);
    recorded.writeBytes(bytes);
    return status;
  }

  /** Reads pieces until there is nothing now, or nothing any more. */
  SaveStream.Status drain(int pieceBytes) throws MigrationException, Violation {
    ByteBuffer piece = ByteBuffer.allocateDirect(pieceBytes);
    while (true) {
      piece.clear();
      SaveStream.Status status = read(piece);
      if (status != SaveStream.Status.DATA) {
        return status;
      }
      if (recorded.size() > MAX_STREAM_BYTES) {
        throw new Violation("no-end", "the save stream did not end after 1 GiB");
      }
    }
  }

  /** Reads the rest of the stream of a stopped device. */
  byte[] finish(int pieceBytes) throws MigrationException, Violation {
    if (drain(pieceBytes) != SaveStream.Status.END) {
      throw new Violation(
          "nothing-in-stop-copy",
          "read gave NOTHING_NOW in STOP_COPY, where only DATA and END are right");
    }
    return recorded.toByteArray();
  }

  /** Remembers the whole stream that was read of this device. */
  void saved(byte[] image) {
    saved = image;
  }

  /** Returns the last stream of this device, if it has not run since. */
  byte @Nullable [] saved() {
    return saved;
  }

  /** Remembers the whole stream that was written to this device. */
  void loaded(byte[] image) {
    loaded = image;
    guestIsBehind = true;
  }

  /** Returns the stream that this device has loaded, or is about to. */
  byte @Nullable [] loaded() {
    return at == DeviceState.RESUMING ? null : loaded;
  }

  byte[] recording() {
    return recorded.toByteArray();
  }

  /** Whether anything was written since RESUMING was entered. */
  boolean written() {
    return written;
  }

  /** Says that something was written to the load stream. */
  void touched() {
    written = true;
  }

  /** Whether a whole stream was written since RESUMING was entered, and nothing else. */
  boolean whole() {
    return whole;
  }

  /** Says that what was written is a whole stream. */
  void wroteWhole() {
    whole = true;
  }

  /** Whether the guest has not yet noticed a reset of the device, or a load. */
  boolean guestIsBehind() {
    return guestIsBehind;
  }

  /** Says that the guest worked. */
  void guestWorked() {
    guestIsBehind = false;
  }

  /** Writes all of it, cut into pieces. */
  void write(byte[] image, int pieceBytes) throws MigrationException, Violation {
    LoadStream stream = loading();
    written = true;
    for (int offset = 0; offset < image.length; offset += pieceBytes) {
      int length = Math.min(pieceBytes, image.length - offset);
      ByteBuffer piece = ByteBuffer.allocateDirect(length).put(image, offset, length).flip();
      act("write", () -> stream.write(piece));
      if (piece.hasRemaining()) {
        throw new Violation(
            "write-position", "write returned and left %d bytes".formatted(piece.remaining()));
      }
    }
  }

  /** Lets go of the driver only. */
  void detach() throws MigrationException, Violation {
    act("close", device::close);
  }

  /** Lets go of everything; failures do not count here. */
  void abandon() {
    if (guest != null) {
      quietly(guest);
    }
    quietly(device);
    quietly(host);
  }

  private static void quietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception | LinkageError e) {
      // The check that is about closing sees this; here it would hide what was found before.
      return;
    }
  }
}
