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
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A machine whose vCPUs are ticks of the clock: they write numbered pages and drive the devices
 * that come with {@linkplain io.vferry.spi.model.GuestSoftware software for the guest}. Other
 * devices can be plugged; the guest has no driver for them.
 *
 * <p>The lock is held while the guest touches a device, and devices never call the guest while they
 * hold theirs.
 */
final class SimVirtualMachine implements VirtualMachine {

  private static final long MAX_ELAPSED_NANOS = 1_000_000_000L;

  private final Object lock = new Object();
  private final String name;
  private final HostClock clock;
  private final SimVmSettings settings;
  private final SimGuestMemory memory;
  private final SimGuest guest;
  private HostClock.@Nullable Scheduled tick;
  private boolean running;
  private boolean settling;

  /** Whether it has booted or loaded, after which no device can come. */
  private boolean started;

  /** Whether there is no whole platform state to go on with. */
  private boolean waiting;

  private long lastNanos;

  SimVirtualMachine(VmSpec spec, SimVmSettings settings) throws MigrationException {
    this.name = spec.name();
    this.waiting = spec.incoming();
    this.clock = spec.clock();
    this.settings = settings;
    this.memory = new SimGuestMemory(settings.memoryBytes(), settings.sharedMemory());
    this.guest = new SimGuest(name, memory, settings);
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public void plug(String id, HostDevice device) throws MigrationException {
    synchronized (lock) {
      if (running || started) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "device %s cannot be plugged into %s: the machine %s"
                .formatted(id, name, running ? "runs" : "has run or loaded its platform state"));
      }
      guest.plug(id, device);
    }
  }

  @Override
  public List<PlacedRegion> placedRegions() {
    synchronized (lock) {
      return guest.placedRegions();
    }
  }

  @Override
  public void resume() throws MigrationException {
    synchronized (lock) {
      if (running) {
        return;
      }
      if (waiting) {
        throw new MigrationException(
            DeviceError.WRONG_STATE,
            "the virtual machine " + name + " waits for its platform state and cannot run");
      }
      started = true;
      guest.boot();
      running = true;
      settling = false;
      lastNanos = clock.nanoTime();
      schedule();
    }
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
      guest.tick(elapsed);
      SimPlatform platform = guest.platform();
      if (!settings.pageRequestsStuck()) {
        platform.openRequests = Math.max(0, platform.openRequests - settings.vcpus());
      }
      if (!settling) {
        platform.openRequests = settings.pageRequests();
      }
      schedule();
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
        open = guest.platform().openRequests;
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
      return guest.save();
    }
  }

  @Override
  public void loadPlatform(ByteBuffer state) throws MigrationException {
    synchronized (lock) {
      if (running) {
        throw paused("loaded");
      }
      SimPlatform.Saved saved = guest.read(state);
      started = true;
      waiting = true;
      guest.load(saved);
      waiting = false;
    }
  }

  private MigrationException paused(String what) {
    return new MigrationException(
        DeviceError.WRONG_STATE,
        "the platform state of %s cannot be %s while its vCPUs run".formatted(name, what));
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
            return guest.audit();
          }
        });
  }

  @Override
  public void close() throws MigrationException {
    synchronized (lock) {
      pause();
      memory.close();
      guest.close();
    }
  }
}
