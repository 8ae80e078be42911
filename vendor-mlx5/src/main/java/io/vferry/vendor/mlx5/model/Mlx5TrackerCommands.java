package io.vferry.vendor.mlx5.model;

import io.vferry.spi.memory.MemoryRange;
import io.vferry.vendor.mlx5.prm.CommandStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The commands of general objects, of which the page tracker is the only one here. The card's lock
 * guards it. Layout: Linux 6.12, {@code include/linux/mlx5/mlx5_ifc.h}, {@code
 * mlx5_ifc_page_track_bits}.
 */
final class Mlx5TrackerCommands {

  private static final int PAGE_TRACK = 0x46;
  private static final int FIRST_ID = 0x77;
  private static final int RANGES_AT = 0x40;
  private static final int RANGE_BYTES = 16;

  private final Mlx5Card card;
  private final Mlx5CardSettings settings;
  private final Mlx5Assumptions assumptions;
  private final Map<Integer, Mlx5TrackerReport> reports = new TreeMap<>();
  private int next = FIRST_ID;

  Mlx5TrackerCommands(Mlx5Card card, Mlx5CardSettings settings) {
    this.card = card;
    this.settings = settings;
    this.assumptions = settings.assumptions;
  }

  private static void checkType(Mlx5Message in) throws Mlx5Refusal {
    if (in.field(4, 15, 0) != PAGE_TRACK) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM, "there is no object of type 0x%x".formatted(in.dword(4)));
    }
  }

  private Mlx5PageTracker tracker(Mlx5Message in) throws Mlx5Refusal {
    checkType(in);
    int id = in.dword(8);
    for (Mlx5VirtualFunction function : card.functions()) {
      if (function.tracker != null && function.tracker.id == id) {
        return function.tracker;
      }
    }
    throw new Mlx5Refusal(CommandStatus.BAD_RES, "there is no tracker 0x%x".formatted(id));
  }

  private static Mlx5Message answer(int length, int id) {
    return Mlx5Message.ofLength(length).dword(8, id);
  }

  Mlx5Step create(Mlx5Message in) throws Mlx5Refusal {
    checkType(in);
    int count = in.lengthBytes() >= RANGES_AT ? in.field(0x28, 7, 0) : 0;
    if (in.lengthBytes() != RANGES_AT + count * RANGE_BYTES || count == 0) {
      throw new Mlx5Refusal(CommandStatus.BAD_INP_LEN, "not as many ranges as announced");
    }
    if (count > settings.trackRanges) {
      throw new Mlx5Refusal(CommandStatus.LIM, count + " ranges are too many");
    }
    Mlx5VirtualFunction function = card.functionOf(in.field(0x18, 15, 0));
    if (!settings.pageTracking) {
      throw new Mlx5Refusal(CommandStatus.BAD_OP, "the card does not track pages");
    }
    if (function == null) {
      throw assumptions.refusal(Mlx5Assumption.UNKNOWN_VHCA, "there is no such VHCA");
    }
    if (function.tracker != null) {
      throw assumptions.refusal(
          Mlx5Assumption.SECOND_TRACKER, "the function has a tracker already");
    }
    int logPage = in.field(0x20, 12, 8);
    int logMessage = in.field(0x20, 4, 0);
    int logSpace = in.field(0x20, 23, 16);
    List<MemoryRange> ranges = ranges(in, count);
    if (logPage < settings.logTrackPageMin
        || logPage > settings.logTrackPageMax
        || logMessage < settings.logTrackMessageMin
        || logMessage > settings.logTrackMessageMax
        || logSpace < settings.logTrackSpaceMin
        || logSpace > settings.logTrackSpaceMax
        || !fits(ranges, logSpace)) {
      throw assumptions.refusal(
          Mlx5Assumption.TRACKER_OUT_OF_CAPABILITY,
          "page size, message size or address space is out of range");
    }
    if (in.field(0x20, 31, 28) != 0) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a new tracker tracks");
    }
    int queuePair = in.field(0x24, 23, 0);
    Mlx5QueuePair pair = card.resources().queuePair(queuePair);
    if (pair == null) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_RES, "there is no queue pair 0x%x".formatted(queuePair));
    }
    int id = next++;
    function.tracker = new Mlx5PageTracker(id, function, ranges, logPage, logMessage, queuePair);
    return Mlx5Step.done(answer(16, id));
  }

  private static boolean fits(List<MemoryRange> ranges, int logSpace) {
    long sum = 0;
    for (MemoryRange range : ranges) {
      sum += range.length();
      if (sum < 0) {
        return false;
      }
    }
    return logSpace >= 63 || sum <= 1L << logSpace;
  }

  private static List<MemoryRange> ranges(Mlx5Message in, int count) throws Mlx5Refusal {
    List<MemoryRange> ranges = new ArrayList<>();
    for (int number = 0; number < count; number++) {
      long start = in.qword(RANGES_AT + number * RANGE_BYTES);
      long length = in.qword(RANGES_AT + number * RANGE_BYTES + Long.BYTES);
      if (length <= 0 || start < 0 || start > Long.MAX_VALUE - length) {
        throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a range is empty or wraps");
      }
      MemoryRange range = new MemoryRange(start, length);
      for (MemoryRange other : ranges) {
        if (other.overlaps(range)) {
          throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "ranges overlap");
        }
      }
      ranges.add(range);
    }
    return ranges;
  }

  Mlx5Step modify(Mlx5Command command) throws Mlx5Refusal {
    Mlx5Message in = command.in;
    if (in.lengthBytes() != RANGES_AT) {
      throw new Mlx5Refusal(CommandStatus.BAD_INP_LEN, "a tracker is changed by 64 bytes");
    }
    Mlx5PageTracker tracker = tracker(in);
    if (in.qword(0x10) != 3 || in.field(0x20, 31, 28) != 1) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "only a report of a range can be asked for");
    }
    if (tracker.state == Mlx5PageTracker.State.REPORTING) {
      throw assumptions.refusal(Mlx5Assumption.REPORT_TWICE, "a report is under way");
    }
    if (tracker.state == Mlx5PageTracker.State.ERROR) {
      throw new Mlx5Refusal(CommandStatus.BAD_RES_STATE, "the tracker has failed");
    }
    long start = in.qword(0x30);
    long length = in.qword(0x38);
    if (length <= 0 || start < 0 || start > Long.MAX_VALUE - length) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "the range is empty or wraps");
    }
    MemoryRange wanted = new MemoryRange(start, length);
    if (tracker.ranges().stream().noneMatch(range -> range.contains(wanted))) {
      assumptions.check(Mlx5Assumption.REPORT_OUTSIDE, "the range is not tracked");
    }
    Mlx5QueuePair sender = card.resources().queuePair(tracker.queuePair);
    if (sender == null || sender.state != Mlx5QueuePair.State.READY_TO_SEND) {
      throw new Mlx5Refusal(CommandStatus.BAD_QP_STATE, "the queue pair cannot send");
    }
    tracker.state = Mlx5PageTracker.State.REPORTING;
    Mlx5TrackerReport report =
        new Mlx5TrackerReport(card, assumptions, tracker, sender, wanted, command.faults);
    reports.put(tracker.id, report);
    // The messages follow the answer.
    card.soon(report::run);
    return Mlx5Step.done(answer(16, tracker.id));
  }

  Mlx5Step query(Mlx5Message in) throws Mlx5Refusal {
    Mlx5PageTracker tracker = tracker(in);
    Mlx5Message out = answer(0x40, tracker.id);
    out.field(0x18, 15, 0, tracker.function.vhca);
    out.field(0x20, 31, 28, tracker.state.ordinal()).field(0x20, 27, 24, 1);
    out.field(0x20, 12, 8, tracker.logPage()).field(0x20, 4, 0, tracker.logMessage);
    out.field(0x24, 23, 0, tracker.queuePair);
    return Mlx5Step.done(out.field(0x28, 7, 0, tracker.ranges().size()));
  }

  Mlx5Step destroy(Mlx5Message in) throws Mlx5Refusal {
    Mlx5PageTracker tracker = tracker(in);
    tracker.function.tracker = null;
    Mlx5TrackerReport report = reports.remove(tracker.id);
    if (report != null) {
      report.cancel();
    }
    return Mlx5Step.done(answer(16, tracker.id));
  }
}
