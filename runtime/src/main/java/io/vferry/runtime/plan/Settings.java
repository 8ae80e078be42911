package io.vferry.runtime.plan;

import io.vferry.spi.access.AccessPolicy;

/**
 * How to move. The defaults are those of {@link #defaults()}; names follow QEMU's migration
 * parameters where one exists.
 *
 * @param downtimeLimitMillis pre-copy ends when the predicted downtime is below; default 300
 * @param maxBandwidthBytesPerSecond for memory and device data while the guest runs; 0, the
 *     default, means no limit
 * @param connections data connections, 1 to 64; default 2
 * @param receiveWindowBytes how much the destination holds at most that no device took yet; default
 *     64 MiB
 * @param arcDeadlineMillis how long a device may take for one arc; default 10 s
 * @param setupDeadlineMillis how long connecting and admission may take; default 30 s
 * @param switchoverDeadlineMillis how long the time without a running guest may take before the
 *     migration is called off; default 120 s
 * @param maxPrecopyRounds rounds over memory before the migration goes on with, or without, the
 *     predicted downtime below its limit; default 30
 * @param forceSwitchover whether to switch over when the rounds are used up and the prediction is
 *     still above the limit; if not, the default, the migration is called off
 * @param accessPolicy what happens to accesses that are not legal in a device's state; default
 *     ENFORCE
 * @param p2p what happens if a device with peers cannot quiesce; default REFUSE
 */
public record Settings(
    long downtimeLimitMillis,
    long maxBandwidthBytesPerSecond,
    int connections,
    long receiveWindowBytes,
    long arcDeadlineMillis,
    long setupDeadlineMillis,
    long switchoverDeadlineMillis,
    int maxPrecopyRounds,
    boolean forceSwitchover,
    AccessPolicy.Mode accessPolicy,
    P2pPolicy p2p) {

  private static final long MIB = 1 << 20;

  public Settings {
    require("downtime-limit", downtimeLimitMillis, 1, 2_000_000);
    require("max-bandwidth", maxBandwidthBytesPerSecond, 0, Long.MAX_VALUE);
    require("connections", connections, 1, 64);
    require("receive-window", receiveWindowBytes, 4 * MIB, 64L << 30);
    require("arc-deadline", arcDeadlineMillis, 1, 3_600_000);
    require("setup-deadline", setupDeadlineMillis, 1, 3_600_000);
    require("switchover-deadline", switchoverDeadlineMillis, 1, 3_600_000);
    require("max-precopy-rounds", maxPrecopyRounds, 1, 10_000);
  }

  private static void require(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + " is " + value + ", but must be from " + least + " to " + most);
    }
  }

  /** Returns the defaults. */
  public static Settings defaults() {
    return new Settings(
        300,
        0,
        2,
        64 * MIB,
        10_000,
        30_000,
        120_000,
        30,
        false,
        AccessPolicy.Mode.ENFORCE,
        P2pPolicy.REFUSE);
  }
}
