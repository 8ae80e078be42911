package io.vferry.host.linux.user.server;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.wire.PrecopyInfoMessage;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Migration of the device by its driver, on behalf of a client that asks for states and data. */
final class MigrationSession {

  private final MigratableDevice device;
  private final TransitionTable table;
  private final FeatureSet shown;
  private final boolean wholeStopCopy;
  private final ServerListener listener;
  private @Nullable SaveStream saving;
  private @Nullable LoadStream loading;

  /** The state that was last seen; the device may have been reset by itself since. */
  private DeviceState last;

  MigrationSession(MigratableDevice device, ServerSettings settings, ServerListener listener)
      throws MigrationException {
    this.device = device;
    FeatureSet features = device.features();
    this.table = TransitionTable.of(features);
    this.shown = settings.quiescence() ? features : FeatureSet.of(false, features.preCopy());
    this.wholeStopCopy = settings.wholeStopCopy();
    this.listener = listener;
    this.last = device.state();
  }

  /** Returns what the client is told of the device's features. */
  FeatureSet features() {
    return shown;
  }

  /**
   * Returns where the device is. Found RUNNING without having been sent there it was reset, and the
   * streams of before have ended.
   */
  DeviceState state() throws Refusal {
    DeviceState before = last;
    look();
    if (before != DeviceState.RUNNING && last == DeviceState.RUNNING) {
      closeStreams();
      listener.moved(before, last);
    }
    return last;
  }

  private void look() throws Refusal {
    try {
      last = device.state();
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
  }

  /** Takes note if the device was reset, as a write of its config space can do. */
  void lookForReset() {
    try {
      state();
    } catch (Refusal e) {
      // A device that does not answer says so to the next command that needs to know.
    }
  }

  /** Whether regions must not be touched now, lest what is read no longer fits them. */
  boolean regionsClosed() throws Refusal {
    return last == DeviceState.STOP_COPY && state() == DeviceState.STOP_COPY;
  }

  /** Moves the device; returns where it was before. */
  DeviceState setState(int number) throws Refusal {
    DeviceState target =
        DeviceState.ofNumber(number)
            .filter(shown::supports)
            .orElseThrow(
                () -> Refusal.invalid("there is no state " + Integer.toUnsignedString(number)));
    DeviceState from = state();
    try {
      if (wholeStopCopy && from.saving() && target == DeviceState.STOP_COPY && from != target) {
        move(from, DeviceState.STOP);
        from = DeviceState.STOP;
      }
      move(from, target);
    } catch (MigrationException e) {
      throw Refusal.of(e);
    } finally {
      look();
    }
    return from;
  }

  private void move(DeviceState from, DeviceState target) throws Refusal, MigrationException {
    Transition transition = table.transition(from, target);
    if (transition instanceof Transition.Refused refused) {
      throw Refusal.invalid(
          "the device cannot go from %s to %s: %s".formatted(from, target, refused.reason()));
    }
    for (Arc arc : ((Transition.Path) transition).arcs()) {
      ArcOutcome outcome = device.perform(arc);
      if (arc.endsStream()) {
        closeStreams();
      }
      if (outcome instanceof ArcOutcome.Saving opened) {
        saving = opened.stream();
      } else if (outcome instanceof ArcOutcome.Loading opened) {
        loading = opened.stream();
      }
    }
  }

  /**
   * Fills a buffer as far as there are data. In pre-copy a device may produce data only when it is
   * asked what is left, which clients of the first revision of the protocol cannot do.
   */
  void read(ByteBuffer into) throws Refusal {
    DeviceState now = state();
    SaveStream stream = saving;
    if (!now.saving() || stream == null) {
      throw Refusal.invalid("the device is in " + now + ", where there is nothing to read");
    }
    int start = into.position();
    try {
      boolean asked = false;
      while (into.hasRemaining()) {
        switch (stream.read(into)) {
          case DATA -> {}
          case END -> {
            return;
          }
          case NOTHING_NOW -> {
            if (asked || into.position() > start || now == DeviceState.STOP_COPY) {
              return;
            }
            asked = true;
            Optional<PrecopyProgress> progress = device.capability(PrecopyProgress.class);
            if (progress.isPresent()) {
              progress.get().remaining();
            }
          }
        }
      }
    } catch (MigrationException e) {
      if (into.position() == start) {
        throw Refusal.of(e);
      }
      // What was read must not be lost; the next call fails.
    }
  }

  void write(ByteBuffer from) throws Refusal {
    DeviceState now = state();
    LoadStream stream = loading;
    if (now != DeviceState.RESUMING || stream == null) {
      throw Refusal.invalid("the device is in " + now + ", where nothing can be written");
    }
    try {
      stream.write(from);
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
  }

  PrecopyInfoMessage precopyInfo() throws Refusal {
    DeviceState now = state();
    if (now != DeviceState.PRE_COPY && now != DeviceState.PRE_COPY_P2P) {
      throw Refusal.invalid("the device is in " + now + ", not in pre-copy");
    }
    try {
      PrecopyProgress.Remaining left =
          device
              .capability(PrecopyProgress.class)
              .orElseThrow(() -> new Refusal(Errno.ENOTTY, "the device cannot tell what is left"))
              .remaining();
      return new PrecopyInfoMessage(
          left.reinitialised() ? VfioUapi.VFIO_PRECOPY_INFO_REINIT : 0,
          left.initialBytes(),
          left.dirtyBytes());
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
  }

  boolean estimates() {
    return device.capability(StopCopyEstimate.class).isPresent();
  }

  long stopCopyBytes() throws Refusal {
    try {
      return device
          .capability(StopCopyEstimate.class)
          .orElseThrow(() -> Refusal.invalid("the device makes no estimate"))
          .stopCopyBytes()
          .orElseThrow(() -> new Refusal(Errno.EAGAIN, "the device cannot tell now"));
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
  }

  /** Forgets the session after a reset. */
  void wasReset() throws Refusal {
    closeStreams();
    state();
  }

  void closeStreams() {
    if (saving != null) {
      saving.close();
      saving = null;
    }
    if (loading != null) {
      loading.close();
      loading = null;
    }
  }
}
