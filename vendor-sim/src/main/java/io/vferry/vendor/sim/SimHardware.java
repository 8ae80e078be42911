package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * The simulated chip: its state machine, its core and its memory. Its monitor guards all of it; it
 * never calls into another device, the guest or the clock's sleep while it holds the monitor.
 */
final class SimHardware {

  private static final long DRAIN_STEP_NANOS = 10_000;
  private static final long HANG_STEP_NANOS = 1_000_000;

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
  private final Map<Arc, Long> failures = new EnumMap<>(Arc.class);
  private SimCore core;
  private volatile DeviceState state = DeviceState.RUNNING;
  private boolean busy;
  private boolean quiescing;
  private boolean stopping;
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
    return state.running() && !stopping && !closed;
  }

  synchronized boolean mayStartP2p() {
    return operating() && !state.p2pQuiescent() && !quiescing;
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

  /**
   * Performs an arc; returns when it has fully happened.
   *
   * @return one of {@link SimRegisters}'s results
   */
  int perform(Arc arc) {
    long born;
    synchronized (this) {
      if (busy) {
        return SimRegisters.RESULT_BUSY;
      }
      if (state != arc.from()) {
        return SimRegisters.RESULT_WRONG_STATE;
      }
      if (!settings.features().supports(arc)) {
        return SimRegisters.RESULT_UNSUPPORTED;
      }
      busy = true;
      quiescing = !arc.to().running() || arc.to().p2pQuiescent();
      born = resets;
    }
    int result;
    try {
      result = serve(arc, born);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      result = SimRegisters.RESULT_INTERRUPTED;
    }
    synchronized (this) {
      if (born != resets) {
        return SimRegisters.RESULT_RESET;
      }
      if (result == SimRegisters.RESULT_DONE) {
        result = port.enter(arc);
      }
      if (result == SimRegisters.RESULT_DONE) {
        state = arc.to();
      } else if (result == SimRegisters.RESULT_FAILED && settings.faults().failToError()) {
        port.endSession();
        state = DeviceState.ERROR;
      }
      busy = false;
      quiescing = false;
      stopping = false;
      engine.update();
    }
    deliverInterrupts();
    return result;
  }

  private int serve(Arc arc, long born) throws InterruptedException {
    if (arc == settings.faults().hangArc()) {
      long end = clock.nanoTime() + settings.faults().hangNanos();
      while (clock.nanoTime() < end && !resetSince(born)) {
        clock.sleep(HANG_STEP_NANOS);
      }
      return SimRegisters.RESULT_FAILED;
    }
    long serviceNanos = settings.serviceNanos().getOrDefault(arc, 0L);
    if (serviceNanos > 0) {
      clock.sleep(serviceNanos);
    }
    while (quiescing(born) && messagesOnTheWay() > 0) {
      clock.sleep(DRAIN_STEP_NANOS);
    }
    if (fails(arc)) {
      return SimRegisters.RESULT_FAILED;
    }
    if (arc.from().running() && !arc.to().running()) {
      synchronized (this) {
        stopping = born == resets;
      }
      while (interruptsOnTheWay() > 0 && !resetSince(born)) {
        clock.sleep(DRAIN_STEP_NANOS);
      }
    }
    return SimRegisters.RESULT_DONE;
  }

  private synchronized boolean resetSince(long born) {
    return born != resets || closed;
  }

  private synchronized boolean quiescing(long born) {
    return quiescing && born == resets;
  }

  private synchronized int messagesOnTheWay() {
    return engine.outstanding();
  }

  private synchronized int interruptsOnTheWay() {
    return deliveries;
  }

  private synchronized boolean fails(Arc arc) {
    return arc == settings.faults().failArc()
        && failures.merge(arc, 1L, Long::sum) <= settings.faults().failTimes();
  }

  /** Takes over a loaded core. */
  void load(SimCore loaded) throws MigrationException {
    if (localMemory.isPresent()) {
      localMemory.get().fill(loaded.localMemory);
    }
    core = loaded;
    engine.loaded();
  }

  void reset() throws MigrationException {
    synchronized (this) {
      if (closed) {
        throw new MigrationException(
            DeviceError.RESET_FAILED, "the simulated device " + id + " is closed");
      }
      resets++;
      busy = false;
      quiescing = false;
      stopping = false;
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
  }

  synchronized void close() {
    closed = true;
    engine.forget();
    port.endSession();
    localMemory.ifPresent(SimLocalMemory::close);
  }
}
