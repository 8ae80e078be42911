package io.vferry.runtime.migration;

import io.vferry.spi.driver.PrecopyProgress;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the source knows of its devices' data while the guest runs: which first images the
 * destination has taken, and how much is left. A device may begin its first image anew at any time;
 * then its earlier acknowledgement counts no more.
 */
final class PrecopyLedger {

  private final boolean[] saving;
  private final int[] generation;
  private final int[] acknowledged;
  private final long[] sentBytes;
  private final OptionalLong[] stopCopyBytes;
  private final PrecopyProgress.Remaining[] remaining;

  PrecopyLedger(int devices) {
    saving = new boolean[devices];
    generation = new int[devices];
    acknowledged = new int[devices];
    Arrays.fill(acknowledged, -1);
    sentBytes = new long[devices];
    stopCopyBytes = new OptionalLong[devices];
    Arrays.fill(stopCopyBytes, OptionalLong.empty());
    remaining = new PrecopyProgress.Remaining[devices];
    Arrays.fill(remaining, new PrecopyProgress.Remaining(0, 0, false));
  }

  void saving(int device) {
    saving[device] = true;
  }

  void restarted(int device, int newGeneration) {
    generation[device] = newGeneration;
  }

  /** Returns whether the acknowledgement was for the image that counts. */
  void acknowledged(int device, int ofGeneration) {
    acknowledged[device] = Math.max(acknowledged[device], ofGeneration);
  }

  /** Returns the bytes sent since the last time. */
  long progress(int device, long sent, PrecopyProgress.Remaining left) {
    long delta = Math.max(0, sent - sentBytes[device]);
    sentBytes[device] = sent;
    remaining[device] = left;
    return delta;
  }

  void estimated(int device, OptionalLong bytes) {
    stopCopyBytes[device] = bytes;
  }

  /** Returns the first device in pre-copy whose first image the destination does not have yet. */
  Optional<Integer> unacknowledged() {
    for (int device = 0; device < saving.length; device++) {
      if (saving[device] && acknowledged[device] < generation[device]) {
        return Optional.of(device);
      }
    }
    return Optional.empty();
  }

  /** Returns a bounded estimate of what the devices still have to send after they stop. */
  long stopCopyBytes() {
    long sum = 0;
    for (int device = 0; device < saving.length; device++) {
      long precopy =
          DowntimePredictor.credible(OptionalLong.of(remaining[device].initialBytes()))
              + DowntimePredictor.credible(OptionalLong.of(remaining[device].dirtyBytes()));
      sum += Math.max(precopy, DowntimePredictor.credible(stopCopyBytes[device]));
    }
    return sum;
  }
}
