package io.vferry.runtime.migration;

import static io.vferry.spi.state.DeviceState.RESUMING;
import static io.vferry.spi.state.DeviceState.RUNNING;
import static io.vferry.spi.state.DeviceState.STOP_COPY;

import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Predicts the downtime from what this migration has measured so far: bytes that must still move
 * over a measured rate, plus the time of the arcs that are walked while the guest stands still.
 *
 * <p>All of it was measured while the guest ran, and a guest that stands still leaves its share of
 * the host and of memory to the transfer. So the lower bound supposes that data move all the time
 * as fast as the fastest that moved so far, be it for a moment; the expectation, that they move as
 * in the last rounds; the upper bound, that they move as in the slowest of these.
 */
final class DowntimePredictor {

  /**
   * What must still move while the guest stands still, in bytes.
   *
   * @param expected the best guess
   * @param least if the devices' own progress is to be believed
   * @param most if the devices' largest estimates are
   */
  record Bytes(long expected, long least, long most) {}

  private static final double NANOS_PER_MILLI = 1e6;

  /**
   * The rate is that of so many last samples: the first seconds of a migration say little, since
   * code is not compiled and windows are not open yet.
   */
  private static final int SAMPLES = 4;

  /** What moves less says more of latency than of rate. */
  private static final long SMALLEST_SAMPLE_BYTES = 256 << 10;

  private record Sample(long bytes, long nanos) {
    double bytesPerSecond() {
      return bytes * 1e9 / nanos;
    }
  }

  private record Rate(double expected, double least, double most) {}

  private final List<RoleDevice> devices;
  private final ArcTimes arcs;
  private final Deque<Sample> samples = new ArrayDeque<>();
  private final PeakRate peak = new PeakRate();
  private double bestRoundBytesPerSecond;

  /**
   * Creates a predictor.
   *
   * @param arcs what was measured; grows while the migration runs
   */
  DowntimePredictor(List<RoleDevice> devices, ArcTimes arcs) {
    this.devices = List.copyOf(devices);
    this.arcs = arcs;
  }

  /** A round over memory begins. */
  void roundBegins(long nowNanos) {
    peak.begin(nowNanos);
  }

  /** So many bytes, of memory or a device, were sent since the last time. */
  void moved(long bytes, long nowNanos) {
    peak.moved(bytes, nowNanos);
  }

  /** A round is over: so many bytes, of memory and devices, were sent in so long. */
  void sent(long bytes, long nanos) {
    peak.end();
    if (bytes <= 0 || nanos <= 0 || (bytes < SMALLEST_SAMPLE_BYTES && !samples.isEmpty())) {
      return;
    }
    Sample sample = new Sample(bytes, nanos);
    samples.addLast(sample);
    bestRoundBytesPerSecond = Math.max(bestRoundBytesPerSecond, sample.bytesPerSecond());
    if (samples.size() > SAMPLES) {
      samples.removeFirst();
    }
  }

  private Optional<Rate> rate() {
    if (samples.isEmpty()) {
      return Optional.empty();
    }
    long bytes = samples.stream().mapToLong(Sample::bytes).sum();
    long nanos = samples.stream().mapToLong(Sample::nanos).sum();
    return Optional.of(
        new Rate(
            bytes * 1e9 / nanos,
            samples.stream().mapToDouble(Sample::bytesPerSecond).min().orElseThrow(),
            Math.max(bestRoundBytesPerSecond, peak.bytesPerSecond())));
  }

  /** Returns the measured rate in bytes per second, once anything was measured. */
  Optional<Long> bytesPerSecond() {
    return rate().map(rate -> Math.round(rate.expected()));
  }

  /** Returns the prediction; empty if bytes must move and no rate is known. */
  Optional<ExpectedDowntime> predict(Bytes bytes) {
    ExpectedDowntime walking = arcs();
    if (bytes.most() == 0) {
      return Optional.of(walking);
    }
    return rate()
        .map(
            rate ->
                new ExpectedDowntime(
                    walking.millis() + bytes.expected() * 1000.0 / rate.expected(),
                    walking.leastMillis() + bytes.least() * 1000.0 / rate.most(),
                    walking.mostMillis() + bytes.most() * 1000.0 / rate.least()));
  }

  /** The devices of one side walk side by side; the two sides walk one after the other. */
  private ExpectedDowntime arcs() {
    double[] source = new double[3];
    double[] destination = new double[3];
    for (int device = 0; device < devices.size(); device++) {
      TransitionTable table = TransitionTable.of(devices.get(device).features());
      DeviceState saving =
          devices.get(device).features().preCopy() ? DeviceState.PRE_COPY : RUNNING;
      slowest(source, walk(device, table, saving, STOP_COPY));
      slowest(destination, walk(device, table, RESUMING, RUNNING));
    }
    return new ExpectedDowntime(
        source[0] + destination[0], source[1] + destination[1], source[2] + destination[2]);
  }

  private static void slowest(double[] soFar, double[] one) {
    for (int i = 0; i < soFar.length; i++) {
      soFar[i] = Math.max(soFar[i], one[i]);
    }
  }

  /** Returns what is expected, the least and the most, in milliseconds. */
  private double[] walk(int device, TransitionTable table, DeviceState from, DeviceState to) {
    double[] millis = new double[3];
    if (table.transition(from, to) instanceof Transition.Path path) {
      for (Arc arc : path.arcs()) {
        Optional<ArcTimes.Span> known = arcs.of(device, arc);
        millis[0] += known.map(span -> (double) span.mostNanos()).orElse(typicalNanos());
        millis[1] += known.map(ArcTimes.Span::leastNanos).orElse(0L);
        millis[2] += known.map(ArcTimes.Span::mostNanos).orElse(slowestNanos());
      }
    }
    for (int i = 0; i < millis.length; i++) {
      millis[i] /= NANOS_PER_MILLI;
    }
    return millis;
  }

  /** An arc never walked is taken for an average one, of those that open no stream. */
  private double typicalNanos() {
    return arcs.all().stream()
        .filter(entry -> !entry.getKey().opensSaveStream() && !entry.getKey().opensLoadStream())
        .mapToLong(entry -> entry.getValue().mostNanos())
        .average()
        .orElse(0);
  }

  private long slowestNanos() {
    return arcs.all().stream().mapToLong(entry -> entry.getValue().mostNanos()).max().orElse(0);
  }
}
