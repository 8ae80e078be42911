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

  /** No device is believed to hold more: 1 TiB, more than any state seen in the field. */
  private static final long MOST_CREDIBLE_BYTES = 1L << 40;

  private final boolean[] saving;
  private final int[] generation;
  private final int[] acknowledged;
  private final long[] sentBytes;
  private final long[] sentBeforeImage;
  private final OptionalLong[] stopCopyBytes;
  private final PrecopyProgress.Remaining[] remaining;

  PrecopyLedger(int devices) {
    saving = new boolean[devices];
    generation = new int[devices];
    acknowledged = new int[devices];
    Arrays.fill(acknowledged, -1);
    sentBytes = new long[devices];
    sentBeforeImage = new long[devices];
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
    sentBeforeImage[device] = sentBytes[device];
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

  /**
   * Returns what the devices still have to send after they stop. A device says how large a
   * stop-copy would be, many of them without what they have sent already; a device in pre-copy also
   * says what is left. Neither is trusted: between the two lies the error bound.
   */
  DowntimePredictor.Bytes stopCopyBytes() {
    long expected = 0;
    long least = 0;
    long most = 0;
    for (int device = 0; device < saving.length; device++) {
      long estimate = credible(stopCopyBytes[device].orElse(0));
      if (saving[device]) {
        long left =
            credible(remaining[device].initialBytes()) + credible(remaining[device].dirtyBytes());
        long sent = sentBytes[device] - sentBeforeImage[device];
        expected += Math.max(left, estimate - sent);
        least += left;
        most += Math.max(left, estimate);
      } else {
        expected += estimate;
        least += estimate;
        most += estimate;
      }
    }
    return new DowntimePredictor.Bytes(expected, least, most);
  }

  private static long credible(long reportedBytes) {
    return Math.max(0, Math.min(MOST_CREDIBLE_BYTES, reportedBytes));
  }
}
