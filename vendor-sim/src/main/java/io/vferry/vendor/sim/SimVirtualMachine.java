package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A machine whose vCPUs are ticks of the clock: they write numbered pages and drive the simulated
 * devices. Other devices can be plugged; the guest has no driver for them.
 *
 * <p>The lock is held while the guest touches a device, and devices never call the guest while they
 * hold theirs.
 */
final class SimVirtualMachine implements VirtualMachine {

  private static final int MAX_WRITES = 16384;
  private static final long MAX_ELAPSED_NANOS = 1_000_000_000L;

  /** Below 4 GiB, above the low memory, where a PC has its devices. */
  private static final long PLACED_START = 0xc0000000L;

  private static final long PLACED_STRIDE = 0x10000L;

  private final Object lock = new Object();
  private final String name;
  private final boolean incoming;
  private final HostClock clock;
  private final SimVmSettings settings;
  private final SimPattern pattern = new SimPattern();
  private final SimGuestMemory memory;
  private final Map<String, HostDevice> plugged = new LinkedHashMap<>();
  private final Map<String, SimGuestDriver> drivers = new LinkedHashMap<>();
  private final SimRate writes;
  private SimPlatform platform;
  private HostClock.@Nullable Scheduled tick;
  private boolean running;
  private boolean loaded;
  private boolean settling;
  private long lastNanos;

