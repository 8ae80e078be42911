package io.vferry.vendor.sim;

import io.vferry.spi.host.HostClock;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arc that the device is in, if any. One command begins it, and each look at its result brings
 * it on: neither waits. So a register is answered also while the arc waits for DMA of the device,
 * which may itself depend on whoever asks for the register.
 *
 * <p>The hardware's lock guards it.
 */
final class SimArcs {

  private enum Phase {
    HANGING,
    SERVICE,
    /** Messages to peers arrive; none begins. */
    QUIESCING,
    /** Nothing begins any more, and what is under way ends. */
    STOPPING
  }

  private static final long DRAIN_STEP_NANOS = 10_000;
  private static final long HANG_STEP_NANOS = 1_000_000;

  private final SimHardware hardware;
  private final SimSettings settings;
  private final HostClock clock;
  private final Map<Arc, Long> failures = new EnumMap<>(Arc.class);
  private @Nullable Arc arc;
  private Phase phase = Phase.SERVICE;
  private long dueNanos;
  private boolean failing;
  private int result = SimRegisters.RESULT_DONE;

  SimArcs(SimHardware hardware, SimSettings settings, HostClock clock) {
    this.hardware = hardware;
    this.settings = settings;
    this.clock = clock;
  }

  /** Whether no message to a peer may begin. */
  boolean quiescing() {
    Arc now = arc;
    return now != null && quiesces(now);
  }

  private static boolean quiesces(Arc arc) {
    return !arc.to().running() || arc.to().p2pQuiescent();
  }

  /** Whether nothing may begin. */
  boolean stopping() {
    return arc != null && phase == Phase.STOPPING;
  }

  /**
   * Begins an arc.
   *
   * @return one of {@link SimRegisters}'s results: done if it has begun
   */
  int begin(Arc wanted) {
    if (arc != null) {
      return SimRegisters.RESULT_BUSY;
    }
    if (hardware.state() != wanted.from()) {
      return SimRegisters.RESULT_WRONG_STATE;
    }
    if (!settings.features().supports(wanted)) {
      return SimRegisters.RESULT_UNSUPPORTED;
    }
    boolean hangs = wanted == settings.faults().hangArc();
    arc = wanted;
    failing = false;
    phase = hangs ? Phase.HANGING : Phase.SERVICE;
    dueNanos =
        clock.nanoTime()
            + (hangs
                ? settings.faults().hangNanos()
                : settings.serviceNanos().getOrDefault(wanted, 0L));
    result = SimRegisters.RESULT_PENDING;
    look();
    return SimRegisters.RESULT_DONE;
  }

  /** Brings the arc on as far as it goes, and returns its result or that it is pending. */
  int look() {
    Arc now = arc;
    while (now != null && leftNanos() == 0) {
      pass(now);
      now = arc;
    }
    return result;
  }

  /** Returns the result as it was at the last look. */
  int result() {
    return result;
  }

  /** Returns after how long another look is worth it; 0 if no arc is under way. */
  long waitNanos() {
    return arc == null ? 0 : leftNanos();
  }

  private long leftNanos() {
    long left = Math.max(0, dueNanos - clock.nanoTime());
    return switch (phase) {
      case HANGING -> Math.min(left, HANG_STEP_NANOS);
      case SERVICE -> left;
      case QUIESCING -> hardware.engine().outstanding() > 0 ? DRAIN_STEP_NANOS : 0;
      case STOPPING -> drained() ? 0 : DRAIN_STEP_NANOS;
    };
  }

  private boolean drained() {
    // One that goes on with DMA when it is stopped does not wait for the end of it.
    return hardware.deliveries() == 0
        && (hardware.engine().underWay() == 0 || settings.faults().rogue());
  }

  /** A phase is over. */
  private void pass(Arc now) {
    switch (phase) {
      case HANGING -> end(now, SimRegisters.RESULT_FAILED);
      case SERVICE -> {
        phase = Phase.QUIESCING;
        if (!quiesces(now)) {
          quiesced(now);
        }
      }
      case QUIESCING -> quiesced(now);
      case STOPPING -> end(now, failing ? SimRegisters.RESULT_FAILED : SimRegisters.RESULT_DONE);
    }
  }

  private void quiesced(Arc now) {
    failing =
        now == settings.faults().failArc()
            && failures.merge(now, 1L, Long::sum) <= settings.faults().failTimes();
    boolean stops = failing ? settings.faults().failToError() : !now.to().running();
    if (now.from().running() && stops) {
      phase = Phase.STOPPING;
      hardware.engine().update();
    } else {
      end(now, failing ? SimRegisters.RESULT_FAILED : SimRegisters.RESULT_DONE);
    }
  }

  private void end(Arc now, int outcome) {
    result = outcome == SimRegisters.RESULT_DONE ? hardware.port().enter(now) : outcome;
    arc = null;
    if (result == SimRegisters.RESULT_DONE) {
      hardware.enter(now.to());
    } else if (result == SimRegisters.RESULT_FAILED && settings.faults().failToError()) {
      hardware.port().endSession();
      hardware.enter(DeviceState.ERROR);
    }
    hardware.engine().update();
  }

  /** Takes the arc back: the device stays where it was. */
  void abandon() {
    if (arc != null) {
      arc = null;
      result = SimRegisters.RESULT_INTERRUPTED;
      hardware.engine().update();
    }
  }

  /** Forgets the arc, as a reset does. */
  void forget() {
    if (arc != null) {
      arc = null;
      result = SimRegisters.RESULT_RESET;
    }
  }
}
