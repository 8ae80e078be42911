package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/** What a guest's driver knows beside its memory. Each end of a ring follows from a count. */
final class HisiAccGuestState {

  private static final long MAGIC = 0x5441_4753_4943_4148L;
  private static final int VERSION = 3;
  private static final int MAX_VIOLATIONS = 16;
  private static final int MAX_TEXT_BYTES = 400;

  final HisiAccWorkload workload;
  final long[] submitted;
  final long[] consumed;
  boolean loaded;
  long eventsRead;
  long asyncEventsRead;
  long resets;

  /** Tasks that never get a result: the device was reset, or their queue stopped. */
  long unfinished;

  long interrupts;

  /** Tasks whose results the guest had not seen when it was moved; of all moves. */
  long caught;

  /** The last one of the physical function. */
  long message;

  int nextQueue;
  final List<String> violations = new ArrayList<>();

  HisiAccGuestState(HisiAccWorkload workload) {
    this.workload = workload;
    this.submitted = new long[workload.queues()];
    this.consumed = new long[workload.queues()];
  }

  /** Returns what a driver knows that is loaded anew after this one, maybe with other queues. */
  HisiAccGuestState fresh(HisiAccWorkload other) {
    HisiAccGuestState fresh = new HisiAccGuestState(other);
    fresh.resets = resets;
    fresh.unfinished = unfinished;
    fresh.interrupts = interrupts;
    fresh.message = message;
    fresh.caught = caught;
    fresh.violations.addAll(violations);
    return fresh;
  }

  /** Returns how many results the guest has seen. */
  long totalConsumed() {
    return Arrays.stream(consumed).sum();
  }

  /** Returns how many tasks were handed out whose results were not seen. */
  long outstanding() {
    return Arrays.stream(submitted).sum() - totalConsumed();
  }

  int queues() {
    return submitted.length;
  }

  void violation(String what) {
    if (violations.size() < MAX_VIOLATIONS) {
      violations.add(what);
    }
  }

  ByteBuffer encode(int pendingInterrupts) {
    List<byte[]> texts =
        violations.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
    ByteBuffer out =
        ByteBuffer.allocate(
                128
                    + queues() * 2 * Long.BYTES
                    + texts.stream().mapToInt(text -> 4 + text.length).sum())
            .order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(MAGIC).putInt(VERSION).putInt(queues()).putInt(loaded ? 1 : 0);
    out.putInt(workload.depth()).putInt(workload.taskBytes()).putInt(workload.tasksPerSecond());
    out.putLong(workload.seed());
    out.putInt(pendingInterrupts).putInt(nextQueue);
    out.putLong(eventsRead).putLong(asyncEventsRead).putLong(resets).putLong(unfinished);
    out.putLong(interrupts).putLong(message).putLong(caught);
    for (int queue = 0; queue < queues(); queue++) {
      out.putLong(submitted[queue]).putLong(consumed[queue]);
    }
    out.putInt(texts.size());
    for (byte[] text : texts) {
      int length = Math.min(text.length, MAX_TEXT_BYTES);
      out.putInt(length).put(text, 0, length);
    }
    CRC32C crc = new CRC32C();
    crc.update(out.duplicate().flip());
    return out.putInt((int) crc.getValue()).flip();
  }

  /** What came. */
  record Decoded(HisiAccGuestState state, int pendingInterrupts) {}

  /** Reads an untrusted state. */
  static Decoded decode(ByteBuffer untrusted, HisiAccKind kind) throws MigrationException {
    ByteBuffer in = untrusted.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < Long.BYTES + 2 * Integer.BYTES || in.getLong() != MAGIC) {
      throw corrupt("is none of this driver");
    }
    int version = in.getInt();
    int queues = in.getInt();
    if (version != VERSION || queues < 1 || queues > HisiAccWorkload.MAX_QUEUES) {
      throw new MigrationException(
          DeviceError.DATA_INCOMPATIBLE,
          "the guest driver's state has version %d and %d queues; this driver knows %d, and up to %d"
              .formatted(version, queues, VERSION, HisiAccWorkload.MAX_QUEUES));
    }
    int fixed = 100 + queues * 2 * Long.BYTES + Integer.BYTES;
    if (in.limit() < fixed) {
      throw corrupt("is cut off");
    }
    CRC32C crc = new CRC32C();
    crc.update(in.slice(0, in.limit() - Integer.BYTES));
    if ((int) crc.getValue() != in.getInt(in.limit() - Integer.BYTES)) {
      throw corrupt("is damaged");
    }
    boolean loaded = in.getInt() != 0;
    HisiAccGuestState state = new HisiAccGuestState(workload(in, kind, queues));
    state.loaded = loaded;
    int pending = in.getInt();
    state.nextQueue = Math.floorMod(in.getInt(), queues);
    state.eventsRead = in.getLong();
    state.asyncEventsRead = in.getLong();
    state.resets = in.getLong();
    state.unfinished = in.getLong();
    state.interrupts = in.getLong();
    state.message = in.getLong();
    state.caught = in.getLong();
    for (int queue = 0; queue < queues; queue++) {
      state.submitted[queue] = in.getLong();
      state.consumed[queue] = in.getLong();
      if (state.consumed[queue] < 0 || state.submitted[queue] < state.consumed[queue]) {
        throw corrupt("counts more results than tasks");
      }
    }
    int texts = in.getInt();
    if (texts < 0 || texts > MAX_VIOLATIONS) {
      throw corrupt("has " + texts + " texts");
    }
    for (int text = 0; text < texts; text++) {
      int length = in.remaining() < Integer.BYTES ? -1 : in.getInt();
      if (length < 0 || length > MAX_TEXT_BYTES || length > in.remaining()) {
        throw corrupt("has a text of " + length + " bytes");
      }
      byte[] bytes = new byte[length];
      in.get(bytes);
      state.violations.add(new String(bytes, StandardCharsets.UTF_8));
    }
    if (in.remaining() != Integer.BYTES) {
      throw corrupt("has " + in.remaining() + " bytes too many");
    }
    return new Decoded(state, pending);
  }

  private static HisiAccWorkload workload(ByteBuffer in, HisiAccKind kind, int queues)
      throws MigrationException {
    int depth = in.getInt();
    int taskBytes = in.getInt();
    int tasksPerSecond = in.getInt();
    if (depth < HisiAccWorkload.MIN_DEPTH
        || depth > HisiAccWorkload.MAX_DEPTH
        || taskBytes < HisiAccWorkload.MIN_TASK_BYTES
        || taskBytes > HisiAccWorkload.MAX_TASK_BYTES
        || tasksPerSecond < 0
        || tasksPerSecond > HisiAccWorkload.MAX_TASKS_PER_SECOND) {
      throw corrupt("has a workload that makes no sense");
    }
    return new HisiAccWorkload(kind, queues, depth, taskBytes, tasksPerSecond, in.getLong());
  }

  private static MigrationException corrupt(String what) {
    return new MigrationException(DeviceError.DATA_CORRUPT, "the guest driver's state " + what);
  }
}
