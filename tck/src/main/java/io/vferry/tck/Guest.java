package io.vferry.tck;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.access.GuardedHostDevice;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/** The guest's driver of one device, with memory of its own behind the device's DMA. */
final class Guest implements AutoCloseable {

  /** Where an address needs more than 32 bits, and both halves of it say something. */
  private static final long HIGH = (5L << 32) + (16L << 20);

  /** Above what real mode and its holes need, below the window of message-signalled interrupts. */
  private static final long LOW = 16L << 20;

  private final HostDevice host;
  private final GuestWatch watch = new GuestWatch();
  private final AccessGuard guard;
  private final GuestDriver driver;
  private final Room room;
  private final long base;
  private final long pageBytes;
  private final ByteBuffer memory;
  private final Optional<DirtyBitmap> written;

  /** Finds the guest's driver of another device by the device's name. */
  @FunctionalInterface
  interface Neighbours {
    Optional<GuestDriver> driver(String deviceId);
  }

  private Guest(
      HostDevice host,
      GuestSoftware software,
      String deviceId,
      List<PlacedRegion> peers,
      Neighbours neighbours)
      throws MigrationException {
    this.host = host;
    this.guard = new AccessGuard("guest", AccessPolicy.Mode.ENFORCE, (id, access, state) -> {});
    this.pageBytes = Math.max(4096, host.dma().pageSizeBytes());
    long size = roundUp(software.memoryBytes(), pageBytes);
    this.base = base(host.dma(), size);
    this.memory =
        ByteBuffer.allocateDirect((int) (size + pageBytes))
            .alignedSlice((int) pageBytes)
            .limit((int) size)
            .slice()
            .order(ByteOrder.LITTLE_ENDIAN);
    this.written =
        size == 0
            ? Optional.empty()
            : Optional.of(new DirtyBitmap(new MemoryRange(base, size), pageBytes));
    if (size > 0) {
      host.dma().map(base, memory.duplicate(), DmaSpace.Direction.READ_WRITE);
    }
    this.room =
        new Room(
            new GuardedHostDevice(new ObservedHost(host, watch), guard),
            deviceId,
            List.copyOf(peers),
            neighbours);
    this.driver = software.install(room);
  }

  /** Installs the guest's software for a device that offers it; it is not booted yet. */
  static Guest install(HostDevice host) throws MigrationException {
    return install(host, "device", List.of(), id -> Optional.empty());
  }

  /** Installs the guest's software for a device that reaches others. */
  static Guest install(
      HostDevice host, String deviceId, List<PlacedRegion> peers, Neighbours neighbours)
      throws MigrationException {
    GuestSoftware software =
        host.capability(GuestSoftware.class)
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.BAD_REQUEST, "the device brings no guest software"));
    return new Guest(host, software, deviceId, peers, neighbours);
  }

  private static long base(DmaSpace dma, long sizeBytes) {
    MemoryRange high = new MemoryRange(HIGH, Math.max(sizeBytes, 1));
    return dma.usableRanges().stream().anyMatch(usable -> usable.contains(high)) ? HIGH : LOW;
  }

  /** Returns where a peer's region can be placed: above the guest's memory. */
  static long peerAddress(HostDevice host, GuestSoftware software) {
    long pageBytes = Math.max(4096, host.dma().pageSizeBytes());
    long size = roundUp(software.memoryBytes(), pageBytes);
    return roundUp(base(host.dma(), size) + size, 16L << 20);
  }

  private static long roundUp(long bytes, long unit) {
    return (bytes + unit - 1) / unit * unit;
  }

  GuestDriver driver() {
    return driver;
  }

  AccessGuard guard() {
    return guard;
  }

  long signals() {
    return watch.signals();
  }

  long pageBytes() {
    return pageBytes;
  }

  /** Returns the memory that the device can reach; empty if the software needs none. */
  Optional<MemoryRange> range() {
    return written.map(DirtyBitmap::range);
  }

  byte[] snapshot() {
    byte[] bytes = new byte[memory.capacity()];
    memory.get(0, bytes);
    return bytes;
  }

  void fill(byte[] bytes) {
    memory.put(0, bytes);
  }

  /** Returns the pages that the guest itself wrote since this was last asked. */
  Optional<DirtyBitmap> takeWritten() {
    Optional<DirtyBitmap> copy =
        written.map(
            bitmap -> {
              DirtyBitmap twin = new DirtyBitmap(bitmap.range(), pageBytes);
              twin.markAllOf(bitmap);
              return twin;
            });
    written.ifPresent(DirtyBitmap::clear);
    return copy;
  }

  GuestAudit.Verdict audit() throws MigrationException {
    return driver.audit();
  }

  @Override
  public void close() throws MigrationException {
    driver.close();
    if (written.isPresent()) {
      host.dma().unmap(written.get().range());
    }
  }

  /** What the guest's driver may touch. */
  private final class Room implements GuestRoom {

    private final HostDevice device;
    private final String deviceId;
    private final List<PlacedRegion> peers;
    private final Neighbours neighbours;

    Room(HostDevice device, String deviceId, List<PlacedRegion> peers, Neighbours neighbours) {
      this.device = device;
      this.deviceId = deviceId;
      this.peers = peers;
      this.neighbours = neighbours;
    }

    @Override
    public String deviceId() {
      return deviceId;
    }

    @Override
    public HostDevice device() {
      return device;
    }

    @Override
    public long memoryAddress() {
      return base;
    }

    @Override
    public long memoryBytes() {
      return memory.capacity();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      check(offset, into.remaining());
      into.put(memory.slice((int) offset, into.remaining()));
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      int length = from.remaining();
      check(offset, length);
      memory.slice((int) offset, length).put(from);
      if (length > 0) {
        written.ifPresent(bitmap -> bitmap.mark(new MemoryRange(base + offset, length)));
      }
    }

    private void check(long offset, int length) throws MigrationException {
      if (offset < 0 || offset > memory.capacity() - length) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "%d bytes at %d leave the %d bytes of the guest's driver"
                .formatted(length, offset, memory.capacity()));
      }
    }

    @Override
    public List<PlacedRegion> peers() {
      return peers;
    }

    @Override
    public Optional<GuestDriver> driver(String otherId) {
      return neighbours.driver(otherId);
    }
  }
}
