package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.DeviceState;
import java.util.Optional;

/**
 * The simulated chip: its state machine, its core and its memory. Its monitor guards all of it; it
 * never calls into another device, the guest or the clock's sleep while it holds the monitor.
 */
final class SimHardware {

  /**
   * How long a reset waits for accesses that are under way, as a function level reset may take: PCI
   * Express Base Specification, 6.6.2.
   */
  private static final long RESET_NANOS = 100_000_000;

  private static final long DRAIN_STEP_NANOS = 10_000;

  private final String id;
  private final SimSettings settings;
  private final HostClock clock;
  private final SimConfigSpace configSpace;
  private final SimDmaSpace dmaSpace = new SimDmaSpace();
  private final SimDmaLog dmaLog = new SimDmaLog();
  private final SimInterrupts interrupts;
  private final SimBulk bulk;
  private final Optional<SimLocalMemory> localMemory;
  private final SimEngine engine;
  private final SimMigrationPort port;
  private final SimArcs arcs;
  private SimCore core;
  private volatile DeviceState state = DeviceState.RUNNING;
  private boolean closed;
  private long resets;
  private volatile long resetsCompleted;
  private int deliveries;

  SimHardware(SimSettings settings, OpenContext context) throws MigrationException {
    this.id = context.deviceId();
    this.settings = settings;
    this.clock = context.clock();
    SimPattern pattern = new SimPattern();
    this.configSpace = new SimConfigSpace(settings);
    this.core = new SimCore(settings.seed(), configSpace.initial());
    this.bulk = new SimBulk(pattern, settings.stateBytes());
    this.bulk.powerOn(settings.seed());
    this.core.memoryFingerprint = bulk.fingerprint();
    this.localMemory =
        settings.localMemoryBytes() == 0
            ? Optional.empty()
            : Optional.of(
                SimLocalMemory.create(
                    id, settings.localMemoryBytes(), settings.localMemoryBytes()));
    this.interrupts = new SimInterrupts(this);
    this.engine = new SimEngine(this, settings, clock, pattern);
    this.port = new SimMigrationPort(this);
    this.arcs = new SimArcs(this, settings, clock);
  }

  String id() {
    return id;
  }

  SimSettings settings() {
    return settings;
  }

  SimConfigSpace configSpace() {
    return configSpace;
  }

  SimDmaSpace dmaSpace() {
    return dmaSpace;
  }

  SimDmaLog dmaLog() {
    return dmaLog;
  }

  SimInterrupts interrupts() {
    return interrupts;
  }

  SimBulk bulk() {
    return bulk;
  }

  /** Returns the memory that the guest maps, if there is some; it needs no lock. */
  Optional<SimLocalMemory> localMemory() {
    return localMemory;
  }

  SimEngine engine() {
    return engine;
  }

  SimMigrationPort port() {
    return port;
  }

  SimCore core() {
    return core;
  }

  HostClock clock() {
    return clock;
  }

  /** Needs no lock. */
  DeviceState state() {
    return state;
  }

  long resets() {
    return resets;
  }

  /** Returns how many resets are over and left the device RUNNING; needs no lock. */
  long resetsCompleted() {
    return resetsCompleted;
  }

  /** Whether the device may do anything by itself. */
  synchronized boolean operating() {
    return state.running() && !arcs.stopping() && !closed;
  }

  synchronized boolean mayStartP2p() {
    return operating() && !state.p2pQuiescent() && !arcs.quiescing();
  }

  /** Notes the cause of an interrupt. */
  void raise(int vector) {
    long bit = 1L << vector;
    if ((core.irqStatus & bit) == 0) {
      core.irqStatus |= bit;
      core.irqPending |= (int) bit;
    }
  }

  /** Hands over what is pending to whoever listens. Call it without holding a lock. */
  void deliverInterrupts() {
    int vectors;
    synchronized (this) {
      if (!operating() || !SimConfigSpace.busMaster(core.config)) {
        return;
      }
      vectors = core.irqPending & interrupts.deliverable();
      if (vectors == 0) {
        return;
      }
      core.irqPending &= ~vectors;
      deliveries++;
    }
    try {
      interrupts.deliver(vectors);
    } finally {
      synchronized (this) {
        deliveries--;
      }
    }
  }

  /** A peer's message arrives. */
  synchronized void receive(int channel, boolean sound, long epoch, long sequence) {
    if (!state.running()) {
      core.messagesWhileStopped++;
      return;
    }
    if (sound && epoch != core.channelEpoch[channel]) {
      // From before the guest set the sender up anew.
      return;
    }
    if (!sound || sequence != core.received[channel] + 1) {
      core.messageGaps++;
    }
    if (sound) {
      core.received[channel] = sequence;
      core.messagesReceived++;
      raise(SimRegisters.VECTOR_MAIL);
    }
  }

  /** Returns what the device is in between two states; call it with the lock. */
  SimArcs arcs() {
    return arcs;
  }

  /** Is told by {@link SimArcs} that an arc has happened. */
  void enter(DeviceState entered) {
    state = entered;
  }

  /** Returns the number of interrupts that are being delivered; call it with the lock. */
  int deliveries() {
    return deliveries;
  }

  /** Takes over a loaded core. */
  void load(SimCore loaded) throws MigrationException {
    if (localMemory.isPresent()) {
      localMemory.get().fill(loaded.localMemory);
    }
    core = loaded;
    engine.loaded();
  }

  /**
   * Resets the device. What it had begun to write has arrived when this returns, unless whoever
   * answers for that memory does not do so within {@link #RESET_NANOS}, for example because it
   * waits for this reset.
   */
  void reset() throws MigrationException {
    try {
      powerOn();
    } finally {
      awaitAccesses();
    }
  }

  private synchronized void powerOn() throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.RESET_FAILED, "the simulated device " + id + " is closed");
    }
    resets++;
    arcs.forget();
    engine.forget();
    port.endSession();
    if (settings.faults().failReset()) {
      state = DeviceState.ERROR;
      throw new MigrationException(
              DeviceError.RESET_FAILED,
              "the simulated device " + id + " was told to fail its reset")
          .withState(DeviceState.ERROR);
    }
    core = new SimCore(settings.seed(), configSpace.initial());
    bulk.powerOn(settings.seed());
    core.memoryFingerprint = bulk.fingerprint();
    if (localMemory.isPresent()) {
      localMemory.get().fill(new byte[localMemory.get().bytes()]);
    }
    state = DeviceState.RUNNING;
    resetsCompleted++;
  }

  private void awaitAccesses() {
    long end = clock.nanoTime() + RESET_NANOS;
    try {
      while (accessesUnderWay() > 0 && clock.nanoTime() < end) {
        clock.sleep(DRAIN_STEP_NANOS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized int accessesUnderWay() {
    return engine.underWay();
  }

  void close() {
    synchronized (this) {
      closed = true;
      arcs.forget();
      engine.forget();
      port.endSession();
      localMemory.ifPresent(SimLocalMemory::close);
    }
    awaitAccesses();
  }
}
