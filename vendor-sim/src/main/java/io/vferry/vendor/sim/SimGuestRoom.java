package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A device that the guest has a driver for, with the pages that are the driver's alone. Under the
 * lock of the machine.
 */
final class SimGuestRoom implements GuestRoom {

  /** As {@link GuestDriver#save} promises. */
  private static final int MAX_STATE_BYTES = 1 << 20;

  private static final int MAX_VIOLATIONS = 16;
  private static final int MAX_VIOLATION_CHARS = 200;
  private static final int MAX_TEXT_BYTES = 1024;
  private static final int MAX_ID_BYTES = 256;

  /**
   * What travels with the platform.
   *
   * @param placedAddress where the device's peers write, 0 if nowhere
   * @param violations what the machine saw go wrong
   * @param state what the driver knows
   */
  record Saved(
      String id,
      long placedAddress,
      long placedBytes,
      int firstPage,
      int pages,
      List<String> violations,
      ByteBuffer state) {

    void encode(SimWriter out) {
      out.text(id).u64(placedAddress).u64(placedBytes).u32(firstPage).u32(pages);
      out.u32(violations.size());
      violations.forEach(out::text);
      byte[] bytes = new byte[state.remaining()];
      state.duplicate().get(bytes);
      out.u32(bytes.length).bytes(bytes);
    }

    static Saved decode(SimReader in, SimGuestMemory memory, boolean booted)
        throws MigrationException {
      String id = in.text("device id", MAX_ID_BYTES);
      long placedAddress = in.u64("address of a region", 0, Long.MAX_VALUE);
      long placedBytes = in.u64("length of a region", 0, Long.MAX_VALUE);
      int firstPage = in.u32("first page of a driver", 0, memory.pages());
      int pages = in.u32("pages of a driver", 0, booted ? memory.pages() - firstPage : 0);
      if (firstPage < memory.lowPages() && firstPage + pages > memory.lowPages()) {
        throw in.corrupt("the pages of the driver of " + id + " lie on both sides of a hole");
      }
      List<String> violations = new ArrayList<>();
      int count = in.u32("violations", 0, MAX_VIOLATIONS);
      for (int violation = 0; violation < count; violation++) {
        violations.add(in.text("violation", MAX_TEXT_BYTES));
      }
      int length = in.u32("length of what a driver knows", 0, booted ? MAX_STATE_BYTES : 0);
      ByteBuffer state = ByteBuffer.wrap(in.bytes("what a driver knows", length));
      return new Saved(id, placedAddress, placedBytes, firstPage, pages, violations, state);
    }

    boolean overlaps(Saved other) {
      return firstPage < other.firstPage + other.pages && other.firstPage < firstPage + pages;
    }
  }

  private final SimGuest guest;
  private final String id;
  private final HostDevice device;
  private final GuestSoftware software;
  private final Optional<PlacedRegion> placed;
  private final GuestDriver driver;
  private final List<String> violations = new ArrayList<>();
  private int firstPage;
  private int pages;

  SimGuestRoom(
      SimGuest guest,
      String id,
      HostDevice device,
      GuestSoftware software,
      Optional<PlacedRegion> placed)
      throws MigrationException {
    this.guest = guest;
    this.id = id;
    this.device = device;
    this.software = software;
    this.placed = placed;
    this.driver = software.install(this);
  }

  Optional<PlacedRegion> placed() {
    return placed;
  }

  GuestDriver driver() {
    return driver;
  }

  List<String> violations() {
    return List.copyOf(violations);
  }

  /** Returns the number of the first page, counted without holes. */
  int firstPage() {
    return firstPage;
  }

  int pages() {
    return pages;
  }

  /** Returns how many pages the driver asks for; more than there can be if it asks for too much. */
  int pagesWished() throws MigrationException {
    long bytes = software.memoryBytes();
    if (bytes < 0) {
      throw new MigrationException(
          DeviceError.DRIVER_BROKEN,
          "the guest's software for device %s asks for %d bytes of memory".formatted(id, bytes));
    }
    long whole = (bytes >> SimPattern.PAGE_SHIFT) + (bytes % SimPattern.PAGE_BYTES > 0 ? 1 : 0);
    return (int) Math.min(whole, Integer.MAX_VALUE / SimGuest.MAX_DEVICES);
  }

