package io.vferry.runtime.migration;

import io.vferry.spi.state.Arc;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Predicts the downtime from what this migration has measured so far: bytes that must still move
 * over the measured rate, plus the time of the arcs on the way. Sizes that devices report are
 * estimates and are bounded before they are believed.
 */
final class DowntimePredictor {

  /**
   * No device is believed to hold more; 1 TiB, twice the largest state seen in the field and more.
   */
  private static final long MOST_CREDIBLE_BYTES = 1L << 40;

  private static final double NANOS_PER_MILLI = 1e6;

  /**
   * The rate is that of so many last samples: the first seconds of a migration say little, since
   * code is not compiled and windows are not open yet.
   */
  private static final int SAMPLES = 4;

  /** What moves less says more of latency than of rate. */
  private static final long SMALLEST_SAMPLE_BYTES = 256 << 10;

  private record Sample(long bytes, long nanos) {}

  private final Map<Arc, Long> slowestNanos = new EnumMap<>(Arc.class);
  private final Deque<Sample> samples = new ArrayDeque<>();

  /** An arc took so long on some device of this host. */
  void arcTook(Arc arc, long nanos) {
    slowestNanos.merge(arc, nanos, Math::max);
  }

  /** So many bytes, of memory and devices, were sent in so long. */
  void sent(long bytes, long nanos) {
    if (nanos <= 0 || (bytes < SMALLEST_SAMPLE_BYTES && !samples.isEmpty())) {
      return;
    }
    samples.addLast(new Sample(bytes, nanos));
    if (samples.size() > SAMPLES) {
      samples.removeFirst();
    }
  }

  /** Returns the measured rate in bytes per second, once anything was measured. */
  OptionalDouble bytesPerSecond() {
    long bytes = samples.stream().mapToLong(Sample::bytes).sum();
    long nanos = samples.stream().mapToLong(Sample::nanos).sum();
    return bytes == 0 ? OptionalDouble.empty() : OptionalDouble.of(bytes * 1e9 / nanos);
  }

  static long credible(OptionalLong reportedBytes) {
    return Math.max(0, Math.min(MOST_CREDIBLE_BYTES, reportedBytes.orElse(0)));
  }

  /**
   * Predicts.
   *
   * @param bytes that must move while the guest is stopped
   * @return milliseconds; empty if bytes must move and no rate is known
   */
  OptionalDouble predictMillis(long bytes) {
    // Both sides walk about as many arcs; each arc not yet seen is taken for the slowest seen.
    long slowest = slowestNanos.values().stream().mapToLong(Long::longValue).max().orElse(0);
    double arcsMillis = 4 * slowest / NANOS_PER_MILLI;
    if (bytes == 0) {
      return OptionalDouble.of(arcsMillis);
    }
    OptionalDouble rate = bytesPerSecond();
    return rate.isEmpty()
        ? OptionalDouble.empty()
        : OptionalDouble.of(arcsMillis + bytes * 1000.0 / rate.getAsDouble());
  }
}
