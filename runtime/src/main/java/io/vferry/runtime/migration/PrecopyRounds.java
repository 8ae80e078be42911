package io.vferry.runtime.migration;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.ExpectedDowntime;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The rounds of pre-copy: what has moved, what is left, and whether that is little enough to stop
 * the guest, will ever be, or has stopped shrinking.
 */
final class PrecopyRounds {

  /** What to do after a look at the dirty memory. */
  enum Verdict {
    /** The rest is sent while the guest stands still. */
    SWITCH_OVER,
    /** It goes on, with what is dirty now. */
    NEXT_ROUND,
    /** It goes on, with another look a little later. */
    LOOK_AGAIN,
    /** The predicted downtime stays above the limit. */
    NOT_CONVERGING,
    /** Nothing moves any more. */
    STALLED
  }

  private final Settings settings;
  private final DeviceGroup group;
  private final PrecopyLedger ledger;
  private final DowntimePredictor predictor;

  private Optional<ExpectedDowntime> expectedDowntime = Optional.empty();
  private boolean memoryBusy;
  private int rounds;
  private long roundBeganNanos;
  private long deviceBytesInRound;
  private long progressNanos;
  private long dirtyBytes;

  PrecopyRounds(Settings settings, DeviceGroup group, DowntimePredictor predictor) {
    this.settings = settings;
    this.group = group;
    this.ledger = new PrecopyLedger(group.devices().size());
    this.predictor = predictor;
  }

  /** Returns the last prediction. */
  Optional<ExpectedDowntime> expectedDowntime() {
    return expectedDowntime;
  }

  /** The guest's memory is all dirty now: the first round. */
  void begin(long nowNanos, List<Action> out) {
    progressNanos = nowNanos;
    sendMemory(true, nowNanos, out);
  }

  /** Sends what was found dirty at the last look. */
  void next(long nowNanos, List<Action> out) {
    sendMemory(false, nowNanos, out);
  }

  private void sendMemory(boolean everything, long nowNanos, List<Action> out) {
    rounds++;
    memoryBusy = true;
    roundBeganNanos = nowNanos;
    predictor.roundBegins(nowNanos);
    deviceBytesInRound = 0;
    out.add(new Action.SendMemory(everything));
  }

  /** Looks at the dirty memory, unless that or sending is under way. */
  void look(List<Action> out) {
    if (!memoryBusy) {
      memoryBusy = true;
      out.add(new Action.SyncMemory());
    }
  }

  /** A device began to save. */
  void saving(int device) {
    ledger.saving(device);
  }

  void deviceMoved(Event.SaveProgress progress, long nowNanos) {
    long moved = ledger.progress(progress.device(), progress.sentBytes(), progress.remaining());
    deviceBytesInRound += moved;
    predictor.moved(moved, nowNanos);
    if (moved > 0) {
      progressNanos = nowNanos;
    }
  }

  void imageRestarted(int device, int generation) {
    ledger.restarted(device, generation);
  }

  /** The destination has the first image of a device. */
  void imageLoaded(int device, int generation, long nowNanos) {
    ledger.acknowledged(device, generation);
    progressNanos = nowNanos;
  }

  void memoryMoved(long bytes, long nowNanos) {
    predictor.moved(bytes, nowNanos);
  }

  /** A round is over. */
  void memorySent(long bytes, long nowNanos) {
    memoryBusy = false;
    if (bytes > 0) {
      progressNanos = nowNanos;
      predictor.sent(bytes + deviceBytesInRound, nowNanos - roundBeganNanos);
    }
  }

  /** Takes what a look found. */
  void looked(Event.MemorySynced synced) {
    memoryBusy = false;
    dirtyBytes = synced.dirtyBytes();
    List<OptionalLong> estimates = synced.stopCopyBytes();
    for (int device = 0; device < estimates.size(); device++) {
      ledger.estimated(device, estimates.get(device));
    }
  }

  /** Says what follows from the last look. */
  Verdict judge(long nowNanos) {
    DowntimePredictor.Bytes devices = ledger.stopCopyBytes();
    Optional<ExpectedDowntime> predicted =
        predictor.predict(
            new DowntimePredictor.Bytes(
                dirtyBytes + devices.expected(),
                dirtyBytes + devices.least(),
                dirtyBytes + devices.most()));
    expectedDowntime = predicted;
    boolean devicesReady = group.settled() && ledger.unacknowledged().isEmpty();
    boolean shortEnough =
        predicted.isPresent() && predicted.get().millis() <= settings.downtimeLimitMillis();
    // Without a rate there is nothing to predict from; sending dirty memory gives one.
    boolean unknown = predicted.isEmpty() && dirtyBytes == 0;
    boolean lastRound = rounds >= settings.maxPrecopyRounds();
    long patienceNanos = settings.arcDeadlineMillis() * 1_000_000L;
    if (devicesReady && (shortEnough || unknown)) {
      return Verdict.SWITCH_OVER;
    }
    if (lastRound && devicesReady) {
      return settings.forceSwitchover() ? Verdict.SWITCH_OVER : Verdict.NOT_CONVERGING;
    }
    // Devices that dirty data all the time always make some progress; rounds bound that.
    if (nowNanos - progressNanos > patienceNanos
        || (lastRound && nowNanos - roundBeganNanos > patienceNanos)) {
      return Verdict.STALLED;
    }
    return dirtyBytes > 0 && !lastRound ? Verdict.NEXT_ROUND : Verdict.LOOK_AGAIN;
  }

  /** Returns why it does not converge, in figures. */
  Problem notConverging() {
    return Problem.of(
        RuntimeError.NOT_CONVERGING,
        "after %d rounds the predicted downtime is %s, above the limit of %d ms: %d bytes of memory are dirty, the devices hold %d, and %s bytes move in a second"
            .formatted(
                rounds,
                expectedDowntime.map(ExpectedDowntime::toString).orElse("unknown"),
                settings.downtimeLimitMillis(),
                dirtyBytes,
                ledger.stopCopyBytes().expected(),
                predictor.bytesPerSecond().map(String::valueOf).orElse("no")));
  }

  /** Returns who or what did not move in time. */
  Problem stalled() {
    return ledger
        .unacknowledged()
        .map(number -> group.device(number).late("did not bring its first image across in time"))
        .orElseGet(
            () ->
                Problem.of(
                    RuntimeError.DEADLINE_MISSED,
                    "nothing has moved for " + settings.arcDeadlineMillis() + " ms"));
  }
}
