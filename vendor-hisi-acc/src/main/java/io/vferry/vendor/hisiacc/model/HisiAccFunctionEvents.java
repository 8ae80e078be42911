package io.vferry.vendor.hisiacc.model;

/**
 * What a function tells its guest: by its event queues, and by interrupts that point to them or to
 * a message. Under the chip's lock.
 */
final class HisiAccFunctionEvents {

  private static final int EVENT_VECTOR = 0;
  private static final int ASYNC_VECTOR = 1;
  private static final int MESSAGE_VECTOR = 2;
  private static final int NONE = -1;

  private final HisiAccMemory memory;
  private final HisiAccQuirks quirks;
  private final HisiAccPause pause;
  private HisiAccEventQueue events;
  private HisiAccEventQueue asyncEvents;
  private int latchedEventHead = NONE;
  private int latchedAsyncHead = NONE;
  private int raised;
  private long raisedWhilePaused;

  HisiAccFunctionEvents(HisiAccMemory memory, HisiAccQuirks quirks, HisiAccPause pause) {
    this.memory = memory;
    this.quirks = quirks;
    this.pause = pause;
    this.events = new HisiAccEventQueue(memory, quirks);
    this.asyncEvents = new HisiAccEventQueue(memory, quirks);
  }

  void reset() {
    events = new HisiAccEventQueue(memory, quirks);
    asyncEvents = new HisiAccEventQueue(memory, quirks);
    latchedEventHead = NONE;
    latchedAsyncHead = NONE;
    raised = 0;
  }

  HisiAccEventQueue queue(boolean async) {
    return async ? asyncEvents : events;
  }

  /** Masks or unmasks a queue. */
  void mask(boolean async, int value) {
    if (queue(async).mask(value)) {
      raise(vector(async));
    }
  }

  /** Takes a doorbell of a queue. */
  void doorbell(boolean async, int head) {
    switch (pause.doorbell(quirks.eventDoorbells)) {
      case LATCHED -> {
        if (async) {
          latchedAsyncHead = head;
        } else {
          latchedEventHead = head;
        }
      }
      case PROCESSED -> ring(async, head);
      case DROPPED -> {}
    }
  }

  private void ring(boolean async, int head) {
    if (queue(async).ring(head)) {
      raise(vector(async));
    }
  }

  /** The function goes on after a pause, with the doorbells that were latched. */
  void resume() {
    if (latchedEventHead >= 0) {
      ring(false, latchedEventHead);
    }
    if (latchedAsyncHead >= 0) {
      ring(true, latchedAsyncHead);
    }
    latchedEventHead = NONE;
    latchedAsyncHead = NONE;
  }

  /** Tells the guest of events, unless a pause holds that back. */
  void tell() {
    // It disarms itself in any case: in a pause the message is what is lost.
    if (events.tell() && !(pause.holds() && quirks.pauseHoldsInterrupts)) {
      raise(EVENT_VECTOR);
    }
  }

  /** Posts and tells of an asynchronous event, if the guest has a queue for that. */
  void postAsync(int event) {
    if (asyncEvents.configured()) {
      asyncEvents.post(event);
      if (asyncEvents.tell()) {
        raise(ASYNC_VECTOR);
      }
    }
  }

  /** There is a message. */
  void message() {
    raise(MESSAGE_VECTOR);
  }

  private static int vector(boolean async) {
    return async ? ASYNC_VECTOR : EVENT_VECTOR;
  }

  private void raise(int vector) {
    if (pause.paused()) {
      raisedWhilePaused++;
    }
    raised |= 1 << vector;
  }

  /** Returns how many interrupts were raised while the function was paused. */
  long raisedWhilePaused() {
    return raisedWhilePaused;
  }

  /** Returns and forgets which vectors are to be told to the host. */
  int takeRaised() {
    int vectors = raised;
    raised = 0;
    return vectors;
  }
}
