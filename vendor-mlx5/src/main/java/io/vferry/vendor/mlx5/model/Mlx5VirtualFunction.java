package io.vferry.vendor.mlx5.model;

import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A virtual function as the firmware knows it. The card's lock guards it. */
final class Mlx5VirtualFunction implements Mlx5ConfigRegion.Owner {

  /** Where a chain of images stands, on the side that saves or on the one that loads. */
  static final class Chain {
    long id;
    int next;
    int checksum;
    boolean open;
    boolean whole;

    void clear() {
      id = 0;
      next = 0;
      checksum = 0;
      open = false;
      whole = false;
    }
  }

  private static final int PAGES_BEFORE_BOOT = 16;

  final Mlx5Card card;
  final Mlx5FunctionSettings settings;
  final int vhca;
  final Mlx5Capabilities capabilities;
  final Mlx5Iommu iommu;
  final Mlx5Interrupts interrupts;
  final Mlx5ConfigRegion config;
  final Mlx5Content content;
  final Chain saving = new Chain();
  final Chain loading = new Chain();
  final Mlx5GuestEngine engine;
  private final HostClock clock;
  private long lastNanos;
  boolean initiatorSuspended;
  boolean responderSuspended;
  boolean tracked;
  boolean reinitialised;
  boolean queriedForChunks;
  boolean halfLoaded;
  boolean busy;
  private boolean booted;
  long resets;
  private final AtomicLong resetsCompleted = new AtomicLong();
  @Nullable Mlx5PageTracker tracker;

  Mlx5VirtualFunction(
      Mlx5Card card,
      Mlx5CardSettings cardSettings,
      Mlx5FunctionSettings settings,
      HostClock clock) {
    this.card = card;
    this.iommu = new Mlx5Iommu(card.turn());
    this.settings = settings;
    this.vhca = cardSettings.firstVhca + settings.index;
    this.capabilities = Mlx5Capabilities.ofVirtualFunction(cardSettings, vhca, settings.migratable);
    this.clock = clock;
    this.booted = !settings.bootedByGuest;
    this.content = new Mlx5Content(writer(), pages());
    this.engine = new Mlx5GuestEngine(this, clock);
    this.interrupts =
        new Mlx5Interrupts(
            Mlx5GuestRegisters.VECTORS, () -> card.store(iommu, engine::deliverInterrupts));
    this.config =
        new Mlx5ConfigRegion(
            Mlx5ConfigRegion.VIRTUAL_DEVICE,
            Mlx5GuestRegisters.VECTORS,
            Map.of(
                Mlx5GuestRegisters.BAR, Mlx5GuestRegisters.BAR_BYTES,
                Mlx5GuestRegisters.MAILBOX_BAR, Mlx5GuestRegisters.MAILBOX_BYTES),
            this,
            true);
    this.lastNanos = clock.nanoTime();
  }

  @Override
  public void configChanged() {
    card.store(iommu, engine::update);
  }

  @Override
  public void resetInitiated() {
    card.resetByConfig(this);
  }

  @Override
  public boolean transactionsPending() {
    return iommu.waits() || card.turn().look(() -> engine.outstanding() > 0);
  }

  @Override
  public Optional<ByteBuffer> extended() {
    return Optional.of(card.turn().look(() -> Mlx5Ledger.encode(this)));
  }

  private long writer() {
    return Mlx5Pattern.mix(settings.seed) ^ vhca;
  }

  private int pages() {
    return booted ? settings.pages() : Math.min(PAGES_BEFORE_BOOT, settings.pages());
  }

  boolean booted() {
    return booted;
  }

  /** The guest's driver starts the function, which then has all of its state. */
  void boot() {
    if (!booted) {
      booted = true;
      content.powerOn(writer(), pages());
      if (tracked) {
        content.allPending();
      }
    }
  }

  /** Lets the function's state change as it does with time. */
  void run() {
    long now = clock.nanoTime();
    long elapsed = now - lastNanos;
    lastNanos = now;
    if (!responderSuspended && booted) {
      content.run(elapsed, settings.dirtyBytesPerSecond, tracked);
    }
  }

  /** Takes over that the function was set up on another host. */
  void loaded() {
    booted = true;
    lastNanos = clock.nanoTime();
  }

  /** Function-level reset: running, untracked, its state as after power on. */
  void reset() {
    resets++;
    iommu.overtake();
    initiatorSuspended = false;
    responderSuspended = false;
    tracked = false;
    reinitialised = false;
    queriedForChunks = false;
    halfLoaded = false;
    booted = !settings.bootedByGuest;
    saving.clear();
    loading.clear();
    tracker = null;
    content.powerOn(writer(), pages());
    engine.powerOn();
    lastNanos = clock.nanoTime();
    resetsCompleted.incrementAndGet();
  }

  /** Returns how often the function was reset; any thread. */
  long resetsCompleted() {
    return resetsCompleted.get();
  }

  /** Writes to guest memory by DMA; the tracker sees it. */
  boolean write(long address, ByteBuffer from) {
    int length = from.remaining();
    boolean arrived = iommu.write(address, from);
    if (tracker != null && length > 0) {
      tracker.written(address, length);
    }
    return arrived;
  }
}
