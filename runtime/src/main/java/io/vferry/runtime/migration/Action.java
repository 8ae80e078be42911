package io.vferry.runtime.migration;

import io.vferry.runtime.report.Phase;
import io.vferry.spi.state.Arc;
import java.util.Optional;

/**
 * What a role wants done. Each action, unless its text says otherwise, is answered by an event. The
 * actions of one list may be done at the same time; those for one device or for the VM are done in
 * their order.
 */
public sealed interface Action {

  /** Say something to the peer. No answer. */
  record Send(Message message) implements Action {}

  /** Perform an arc; a stream that it opens is moved from then on without further request. */
  record Perform(int device, Arc arc) implements Action {}

  /** Reset a device, also one that hangs in an arc. */
  record Reset(int device) implements Action {}

  /** Start a timer, or start it again. */
  record SetTimer(Timer timer, long millis) implements Action {}

  /** Stop a timer if it runs. No answer. */
  record CancelTimer(Timer timer) implements Action {}

  /** Turn on the dirty logs of the VM and of each device that has one. */
  record StartDirtyLog() implements Action {}

  /** Turn them off. */
  record StopDirtyLog() implements Action {}

  /** Send all memory ({@code everything}) or what is known to be dirty. Answer: MemorySent. */
  record SendMemory(boolean everything) implements Action {}

  /** Read the dirty logs. Answer: MemorySynced. */
  record SyncMemory() implements Action {}

  /** Read the logs a last time and send what is left. Answer: MemoryEnded. */
  record SendLastMemory() implements Action {}

  /** Have the VM complete what devices wait for. */
  record SettlePageRequests(long timeoutMillis) implements Action {}

  /** Stop the vCPUs. */
  record PauseVm() implements Action {}

  /** Let the vCPUs run. */
  record ResumeVm() implements Action {}

  /** Send the state of vCPUs and platform. */
  record SendPlatform() implements Action {}

  /** Stop moving data; what is under way is dropped. No answer. */
  record StopTransfers() implements Action {}

  /** Write durably that the guest changes sides. */
  record WriteCommit() implements Action {}

  /** Compare an offer with the devices and the VM on this side. */
  record CheckOffer(Message.Offer offer) implements Action {}

  /** Say when a device took so many chunks. Answer: InitialLoaded. */
  record WatchInitialData(int device, int generation, long chunks) implements Action {}

  /** Compare a stream with what the source says it was, once all of it is taken. */
  record ExpectStream(StreamSummary summary) implements Action {}

  /** Give vCPUs and platform their state. */
  record LoadPlatform() implements Action {}

  /** Audit the guest. */
  record Audit() implements Action {}

  /**
   * The migration is over; nothing follows.
   *
   * @param failure why it did not complete
   * @param guestRuns whether the guest runs on this side
   */
  record Finish(Phase end, Optional<Problem> failure, boolean guestRuns) implements Action {}
}
