package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What runs on the vCPUs: the writers of numbered pages, and the drivers of the plugged devices.
 * Under the lock of the machine.
 */
final class SimGuest {

  static final int MAX_DEVICES = 64;

  private static final int MAX_WRITES = 16384;

  /** Below 4 GiB, above the low memory, where a PC has its devices. */
  private static final long PLACED_START = 0xc0000000L;

  /** Where the window of message-signalled interrupts begins. */
  private static final long PLACED_END = 0xfee00000L;

  private static final long PLACED_STRIDE = 0x10000L;

  private final String name;
  private final SimGuestMemory memory;
  private final SimPattern pattern = new SimPattern();
  private final Map<String, Optional<SimGuestRoom>> plugged = new LinkedHashMap<>();
  private final SimRate writes;
  private SimPlatform platform;
  private long nextPlaced = PLACED_START;

  SimGuest(String name, SimGuestMemory memory, SimVmSettings settings) {
    this.name = name;
    this.memory = memory;
    this.writes = new SimRate((double) settings.dirtyBytesPerSecond() / SimPattern.PAGE_BYTES);
    this.platform =
        SimPlatform.fresh(
            settings.seed(),
            memory.pages(),
            (int) (settings.workingSetBytes() >> SimPattern.PAGE_SHIFT),
            settings.vcpus(),
            settings.peers());
  }

  SimGuestMemory memory() {
    return memory;
  }

  SimPlatform platform() {
    return platform;
  }

  private List<SimGuestRoom> rooms() {
    return plugged.values().stream().flatMap(Optional::stream).toList();
  }

  Optional<SimGuestRoom> room(String id) {
    return plugged.getOrDefault(id, Optional.empty());
  }

  /** Takes a device, and a driver for it if there is one. */
  void plug(String id, HostDevice device) throws MigrationException {
    if (plugged.containsKey(id)) {
      throw refused("device %s cannot be plugged into %s: the name is taken".formatted(id, name));
    }
    if (plugged.size() >= MAX_DEVICES) {
      throw refused("device %s is too many: %s takes %d".formatted(id, name, MAX_DEVICES));
    }
    Optional<GuestSoftware> software = device.capability(GuestSoftware.class);
    if (software.isEmpty()) {
      plugged.put(id, Optional.empty());
      return;
    }
    Optional<Integer> region = software.get().peerRegion();
    Optional<PlacedRegion> placed =
        region.isPresent() ? Optional.of(place(id, device, region.get())) : Optional.empty();
    plugged.put(id, Optional.of(new SimGuestRoom(this, id, device, software.get(), placed)));
    placed.ifPresent(where -> nextPlaced = where.guestAddress() + where.lengthBytes());
  }

  /** Finds a place for a region, on a multiple of its size as a PC does it. */
  private PlacedRegion place(String id, HostDevice device, int index) throws MigrationException {
    RegionInfo info = device.region(index).info();
    long bytes = info.sizeBytes();
    if (bytes <= 0 || bytes % SimPattern.PAGE_BYTES != 0 || bytes > PLACED_END - PLACED_START) {
      throw refused(
          "region %d of device %s has %d bytes; for its peers it must be whole pages, at most %d"
              .formatted(index, id, bytes, PLACED_END - PLACED_START));
    }
    long stride = Math.max(PLACED_STRIDE, Long.highestOneBit(bytes * 2 - 1));
    long address = (nextPlaced + stride - 1) / stride * stride;
    if (address > PLACED_END - bytes) {
      throw refused("no room is left in %s for region %d of device %s".formatted(name, index, id));
    }
    return new PlacedRegion(id, index, address, bytes);
  }

  List<PlacedRegion> placedRegions() {
    return rooms().stream().flatMap(room -> room.placed().stream()).toList();
  }

  /** Returns where a device reaches those that it writes to. */
  List<PlacedRegion> peersOf(String id) {
    List<PlacedRegion> peers = new ArrayList<>();
    for (SimVmSettings.Peering peering : platform.peers) {
      if (peering.from().equals(id)) {
        room(peering.to()).flatMap(SimGuestRoom::placed).ifPresent(peers::add);
      }
    }
    return peers;
  }

  /** Gives each driver its memory and lets it set its device up; does nothing the second time. */
  void boot() throws MigrationException {
    if (platform.booted) {
      return;
    }
    for (SimVmSettings.Peering peering : platform.peers) {
      if (!plugged.containsKey(peering.from()) || !plugged.containsKey(peering.to())) {
        throw refused(
            "the peers %s and %s of %s are not both plugged"
                .formatted(peering.from(), peering.to(), name));
      }
    }
    placeRooms();
    for (SimGuestRoom room : rooms()) {
      room.driver().boot();
    }
    platform.booted = true;
    for (int index = 0; index < platform.workingPages; index++) {
      write(platform.workingPage(index));
    }
  }