  /** Gives the driver its pages and zeroes them. */
  void place(int first, int count) {
    firstPage = first;
    pages = count;
    for (int page = first; page < first + count; page++) {
      guest.memory().page(page).put(new byte[SimPattern.PAGE_BYTES]);
      guest.memory().written(page);
    }
  }

  void tick(long elapsedNanos) {
    try {
      driver.tick(elapsedNanos);
    } catch (MigrationException e) {
      violated("the guest could not use the device: " + e.detail());
    } catch (RuntimeException e) {
      violated("the guest's driver failed: " + e);
    }
  }

  private void violated(String what) {
    String text =
        what.length() > MAX_VIOLATION_CHARS ? what.substring(0, MAX_VIOLATION_CHARS) : what;
    if (violations.size() < MAX_VIOLATIONS && !violations.contains(text)) {
      violations.add(text);
    }
  }

  /**
   * Returns what travels.
   *
   * @param booted whether the driver knows anything yet
   */
  Saved save(boolean booted) throws MigrationException {
    // The device has stopped; what it raised before is on its way to the driver.
    device.interrupts().settle();
    ByteBuffer state = booted ? driver.save() : ByteBuffer.allocate(0);
    if (state.remaining() > MAX_STATE_BYTES) {
      throw new MigrationException(
          DeviceError.DRIVER_BROKEN,
          "the guest's driver of device %s saved %d bytes; it may save %d"
              .formatted(id, state.remaining(), MAX_STATE_BYTES));
    }
    return new Saved(
        id, placedAddress(), placedBytes(), firstPage, pages, List.copyOf(violations), state);
  }

  private long placedAddress() {
    return placed.map(PlacedRegion::guestAddress).orElse(0L);
  }

  private long placedBytes() {
    return placed.map(PlacedRegion::lengthBytes).orElse(0L);
  }

  /** Whether this is the same device in the same place. */
  boolean fits(Saved saved) {
    return saved.id().equals(id)
        && saved.placedAddress() == placedAddress()
        && saved.placedBytes() == placedBytes();
  }

  void load(Saved saved, boolean booted) throws MigrationException {
    firstPage = saved.firstPage();
    pages = saved.pages();
    violations.clear();
    violations.addAll(saved.violations());
    if (booted) {
      driver.load(saved.state().asReadOnlyBuffer());
    }
  }

  GuestAudit.Verdict audit() throws MigrationException {
    device.interrupts().settle();
    return driver.audit();
  }

  @Override
  public String deviceId() {
    return id;
  }

  @Override
  public HostDevice device() {
    return device;
  }

  @Override
  public long memoryAddress() {
    return pages == 0 ? 0 : guest.memory().addressOf(firstPage);
  }

  @Override
  public long memoryBytes() {
    return (long) pages << SimPattern.PAGE_SHIFT;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    check(offset, into.remaining());
    for (long at = offset; into.hasRemaining(); ) {
      ByteBuffer piece = piece(at, into.remaining());
      at += piece.remaining();
      into.put(piece);
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    check(offset, from.remaining());
    for (long at = offset; from.hasRemaining(); ) {
      ByteBuffer piece = piece(at, from.remaining());
      int length = piece.remaining();
      piece.put(from.slice().limit(length));
      from.position(from.position() + length);
      guest.memory().written(page(at));
      at += length;
    }
  }

  private int page(long offset) {
    return firstPage + (int) (offset >> SimPattern.PAGE_SHIFT);
  }

  /** Returns the memory from an offset to the end of its page, or less. */
  private ByteBuffer piece(long offset, int most) {
    int inPage = (int) (offset % SimPattern.PAGE_BYTES);
    int length = Math.min(most, SimPattern.PAGE_BYTES - inPage);
    return guest.memory().page(page(offset)).slice(inPage, length);
  }

  private void check(long offset, int length) throws MigrationException {
    if (offset < 0 || offset > memoryBytes() - length) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "%d bytes at offset %d are not inside the %d bytes of the guest's driver of device %s"
              .formatted(length, offset, memoryBytes(), id));
    }
  }

  @Override
  public List<PlacedRegion> peers() {
    return guest.peersOf(id);
  }

  @Override
  public Optional<GuestDriver> driver(String otherId) {
    return guest.room(otherId).map(SimGuestRoom::driver);
  }
}
