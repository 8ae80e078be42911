package io.vferry.vendor.mlx5.command;

import io.vferry.spi.memory.MemoryRange;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.util.List;

/** The commands for the object that tracks the pages a function writes. */
public final class PageTrack {

  /** The object's state: it tracks. */
  public static final int STATE_TRACKING = 0;

  /** The object's state: it reports. */
  public static final int STATE_REPORTING = 1;

  /** The object's state: it failed. */
  public static final int STATE_ERROR = 2;

  private static final int OBJECT_TYPE = 0x46;
  private static final int CONTEXT = 0x10;
  private static final int COMMAND_BYTES = 0x40;
  private static final int RANGE_BYTES = 16;

  /** Meaning of the single bits not published; the kernel writes both. */
  private static final long SELECT_STATE_AND_RANGE = 3;

  private static final int TRACK_WRITES = 1;

  private PageTrack() {}

  /**
   * Creates a tracker, which tracks at once.
   *
   * @param vhcaId whose writes
   * @param logSpace log2 of the sum of range lengths, rounded up
   * @param logPageBytes log2 of the page
   * @param logMessageBytes log2 of the longest report message
   * @param reportingQpn the queue pair that sends the reports
   * @param ranges what to watch
   */
  public record Create(
      int vhcaId,
      int logSpace,
      int logPageBytes,
      int logMessageBytes,
      int reportingQpn,
      List<MemoryRange> ranges)
      implements Command<Integer> {

    /** Creates the command; the list is copied. */
    public Create {
      ranges = List.copyOf(ranges);
    }

    @Override
    public Opcode opcode() {
      return Opcode.CREATE_GENERAL_OBJECT;
    }

    @Override
    public int opMod() {
      return OBJECT_TYPE;
    }

    @Override
    public int inputBytes() {
      return COMMAND_BYTES + RANGE_BYTES * ranges.size();
    }

    @Override
    public int outputBytes() {
      return 16;
    }

    @Override
    public void write(Words in) {
      in.bits(CONTEXT + 0x8, 15, 0, vhcaId)
          .bits(CONTEXT + 0x10, 27, 24, TRACK_WRITES)
          .bits(CONTEXT + 0x10, 23, 16, logSpace)
          .bits(CONTEXT + 0x10, 12, 8, logPageBytes)
          .bits(CONTEXT + 0x10, 4, 0, logMessageBytes)
          .bits(CONTEXT + 0x14, 23, 0, reportingQpn)
          .bits(CONTEXT + 0x18, 7, 0, ranges.size());
      int offset = COMMAND_BYTES;
      for (MemoryRange range : ranges) {
        in.quad(offset, range.start()).quad(offset + 8, range.length());
        offset += RANGE_BYTES;
      }
    }

    /** Returns the object's number. */
    @Override
    public Integer read(Words out) {
      return out.dword(0x8);
    }
  }

  /**
   * Has the pages of a range reported and forgotten.
   *
   * @param object the tracker
   * @param range what to report
   */
  public record Report(int object, MemoryRange range) implements PlainCommand {

    @Override
    public Opcode opcode() {
      return Opcode.MODIFY_GENERAL_OBJECT;
    }

    @Override
    public int opMod() {
      return OBJECT_TYPE;
    }

    @Override
    public int inputBytes() {
      return COMMAND_BYTES;
    }

    @Override
    public void write(Words in) {
      in.dword(0x8, object)
          .quad(CONTEXT, SELECT_STATE_AND_RANGE)
          .bits(CONTEXT + 0x10, 31, 28, STATE_REPORTING)
          .quad(CONTEXT + 0x20, range.start())
          .quad(CONTEXT + 0x28, range.length());
    }
  }

  /**
   * Asks for a tracker's state.
   *
   * @param object the tracker
   */
  public record Query(int object) implements Command<Integer> {

    @Override
    public Opcode opcode() {
      return Opcode.QUERY_GENERAL_OBJECT;
    }

    @Override
    public int opMod() {
      return OBJECT_TYPE;
    }

    @Override
    public int inputBytes() {
      return 16;
    }

    @Override
    public int outputBytes() {
      return COMMAND_BYTES;
    }

    @Override
    public void write(Words in) {
      in.dword(0x8, object);
    }

    /** Returns the state. */
    @Override
    public Integer read(Words out) {
      return out.bits(CONTEXT + 0x10, 31, 28);
    }
  }

  /**
   * Ends a tracker.
   *
   * @param object the tracker
   */
  public record Destroy(int object) implements PlainCommand {

    @Override
    public Opcode opcode() {
      return Opcode.DESTROY_GENERAL_OBJECT;
    }

    @Override
    public int opMod() {
      return OBJECT_TYPE;
    }

    @Override
    public void write(Words in) {
      in.dword(0x8, object);
    }
  }

  /** Whether an object-change event is about a tracker. */
  public static boolean isAbout(Words event, int object) {
    return event.bits(0x0, 15, 0) == OBJECT_TYPE && event.dword(0x4) == object;
  }
}
