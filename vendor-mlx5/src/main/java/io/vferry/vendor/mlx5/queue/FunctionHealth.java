package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.ResetCount;
import io.vferry.vendor.mlx5.prm.InitSegment;
import java.util.Map;
import java.util.Optional;

/**
 * Notices that the physical function died, left the bus or was reset. Source of the periods: Linux
 * 6.12, {@code drivers/net/ethernet/mellanox/mlx5/core/health.c}.
 *
 * <p>Guarded by its owner.
 */
final class FunctionHealth {

  private static final long COUNTER_PERIOD_NANOS = 2_000_000_000L;
  private static final int MISSED_BEATS = 3;
  private static final int ALL_ONES = -1;

  private static final Map<Integer, String> SYNDROMES =
      Map.ofEntries(
          Map.entry(0x1, "firmware internal error"),
          Map.entry(0x7, "internal processor stuck"),
          Map.entry(0x8, "fatal hardware error"),
          Map.entry(0x9, "firmware image damaged"),
          Map.entry(0xa, "PCI error while fetching memory"),
          Map.entry(0xb, "page table or hardware error"),
          Map.entry(0xc, "asynchronous event queue overrun"),
          Map.entry(0xd, "event queue error"),
          Map.entry(0xe, "bad event queue"),
          Map.entry(0xf, "FFSER error"),
          Map.entry(0x10, "too hot"),
          Map.entry(0x12, "poisoned data in memory"));

  private final FunctionRegisters registers;
  private final HostClock clock;
  private final Optional<ResetCount> resets;
  private final long resetsAtStart;
  private long beatNanos;
  private int counter;
  private int missed;

  FunctionHealth(FunctionRegisters registers, HostClock clock, HostDevice function) {
    this.registers = registers;
    this.clock = clock;
    this.resets = function.capability(ResetCount.class);
    this.resetsAtStart = resets.map(ResetCount::resets).orElse(0L);
    this.beatNanos = clock.nanoTime();
  }

  /** Whether the host knows of a reset since the start; any thread. */
  boolean wasReset() {
    return resets.isPresent() && resets.get().resets() != resetsAtStart;
  }

  /** Looks at what costs no register access. */
  void checkReset() throws CommandException {
    if (wasReset()) {
      throw CommandException.lost("the physical function was reset");
    }
  }

  /** Looks at the registers. */
  void check() throws CommandException {
    checkReset();
    if (registers.read(InitSegment.HEALTH_FW_VER) == ALL_ONES) {
      throw CommandException.lost("the physical function is off the bus");
    }
    if (registers.read(InitSegment.INITIALIZING) < 0) {
      throw CommandException.lost("the physical function is initialising, so it was reset");
    }
    int now = registers.read(InitSegment.HEALTH_COUNTER);
    int syndrome = now >>> 24;
    if (syndrome != 0) {
      throw CommandException.lost(
          "the physical function reports health syndrome 0x%x (%s)"
              .formatted(syndrome, SYNDROMES.getOrDefault(syndrome, "unknown")));
    }
    beat(now);
  }

  private void beat(int now) throws CommandException {
    long nanos = clock.nanoTime();
    if (nanos - beatNanos < COUNTER_PERIOD_NANOS) {
      return;
    }
    // A long silence of ours is one beat: only looks at the counter can miss any.
    beatNanos = nanos;
    missed = now == counter ? missed + 1 : 0;
    counter = now;
    if (missed >= MISSED_BEATS) {
      throw CommandException.lost(
          "the health counter of the physical function stands still at " + now);
    }
  }
}
