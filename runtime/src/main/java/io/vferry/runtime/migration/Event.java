package io.vferry.runtime.migration;

import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.vm.GuestAudit;
import java.util.List;
import java.util.OptionalLong;

/** What a role is told. Devices are numbered in manifest order from 0. */
public sealed interface Event {

  /** The connection stands. */
  record Started() implements Event {}

  /** The peer said something. */
  record Received(Message message) implements Event {}

  /** The connection is gone. */
  record LinkLost(Problem problem) implements Event {}

  /** Somebody wants the migration to stop. */
  record CancelRequested() implements Event {}

  /** A timer ran out. */
  record TimerExpired(Timer timer) implements Event {}

  /** An arc has fully happened. */
  record ArcDone(int device, Arc arc) implements Event {}

  /**
   * An arc failed.
   *
   * @param state where the device really is
   */
  record ArcFailed(int device, Arc arc, DeviceState state, Problem problem) implements Event {}

  /** A device was reset and is in RUNNING. */
  record ResetDone(int device) implements Event {}

  /** A device could not be reset. */
  record ResetFailed(int device, Problem problem) implements Event {}

  /**
   * A device's data moved.
   *
   * @param sentBytes so far
   * @param remaining what the device said last; an estimate
   */
  record SaveProgress(int device, long sentBytes, PrecopyProgress.Remaining remaining)
      implements Event {}

  /**
   * All that a device has of its first image was sent.
   *
   * @param generation grows each time the device begins it anew
   * @param chunks number of chunks sent before
   */
  record InitialSent(int device, int generation, long chunks) implements Event {}

  /** A device began its first image anew. */
  record InitialRestarted(int device, int generation) implements Event {}

  /** A device's save stream was sent to its end. */
  record SaveEnded(int device, StreamSummary summary) implements Event {}

  /** A device's data could not be read or sent. */
  record SaveFailed(int device, Problem problem) implements Event {}

  /** The dirty logs of the VM and of the devices are on. */
  record DirtyLogStarted() implements Event {}

  /** The dirty logs are off. */
  record DirtyLogStopped() implements Event {}

  /**
   * The logs were read.
   *
   * @param dirtyBytes known to be unsent now
   * @param newBytes of these, written since the last look
   * @param stopCopyBytes what each device says its stop-copy will take; an estimate
   */
  record MemorySynced(long dirtyBytes, long newBytes, List<OptionalLong> stopCopyBytes)
      implements Event {}

  /** A part of a round over memory was sent: so many bytes since the last part. */
  record MemoryProgress(long bytes) implements Event {}

  /** A round over memory was sent: so many bytes in all. */
  record MemorySent(long bytes) implements Event {}

  /** The last of memory was sent. */
  record MemoryEnded(StreamSummary summary) implements Event {}

  /** The devices' page requests are completed. */
  record PageRequestsSettled() implements Event {}

  /** No vCPU runs. */
  record VmPaused() implements Event {}

  /** The vCPUs run. */
  record VmResumed() implements Event {}

  /** The state of vCPUs and platform was sent. */
  record PlatformSent(StreamSummary summary) implements Event {}

  /** The VM did not do what it was asked to. */
  record VmFailed(Problem problem) implements Event {}

  /** The journal has the record, durably. */
  record JournalWritten() implements Event {}

  /** The journal does not have the record. */
  record JournalFailed(Problem problem) implements Event {}

  /**
   * The destination compared what is on offer with what it has.
   *
   * @param problems empty if it takes it
   */
  record OfferChecked(List<Problem> problems) implements Event {}

  /** A device on the destination took its first image. */
  record InitialLoaded(int device, int generation) implements Event {}

  /** A stream arrived whole and was taken. */
  record StreamLoaded(int stream) implements Event {}

  /** A stream did not arrive whole or was refused. */
  record StreamFailed(int stream, Problem problem) implements Event {}

  /** vCPUs and platform have their state. */
  record PlatformLoaded() implements Event {}

  /** The guest was audited, if its machine can be. */
  record Audited(GuestAudit.Verdict verdict, boolean audited) implements Event {}
}