  SimVirtualMachine(VmSpec spec, SimVmSettings settings) throws MigrationException {
    this.name = spec.name();
    this.incoming = spec.incoming();
    this.clock = spec.clock();
    this.settings = settings;
    this.memory = new SimGuestMemory(settings.memoryBytes());
    this.writes = new SimRate((double) settings.dirtyBytesPerSecond() / SimPattern.PAGE_BYTES);
    this.platform =
        SimPlatform.fresh(
            settings.seed(),
            memory.pages(),
            (int) (settings.workingSetBytes() >> SimPattern.PAGE_SHIFT),
            settings.vcpus(),
            settings.peers());
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public void plug(String id, HostDevice device) throws MigrationException {
    synchronized (lock) {
      int ordinal = plugged.size();
      if (running || plugged.containsKey(id)) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "device %s cannot be plugged into %s: %s"
                .formatted(id, name, running ? "the machine runs" : "the name is taken"));
      }
      boolean simulated = device.info().vendorId() == SimRegisters.VENDOR_ID;
      if (simulated && ordinal >= SimRegisters.CHANNELS) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "device %s is too many: %s takes %d".formatted(id, name, SimRegisters.CHANNELS));
      }
      if (simulated) {
        SimGuestDriver driver = drivers.get(id);
        if (driver == null) {
          driver = new SimGuestDriver(id, ordinal, memory);
          drivers.put(id, driver);
        } else if (driver.ordinal() != ordinal) {
          throw differentDevices(id);
        }
        driver.bind(device);
      }
      plugged.put(id, device);
    }
  }

  @Override
  public List<PlacedRegion> placedRegions() {
    synchronized (lock) {
      List<PlacedRegion> regions = new ArrayList<>();
      for (SimGuestDriver driver : drivers.values()) {
        if (driver.bound()) {
          regions.add(
              new PlacedRegion(
                  driver.id(),
                  SimRegisters.MAILBOX_BAR,
                  mailbox(driver),
                  SimRegisters.MAILBOX_BYTES));
        }
      }
      return regions;
    }
  }

  static long mailbox(SimGuestDriver driver) {
    return PLACED_START + driver.ordinal() * PLACED_STRIDE;
  }

  @Override
  public void resume() throws MigrationException {
    synchronized (lock) {
      if (running) {
        return;
      }
      if (incoming && !loaded) {
        throw new MigrationException(
            DeviceError.WRONG_STATE,
            "the virtual machine " + name + " waits for its platform state and cannot run");
      }
      for (SimGuestDriver driver : drivers.values()) {
        if (!driver.bound()) {
          throw differentDevices(driver.id());
        }
      }
      if (!platform.booted) {
        boot();
      }
      running = true;
      settling = false;
      lastNanos = clock.nanoTime();
      schedule();
    }
  }

  private void boot() throws MigrationException {
    int high = memory.pages();
    int low = memory.lowPages();
    int wished = 0;
    for (SimGuestDriver driver : drivers.values()) {
      int pages = driver.pagesWished();
      wished += pages;
      // In turn, so that devices work on both sides of the hole.
      boolean inHigh = driver.ordinal() % 2 == 0;
      int first = (inHigh ? high : low) - pages;
      if (first < (inHigh ? memory.lowPages() : 0)) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "the devices of %s need more than %d pages of its %d; give it more memory"
                .formatted(name, wished, memory.pages()));
      }
      if (inHigh) {
        high = first;
      } else {
        low = first;
      }
      driver.setUp(first);
    }
    for (SimVmSettings.Peering peering : platform.peers) {
      connect(peering);
    }
    platform.booted = true;
    for (int index = 0; index < platform.workingPages; index++) {
      write(platform.workingPage(index));
    }
  }

  private void connect(SimVmSettings.Peering peering) throws MigrationException {
    SimGuestDriver from = drivers.get(peering.from());
    SimGuestDriver to = drivers.get(peering.to());
    if (!plugged.containsKey(peering.from()) || !plugged.containsKey(peering.to())) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the peers %s and %s of %s are not both plugged"
              .formatted(peering.from(), peering.to(), name));
    }
    if (from == null || to == null) {
      // The guest has no driver for one of them.
      return;
    }
    int peer = platform.peerIndex(peering);
    if (peer >= SimRegisters.PEERS) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s has more than %d peers".formatted(from.id(), SimRegisters.PEERS));
    }
    long epoch = ++platform.epoch;
    to.expect(from, epoch);
    from.send(peer, mailbox(to), epoch);
  }

  private void schedule() {
    tick = clock.schedule(settings.tickNanos(), this::tick);
  }

  private void tick() {
    synchronized (lock) {
      if (!running) {
        return;
      }
      long now = clock.nanoTime();
      long elapsed = Math.min(now - lastNanos, MAX_ELAPSED_NANOS);
      lastNanos = now;
      int count = writes.due(elapsed, MAX_WRITES);
      for (int write = 0; write < count && platform.workingPages > 0; write++) {
        write(platform.nextPage());
      }
      for (SimGuestDriver driver : drivers.values()) {
        if (driver.lost()) {
          recover(driver);
        }
        driver.tick(elapsed);
      }
      if (!settings.pageRequestsStuck()) {
        platform.openRequests = Math.max(0, platform.openRequests - settings.vcpus());
      }
      if (!settling) {
        platform.openRequests = settings.pageRequests();
      }
      schedule();
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
    for (SimGuestDriver driver : drivers.values()) {
      if (page >= driver.firstPage() && page < driver.firstPage() + driver.pages()) {
        return true;
      }
    }
    return false;
  }

  /** Sets a device up again that was reset, and those that talk to it. */
  private void recover(SimGuestDriver driver) {
    try {
      driver.setUp(driver.firstPage());
      platform.recoveries++;
      for (SimVmSettings.Peering peering : platform.peers) {
        if (peering.from().equals(driver.id()) || peering.to().equals(driver.id())) {
          connect(peering);
        }
      }
    } catch (MigrationException e) {
      driver.violated(e);
    }
  }

  @Override
  public void pause() {
    synchronized (lock) {
      running = false;
      if (tick != null) {
        tick.cancel();
        tick = null;
      }
    }
  }

  @Override
  public void settlePageRequests(long timeoutNanos) throws MigrationException {
    long deadline = clock.nanoTime() + timeoutNanos;
    synchronized (lock) {
      settling = true;
    }
    while (true) {
      int open;
      boolean hopeless;
      synchronized (lock) {
        open = platform.openRequests;
        hopeless = !running || clock.nanoTime() - deadline >= 0;
        settling = open == 0 || !hopeless;
      }
      if (open == 0) {
        return;
      }
      if (hopeless) {
        throw new MigrationException(
            DeviceError.TIMEOUT,
            "%d page requests of the virtual machine %s are still open".formatted(open, name));
      }
      try {
        clock.sleep(settings.tickNanos());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new MigrationException(
            DeviceError.INTERRUPTED, "interrupted while page requests of " + name + " settled", e);
      }
    }
  }

  @Override
  public void startDirtyLog() {
    synchronized (lock) {
      memory.startLog();
    }
  }

  @Override
  public void stopDirtyLog() {
    synchronized (lock) {
      memory.stopLog();
    }
  }

  @Override
  public void reportDirty(DirtyBitmap into) throws MigrationException {
    synchronized (lock) {
      if (!memory.report(into)) {
        throw new MigrationException(
            DeviceError.DMA_LOG_FAILED, "the dirty log of the virtual machine " + name + " is off");
      }
    }
  }

  /**
   * Saves the platform. Interrupts that devices raise until they stop belong to it, so it is saved
   * after the devices have stopped.
   */
  @Override
  public ByteBuffer savePlatform() throws MigrationException {
    synchronized (lock) {
      if (running) {
        throw paused("saved");
      }
      return platform.encode(List.copyOf(drivers.values()));
    }
  }

  @Override
  public void loadPlatform(ByteBuffer state) throws MigrationException {
    synchronized (lock) {
      if (running) {
        throw paused("loaded");
      }
      List<SimGuestDriver> came = new ArrayList<>();
      SimPlatform whole = SimPlatform.decode(state, memory, came);
      Map<String, SimGuestDriver> next = new LinkedHashMap<>();
      for (SimGuestDriver driver : came) {
        SimGuestDriver known = drivers.get(driver.id());
        if (next.put(driver.id(), driver) != null
            || (known == null && !plugged.isEmpty())
            || (known != null && known.ordinal() != driver.ordinal())) {
          throw differentDevices(driver.id());
        }
      }
      for (SimGuestDriver known : drivers.values()) {
        if (!next.containsKey(known.id())) {
          throw differentDevices(known.id());
        }
      }
      for (SimGuestDriver known : drivers.values()) {
        HostDevice device = known.device();
        SimGuestDriver driver = next.get(known.id());
        if (device != null && driver != null) {
          driver.bind(device);
        }
      }
      drivers.clear();
      drivers.putAll(next);
      platform = whole;
      loaded = true;
    }
  }

  private MigrationException paused(String what) {
    return new MigrationException(
        DeviceError.WRONG_STATE,
        "the platform state of %s cannot be %s while its vCPUs run".formatted(name, what));
  }

  private MigrationException differentDevices(String id) {
    return new MigrationException(
        DeviceError.DATA_INCOMPATIBLE,
        ("the platform state and the devices plugged into %s differ at device %s; plug the same"
                + " devices in the same order")
            .formatted(name, id));
  }

  @Override
  public Optional<GuestAudit> audit() {
    return Optional.of(
        () -> {
          synchronized (lock) {
            if (running) {
              throw new MigrationException(
                  DeviceError.WRONG_STATE,
                  "the virtual machine " + name + " cannot be audited while its vCPUs run");
            }
            return new SimGuestAudit(memory, pattern, platform, List.copyOf(drivers.values()))
                .verdict();
          }
        });
  }

  @Override
  public void close() throws MigrationException {
    synchronized (lock) {
      pause();
      for (SimGuestDriver driver : drivers.values()) {
        driver.unbind();
      }
      drivers.clear();
      plugged.clear();
    }
  }
}
