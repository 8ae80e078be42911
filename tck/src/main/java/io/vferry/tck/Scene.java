package io.vferry.tck;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.vm.PlacedRegion;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The devices of one run of a sequence, and what was found while it ran. */
final class Scene implements AutoCloseable {

  private static final long SLICE_NANOS = 500_000;
  private static final byte[] NOTHING = new byte[0];

  private final Subject subject;
  private final Limits limits;
  private final HostClock clock;
  private final Map<Role, Party> parties = new EnumMap<>(Role.class);
  private final Map<Role, PeerTap> peers = new EnumMap<>(Role.class);
  private final Map<String, Object> notes = new java.util.HashMap<>();
  private byte[] image = NOTHING;
  private @Nullable Arc refused;

  Scene(Subject subject, Limits limits) {
    this.subject = subject;
    this.limits = limits;
    this.clock = subject.model() ? new VirtualClock() : new SystemHostClock(Scene::daemon);
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "vferry-tck-clock");
    thread.setDaemon(true);
    return thread;
  }

  /** Returns the clock with which devices are opened. */
  HostClock clock() {
    return clock;
  }

  Subject subject() {
    return subject;
  }

  Limits limits() {
    return limits;
  }

  /** Chooses the arc that the device in the role REFUSING refuses. */
  void refuse(Arc arc) {
    refused = arc;
  }

  /** Returns the last stream that was read to its end. */
  byte[] image() {
    return image;
  }

  void image(byte[] stream) {
    image = stream;
  }

  boolean hasImage() {
    return image.length > 0;
  }

  /** Whether a device has loaded what was saved last of another one, which has not run since. */
  boolean arrived(Role from, Role to) {
    boolean still = hasImage() && present(from).filter(party -> party.saved() == image).isPresent();
    return still && present(to).filter(party -> party.loaded() == image).isPresent();
  }

  /** Remembers something for a later step. */
  void note(String key, Object value) {
    notes.put(key, value);
  }

  <T> Optional<T> noted(String key, Class<T> type) {
    return Optional.ofNullable(notes.get(key)).filter(type::isInstance).map(type::cast);
  }

  Optional<Party> present(Role role) {
    return Optional.ofNullable(parties.get(role));
  }

  /** Returns where a device is; it counts as RUNNING before it is opened. */
  DeviceState at(Role role) {
    Party party = parties.get(role);
    return party == null ? DeviceState.RUNNING : party.at();
  }

  boolean saving(Role role) {
    Party party = parties.get(role);
    return party != null && party.save().isPresent() && party.at().saving();
  }

  boolean loading(Role role) {
    Party party = parties.get(role);
    return party != null && party.load().isPresent() && party.at() == DeviceState.RESUMING;
  }

  /** Whether anything was written since RESUMING was entered. */
  boolean written(Role role) {
    return present(role).filter(Party::written).isPresent();
  }

  private boolean whole(Role role) {
    return present(role).filter(Party::whole).isPresent();
  }

  /** Whether the guest knows what became of its device. */
  boolean guestIsUpToDate(Role role) {
    return hasGuest(role) && present(role).filter(Party::guestIsBehind).isEmpty();
  }

  /** Whether an arc can be expected to succeed now: RESUMING is not left without data. */
  boolean ready(Role role, Arc arc) {
    return at(role) == arc.from() && (arc != Arc.RESUMING_TO_STOP || whole(role));
  }

  /** Returns a device with its driver; opens it when it is first asked for. */
  Party party(Role role) throws MigrationException, Violation {
    Party known = parties.get(role);
    if (known != null) {
      return known;
    }
    if (!subject.model()) {
      // There is one piece of hardware, which cannot be open twice.
      parties.values().forEach(Party::abandon);
      parties.clear();
    }
    HostDevice host = open(role);
    Party party;
    try {
      party = Party.attach(role, host, subject.driver());
    } catch (MigrationException | Violation e) {
      host.close();
      throw e;
    }
    parties.put(role, party);
    if (party.at() != DeviceState.RUNNING) {
      throw new Violation(
          "not-running",
          "a device that was just opened is in %s, but must be RUNNING".formatted(party.at()));
    }
    return party;
  }

  /** Opens the device in a role without its driver, which the caller closes. */
  HostDevice open(Role role) throws MigrationException {
    OpenContext context = new OpenContext(role.text(), clock);
    Optional<HostDevice> host =
        switch (role) {
          case SOURCE, DESTINATION -> Optional.of(subject.open(context));
          case FOREIGN -> subject.openForeign(context);
          case NEWER -> subject.openNewer(context);
          case REFUSING ->
              refused == null ? Optional.empty() : subject.openRefusing(refused, context);
        };
    return host.orElseThrow(
        () -> new MigrationException(DeviceError.OPEN_FAILED, "there is no device as " + role));
  }

  /** Gives up a device, as after a move, so that the next use opens a fresh one. */
  void forget(Role role) {
    Party party = parties.remove(role);
    if (party != null) {
      party.abandon();
    }
  }

  /** Boots the guest's software on a device. */
  void boot(Role role) throws MigrationException, Violation {
    Party party = party(role);
    Guest guest = Guest.install(party.host());
    party.guest(guest);
    guest.driver().boot();
  }

  /** Installs the guest's software on two devices that can reach each other, and boots both. */
  void bootPeers() throws MigrationException, Violation {
    Party source = party(Role.SOURCE);
    Party destination = party(Role.DESTINATION);
    Guest.Neighbours neighbours = this::driver;
    source.guest(
        Guest.install(source.host(), Role.SOURCE.text(), place(source, destination), neighbours));
    destination.guest(
        Guest.install(
            destination.host(), Role.DESTINATION.text(), place(destination, source), neighbours));
    source.guest().orElseThrow().driver().boot();
    destination.guest().orElseThrow().driver().boot();
  }

  private Optional<GuestDriver> driver(String deviceId) {
    return parties.values().stream()
        .filter(party -> party.role().text().equals(deviceId))
        .flatMap(party -> party.guest().stream())
        .map(Guest::driver)
        .findFirst();
  }

  private List<PlacedRegion> place(Party own, Party other) throws MigrationException {
    GuestSoftware software = own.host().capability(GuestSoftware.class).orElseThrow();
    int index =
        other
            .host()
            .capability(GuestSoftware.class)
            .flatMap(GuestSoftware::peerRegion)
            .orElseThrow();
    PeerTap tap = new PeerTap(other.host().region(index));
    peers.put(other.role(), tap);
    long address = Guest.peerAddress(own.host(), software);
    long length = tap.info().sizeBytes();
    own.host().dma().mapPeer(address, tap, new io.vferry.spi.memory.MemoryRange(0, length));
    return List.of(new PlacedRegion(other.role().text(), index, address, length));
  }

  /** Returns how many writes of its peer reached a device. */
  long arrivedAt(Role role) {
    PeerTap tap = peers.get(role);
    return tap == null ? 0 : tap.writes();
  }

  /** Moves the guest with its memory from one stopped device to the other. */
  void carryGuest(Role from, Role to) throws MigrationException, Violation {
    Guest old = guest(from);
    Party party = party(to);
    party.endGuest();
    Guest arrived = Guest.install(party.host());
    party.guest(arrived);
    party(from).host().interrupts().settle();
    arrived.fill(old.snapshot());
    arrived.driver().load(old.driver().save());
    party(from).endGuest();
  }

  Guest guest(Role role) throws Violation {
    return present(role)
        .flatMap(Party::guest)
        .orElseThrow(() -> new Violation("no-guest", "there is no guest on the " + role.text()));
  }

  boolean hasGuest(Role role) {
    return present(role).flatMap(Party::guest).isPresent();
  }

  /** Lets time pass; guests whose device operates without limits work meanwhile. */
  void elapse(long nanos) throws MigrationException {
    long left = nanos;
    while (left > 0) {
      long slice = Math.min(left, SLICE_NANOS);
      left -= slice;
      pass(slice);
      for (Party party : new ArrayList<>(parties.values())) {
        Guest guest = party.guest().orElse(null);
        boolean usable = party.at() == DeviceState.RUNNING || party.at() == DeviceState.PRE_COPY;
        if (guest != null && usable) {
          guest.driver().tick(slice);
          party.guestWorked();
        }
      }
    }
  }

  private void pass(long nanos) throws MigrationException {
    try {
      clock.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(DeviceError.INTERRUPTED, "the kit was interrupted", e);
    }
  }

  @Override
  public void close() {
    parties.values().forEach(Party::abandon);
    parties.clear();
    if (clock instanceof SystemHostClock real) {
      real.close();
    }
  }
}
