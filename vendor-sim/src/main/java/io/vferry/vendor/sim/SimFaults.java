package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.spi.state.Arc;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What is broken about a device, for tests.
 *
 * @param failArc the arc that fails, if any
 * @param failToError whether it ends in ERROR and not where it started
 * @param failTimes how often it fails before it works
 * @param hangArc the arc that does not come back, if any, until a reset, an interrupt or the time
 * @param hangNanos after which it fails all the same
 * @param failReset whether reset fails
 * @param sizes what the device says about sizes
 * @param reinitAfterBytes of pre-copy data after which the first image begins anew, once; 0 never
 * @param dropTask number of the task that is forgotten; 0 none
 * @param repeatTask number of the task that is completed twice; 0 none
 * @param rogue whether the device goes on with DMA when it is stopped
 */
record SimFaults(
    @Nullable Arc failArc,
    boolean failToError,
    long failTimes,
    @Nullable Arc hangArc,
    long hangNanos,
    boolean failReset,
    Sizes sizes,
    long reinitAfterBytes,
    long dropTask,
    long repeatTask,
    boolean rogue) {

  /** How sizes are reported. */
  enum Sizes {
    TRUE,
    ZERO,
    MAX,
    SHRINKING
  }

  private enum FailTo {
    SOURCE,
    ERROR
  }

  private static final long HOUR_NANOS = 3_600_000_000_000L;

  static SimFaults read(DeviceParameters parameters) throws MigrationException {
    return new SimFaults(
        arc(parameters, "fail-arc"),
        parameters.choice("fail-to", FailTo.SOURCE) == FailTo.ERROR,
        parameters.number("fail-times", Long.MAX_VALUE, 1, 1_000_000_000),
        arc(parameters, "hang-arc"),
        parameters.nanos("hang-time", HOUR_NANOS, 0, 24 * HOUR_NANOS),
        parameters.flag("fail-reset", false),
        parameters.choice("sizes", Sizes.TRUE),
        parameters.bytes("reinit-after", 0, 0, 1L << 40),
        parameters.number("drop-task", 0, 0, Long.MAX_VALUE),
        parameters.number("repeat-task", 0, 0, Long.MAX_VALUE),
        parameters.flag("rogue", false));
  }

  private static @Nullable Arc arc(DeviceParameters parameters, String key)
      throws MigrationException {
    if (!parameters.has(key)) {
      return null;
    }
    String name = parameters.text(key).orElse("").toUpperCase(Locale.ROOT).replace('-', '_');
    for (Arc arc : Arc.values()) {
      if (arc.name().equals(name)) {
        return arc;
      }
    }
    throw parameters.refused(key, "an arc, for example RUNNING_P2P_TO_STOP");
  }
}
