package io.vferry.vendor.hisiacc;

import io.vferry.spi.state.DeviceState;
import org.jspecify.annotations.Nullable;

/**
 * In which state a function is. The hardware has no register for that, so it is kept here, once for
 * all drivers that are attached to the function. Its lock is never held while the device is
 * touched, so that nobody who asks has to wait.
 */
final class HisiAccLife {

  /**
   * What is known at one moment.
   *
   * @param state where the function is, or where its arc started
   * @param inArc whether it is on its way to another state
   * @param resets how many resets the host had counted when it came here
   * @param trace of its event queue when it came here; null if there is none to compare with
   * @param queues that were found when it was stopped; null if it was not
   */
  record Known(
      DeviceState state,
      boolean inArc,
      long resets,
      @Nullable HisiAccTrace trace,
      @Nullable HisiAccQueues queues) {}

  private Known known;
  private @Nullable HisiAccSaveStream saving;
  private @Nullable HisiAccLoadStream loading;
  private @Nullable Object owner;

  HisiAccLife(long resets) {
    this.known = new Known(DeviceState.RUNNING, false, resets, null, null);
  }

  synchronized Known known() {
    return known;
  }

  synchronized @Nullable HisiAccSaveStream saving() {
    return saving;
  }

  synchronized @Nullable HisiAccLoadStream loading() {
    return loading;
  }

  /** An arc begins, or is over, wherever it led. */
  synchronized void inArc(boolean inArc) {
    known = new Known(known.state, inArc, known.resets, known.trace, known.queues);
  }

  /** The function has come to another state. */
  synchronized void reached(
      DeviceState state,
      long resets,
      @Nullable HisiAccTrace trace,
      @Nullable HisiAccQueues queues) {
    known = new Known(state, known.inArc, resets, trace, queues);
  }

  synchronized void opened(HisiAccSaveStream stream, Object by) {
    saving = stream;
    owner = by;
  }

  synchronized void opened(HisiAccLoadStream stream, Object by) {
    loading = stream;
    owner = by;
  }

  /** A reset is over: nothing from before it counts. */
  synchronized void reset(DeviceState state, long resets) {
    reached(state, resets, null, null);
    endStreams();
  }

  /**
   * A reset past the drivers was noticed.
   *
   * @param seen what was known when it was looked for; if it no longer is, somebody was faster
   */
  synchronized void resetSince(Known seen, long resets) {
    if (known.equals(seen)) {
      reset(DeviceState.RUNNING, resets);
    }
  }

  synchronized void endStreams() {
    if (saving != null) {
      saving.close();
    }
    if (loading != null) {
      loading.end();
    }
    saving = null;
    loading = null;
    owner = null;
  }

  /** Ends the streams that a driver opened which lets go of the function. */
  synchronized void endStreamsOf(Object driver) {
    if (owner == driver) {
      endStreams();
    }
  }
}
