package io.vferry.runtime.migration;

/** Where the source is; finer than the phase that is shown. */
enum SourceStep {
  IDLE,
  ADMISSION,
  LOGGING,
  PRECOPY,
  SETTLING,
  PAUSING,
  QUIESCING,
  STOPPING,
  STOP_COPY,
  AWAITING_READY,
  JOURNALLING,
  AWAITING_RUNNING,
  RELEASING,
  RESETTING_RELEASED,
  HOLDING,
  ROLLING_BACK_QUIET,
  ROLLING_BACK,
  STOPPING_LOG,
  RESUMING_VM,
  ENDED;

  /** Whether the guest may be the destination's: this side never runs it any more then. */
  boolean committed() {
    return switch (this) {
      case AWAITING_RUNNING, RELEASING, RESETTING_RELEASED, ENDED -> true;
      // The record may be durable already; who asks must take it for done.
      case JOURNALLING -> true;
      default -> false;
    };
  }
}
