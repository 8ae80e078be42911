package io.vferry.vendor.mlx5.model;

import io.vferry.spi.memory.MemoryRange;
import io.vferry.vendor.mlx5.prm.EventType;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One report of a page tracker: messages with the addresses of pages, sent to the host's queue pair
 * as it posts receive requests. The card's lock guards it.
 */
final class Mlx5TrackerReport {

  private static final int RECEIVED_WITH_IMMEDIATE = 3;
  private static final int ERROR_COMPLETION = 13;
  private static final long NOT_READY_NANOS = 10_000;
  private static final int PAGE_TRACK = 0x46;

  private final Mlx5Card card;
  private final Mlx5Assumptions assumptions;
  private final Mlx5PageTracker tracker;
  private final Mlx5QueuePair sender;
  private final MemoryRange wanted;
  private final List<Mlx5Fault> faults;
  private long page;
  private boolean begun;
  private boolean cancelled;

  Mlx5TrackerReport(
      Mlx5Card card,
      Mlx5Assumptions assumptions,
      Mlx5PageTracker tracker,
      Mlx5QueuePair sender,
      MemoryRange wanted,
      List<Mlx5Fault> faults) {
    this.card = card;
    this.assumptions = assumptions;
    this.tracker = tracker;
    this.sender = sender;
    this.wanted = wanted;
    this.faults = List.copyOf(faults);
    this.page = wanted.start() >>> tracker.logPage();
  }

  void cancel() {
    cancelled = true;
  }

  private boolean has(Mlx5Fault.Kind kind) {
    return faults.stream().anyMatch(fault -> fault.kind() == kind);
  }

  private long value(Mlx5Fault.Kind kind) {
    return faults.stream()
        .filter(fault -> fault.kind() == kind)
        .mapToLong(Mlx5Fault::value)
        .findFirst()
        .orElse(-1);
  }

  private long lastPage() {
    return wanted.last() >>> tracker.logPage();
  }

  /** Sends as much as the host takes; goes on later if it takes no more now. */
  void run() {
    while (!cancelled && tracker.state == Mlx5PageTracker.State.REPORTING && step()) {
      begun = true;
    }
  }

  /** Sends one message; returns whether another one follows at once. */
  private boolean step() {
    if (!begun && failsAtOnce()) {
      return false;
    }
    Mlx5QueuePair receiver = card.resources().queuePair(sender.remote);
    Mlx5CompletionQueue completions =
        receiver == null ? null : card.resources().completionQueue(receiver.receiveCq);
    if (receiver == null
        || completions == null
        || receiver.state.ordinal() < Mlx5QueuePair.State.READY_TO_RECEIVE.ordinal()) {
      return fail(EventType.WQ_CATASTROPHIC, sender.number, 0x18);
    }
    if (completions.full(card.iommu())) {
      return fail(EventType.CQ_ERROR, completions.number, 0);
    }
    Mlx5QueuePair.Receive receive = receiver.receive(card.iommu());
    if (receive == null) {
      // The sender tries again for ever; Linux asks for that by rnr_retry 7.
      card.after(NOT_READY_NANOS, this::run);
      return false;
    }
    return send(receiver, completions, receive);
  }

  private boolean failsAtOnce() {
    if (has(Mlx5Fault.Kind.OBJECT_CHANGE)) {
      tracker.state = Mlx5PageTracker.State.ERROR;
      ByteBuffer data = ByteBuffer.allocate(28);
      data.putShort(2, (short) PAGE_TRACK).putInt(4, tracker.id);
      card.post(EventType.OBJECT_CHANGE, data.array());
      return true;
    }
    if (has(Mlx5Fault.Kind.WQ_ERROR)) {
      fail(EventType.WQ_INVALID_REQUEST, sender.remote, 0x18);
      return true;
    }
    if (has(Mlx5Fault.Kind.CQ_ERROR)) {
      Mlx5QueuePair receiver = card.resources().queuePair(sender.remote);
      fail(EventType.CQ_ERROR, receiver == null ? 0 : receiver.receiveCq, 0);
      return true;
    }
    return false;
  }

  private boolean fail(int event, int number, int numberAt) {
    tracker.state = Mlx5PageTracker.State.ERROR;
    card.post(event, ByteBuffer.allocate(28).putInt(numberAt, number).array());
    return false;
  }

  private boolean send(
      Mlx5QueuePair receiver, Mlx5CompletionQueue completions, Mlx5QueuePair.Receive receive) {
    ByteBuffer payload = ByteBuffer.allocate(1 << tracker.logMessage);
    Mlx5PageTracker.State state;
    if (has(Mlx5Fault.Kind.REPORT_ERROR)) {
      state = Mlx5PageTracker.State.ERROR;
    } else if (!begun && has(Mlx5Fault.Kind.EMPTY_REPORTING)) {
      state = Mlx5PageTracker.State.REPORTING;
    } else {
      state = fill(payload);
    }
    payload.flip();
    if (state == Mlx5PageTracker.State.TRACKING && has(Mlx5Fault.Kind.NO_END)) {
      cancelled = true;
      return false;
    }
    int length = payload.remaining();
    if (length > 0) {
      try {
        Mlx5Mkey mkey = card.resources().memory(receive.key(), receive.address(), length, true);
        if (mkey.pd != receiver.pd
            || length > receive.lengthBytes()
            || !mkey.write(card.iommu(), receive.address(), payload)) {
          return fail(EventType.WQ_ACCESS, receiver.number, 0x18);
        }
      } catch (Mlx5Refusal e) {
        return fail(EventType.WQ_ACCESS, receiver.number, 0x18);
      }
    }
    int opcode =
        faults.stream()
            .filter(fault -> fault.kind() == Mlx5Fault.Kind.WRONG_OPCODE)
            .map(fault -> fault.value() == 0 ? ERROR_COMPLETION : (int) fault.value())
            .findFirst()
            .orElse(RECEIVED_WITH_IMMEDIATE);
    tracker.state = state;
    if (!completions.post(card.iommu(), opcode, state.ordinal() << 28, length, receive.index())) {
      return fail(EventType.CQ_ERROR, completions.number, 0);
    }
    card.completed(completions);
    return state == Mlx5PageTracker.State.REPORTING;
  }

  /** Writes the addresses of the next pages; returns the state that goes with them. */
  private Mlx5PageTracker.State fill(ByteBuffer payload) {
    long shift = tracker.logPage();
    if (!begun && has(Mlx5Fault.Kind.FOREIGN_PAGE)) {
      payload.putLong((lastPage() + 1) << shift);
    }
    long untilForgotten = begun ? -1 : value(Mlx5Fault.Kind.FORGET_PAGE);
    while (payload.remaining() >= 2 * Long.BYTES) {
      long dirty = tracker.next(page, lastPage());
      if (dirty < 0) {
        boolean ends = payload.position() == 0 || assumptions.is(Mlx5Assumption.REPORT_END, "last");
        return ends ? Mlx5PageTracker.State.TRACKING : Mlx5PageTracker.State.REPORTING;
      }
      tracker.clear(dirty);
      page = dirty + 1;
      if (untilForgotten-- == 0) {
        continue;
      }
      payload.putLong(dirty << shift);
      if (has(Mlx5Fault.Kind.DUPLICATE_PAGE)) {
        payload.putLong(dirty << shift);
      }
    }
    return Mlx5PageTracker.State.REPORTING;
  }
}