  private void placeRooms() throws MigrationException {
    int high = memory.pages();
    int low = memory.lowPages();
    int wished = 0;
    // In turn, so that devices work on both sides of the hole.
    boolean inHigh = true;
    for (SimGuestRoom room : rooms()) {
      int pages = room.pagesWished();
      wished += pages;
      int first = (inHigh ? high : low) - pages;
      if (first < (inHigh ? memory.lowPages() : 0)) {
        throw refused(
            "the devices of %s need more than %d pages of its %d; give it more memory"
                .formatted(name, wished, memory.pages()));
      }
      if (inHigh) {
        high = first;
      } else {
        low = first;
      }
      room.place(first, pages);
      inHigh = !inHigh;
    }
  }

  /** Does the vCPUs' work. */
  void tick(long elapsedNanos) {
    int count = writes.due(elapsedNanos, MAX_WRITES);
    for (int write = 0; write < count && platform.workingPages > 0; write++) {
      write(platform.nextPage());
    }
    for (SimGuestRoom room : rooms()) {
      room.tick(elapsedNanos);
    }
  }

  private void write(int page) {
    if (reserved(page)) {
      return;
    }
    platform.versions[page]++;
    platform.writes++;
    pattern.fill(
        memory.page(page),
        0,
        SimPattern.PAGE_BYTES,
        platform.writer(),
        page,
        platform.versions[page]);
    memory.written(page);
  }

  private boolean reserved(int page) {
    for (Optional<SimGuestRoom> room : plugged.values()) {
      if (room.isPresent()
          && page >= room.get().firstPage()
          && page < room.get().firstPage() + room.get().pages()) {
        return true;
      }
    }
    return false;
  }

  ByteBuffer save() throws MigrationException {
    List<SimGuestRoom.Saved> saved = new ArrayList<>();
    for (SimGuestRoom room : rooms()) {
      saved.add(room.save(platform.booted));
    }
    return platform.encode(saved);
  }

  /** Reads a platform state and compares it with what is plugged; changes nothing. */
  SimPlatform.Saved read(ByteBuffer state) throws MigrationException {
    SimPlatform.Saved saved = SimPlatform.decode(state, memory);
    List<SimGuestRoom> rooms = rooms();
    List<SimGuestRoom.Saved> came = saved.rooms();
    for (int index = 0; index < Math.max(rooms.size(), came.size()); index++) {
      if (index >= rooms.size()) {
        throw differentDevices(came.get(index).id());
      }
      if (index >= came.size() || !rooms.get(index).fits(came.get(index))) {
        throw differentDevices(rooms.get(index).deviceId());
      }
      for (SimGuestRoom.Saved other : came.subList(0, index)) {
        if (other.overlaps(came.get(index))) {
          throw new MigrationException(
              DeviceError.DATA_CORRUPT,
              "the platform state gives the drivers of %s and %s the same pages"
                  .formatted(other.id(), came.get(index).id()));
        }
      }
    }
    return saved;
  }

  /**
   * Takes over what {@link #read} gave.
   *
   * @throws MigrationException if a driver refused; some of it is taken over, and the guest cannot
   *     run
   */
  void load(SimPlatform.Saved saved) throws MigrationException {
    platform = saved.platform();
    List<SimGuestRoom> rooms = rooms();
    for (int index = 0; index < rooms.size(); index++) {
      rooms.get(index).load(saved.rooms().get(index), platform.booted);
    }
  }

  private MigrationException differentDevices(String id) {
    return new MigrationException(
        DeviceError.DATA_INCOMPATIBLE,
        ("the platform state and the devices plugged into %s differ at device %s; plug the same"
                + " devices in the same order")
            .formatted(name, id));
  }

  private static MigrationException refused(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, what);
  }

  GuestAudit.Verdict audit() throws MigrationException {
    return new SimGuestAudit(memory, pattern, platform, rooms()).verdict();
  }

  /** Has all drivers stop listening to their devices. */
  void close() throws MigrationException {
    List<SimGuestRoom> rooms = rooms();
    plugged.clear();
    MigrationException failure = null;
    for (SimGuestRoom room : rooms) {
      try {
        room.driver().close();
      } catch (MigrationException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
