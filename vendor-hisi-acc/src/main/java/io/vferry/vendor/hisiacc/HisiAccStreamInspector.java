package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Explains each field of a stream of either version. */
final class HisiAccStreamInspector implements StreamInspector {

  @Override
  public List<Field> inspect(ByteBuffer stream) throws MigrationException {
    ByteBuffer in = stream.slice().order(ByteOrder.LITTLE_ENDIAN);
    int length = in.remaining();
    if (length != HisiAccStreamFormat.MATCH_BYTES && length != HisiAccStreamFormat.STATE_BYTES) {
      throw new MigrationException(
          DeviceError.DATA_CORRUPT,
          "a stream of %d bytes is not whole at offset %d; it has %d bytes, or %d if the guest's driver was not loaded"
              .formatted(
                  length,
                  Math.min(length, HisiAccStreamFormat.STATE_BYTES),
                  HisiAccStreamFormat.STATE_BYTES,
                  HisiAccStreamFormat.MATCH_BYTES));
    }
    HisiAccMatch match = HisiAccMatch.read(in);
    if (!match.understood()) {
      throw new MigrationException(
          DeviceError.DATA_INCOMPATIBLE,
          "at offset 0 is magic 0x%x with version %d; known are 0x%x with version %d, and 0x%x"
              .formatted(
                  match.magic(),
                  match.major(),
                  HisiAccStreamFormat.MAGIC_V2,
                  HisiAccStreamFormat.MAJOR,
                  HisiAccStreamFormat.MAGIC_V1));
    }
    boolean first = match.magic() == HisiAccStreamFormat.MAGIC_V1;
    Listing fields = new Listing(in);
    fields.add(
        HisiAccStreamFormat.MAGIC,
        8,
        "magic",
        "0x%016x (version %d)".formatted(match.magic(), first ? 1 : 2));
    fields.add(
        HisiAccStreamFormat.QUEUE_COUNT,
        4,
        HisiAccCompatibility.QUEUE_COUNT,
        Integer.toUnsignedString(match.queueCount()));
    fields.add(
        HisiAccStreamFormat.DEVICE_ID,
        4,
        HisiAccCompatibility.DEVICE_ID,
        HisiAccCompatibility.device(match.deviceId()));
    fields.add(
        HisiAccStreamFormat.QUEUE_ISOLATION,
        4,
        HisiAccCompatibility.QUEUE_ISOLATION,
        HisiAccCompatibility.onOff(match.isolation()));
    fields.add(
        HisiAccStreamFormat.FIRST_QUEUE,
        4,
        "first-queue",
        Integer.toUnsignedString(match.firstQueue()));
    fields.add(
        HisiAccStreamFormat.GUEST_STATE,
        4,
        "guest-driver",
        match.guestState() == 0 ? "ready" : "not ready (0x%x)".formatted(match.guestState()));
    if (first) {
      fields.add(HisiAccStreamFormat.MAJOR_VERSION, 12, "reserved", "");
    } else {
      fields.add(
          HisiAccStreamFormat.MAJOR_VERSION, 2, "major-version", Integer.toString(match.major()));
      fields.add(
          HisiAccStreamFormat.MINOR_VERSION, 2, "minor-version", Integer.toString(match.minor()));
      fields.add(HisiAccStreamFormat.MATCH_RESERVED, 8, "reserved", "");
    }
    if (length == HisiAccStreamFormat.STATE_BYTES) {
      state(fields, HisiAccState.read(in), in);
    }
    return fields.all;
  }

  private static void state(Listing fields, HisiAccState state, ByteBuffer in) {
    fields.word(HisiAccStreamFormat.AEQ_INT_MASK, "aeq-int-mask");
    fields.word(HisiAccStreamFormat.EQ_INT_MASK, "eq-int-mask");
    fields.word(HisiAccStreamFormat.IFC_INT_SOURCE, "ifc-int-source");
    fields.word(HisiAccStreamFormat.IFC_INT_MASK, "ifc-int-mask");
    fields.word(HisiAccStreamFormat.IFC_INT_SET, "ifc-int-set");
    fields.add(
        HisiAccStreamFormat.PAGE_SIZE,
        4,
        "page-size",
        switch (state.pageSize()) {
          case 0 -> "4 KiB";
          case 1 -> "16 KiB";
          case 2 -> "64 KiB";
          default -> "0x%x".formatted(state.pageSize());
        });
    context(fields, HisiAccStreamFormat.EQC, "eqc", state.eqc());
    context(fields, HisiAccStreamFormat.AEQC, "aeqc", state.aeqc());
    fields.add(HisiAccStreamFormat.RESERVED, 20, "reserved", "");
    fields.add(HisiAccStreamFormat.RESERVED + 20, 4, "padding", "");
    ring(fields, HisiAccStreamFormat.EQE_ADDRESS, "eqe-address", state.eqc(), in);
    ring(fields, HisiAccStreamFormat.AEQE_ADDRESS, "aeqe-address", state.aeqc(), in);
    fields.add(
        HisiAccStreamFormat.SQC_ADDRESS, 8, "sqc-address", "0x%x".formatted(state.sqcAddress()));
    fields.add(
        HisiAccStreamFormat.CQC_ADDRESS, 8, "cqc-address", "0x%x".formatted(state.cqcAddress()));
  }

  private static void context(Listing fields, int offset, String name, int[] words) {
    fields.add(
        offset,
        4,
        name + "-ends",
        "head %d, tail %d".formatted(words[0] & 0xffff, words[0] >>> 16));
    fields.word(offset + 4, name + "-base-low");
    fields.word(offset + 8, name + "-base-high");
    for (int word = 3; word < 6; word++) {
      fields.word(offset + word * 4, name + "-word" + word);
    }
    fields.add(
        offset + 24,
        4,
        name + "-word6",
        "depth %d, phase %d".formatted((words[6] & 0xffff) + 1, words[6] >>> 16 & 1));
  }

  /** Streams of some kernels have this address wrong; what the context says holds. */
  private static void ring(Listing fields, int offset, String name, int[] context, ByteBuffer in) {
    long told = in.getLong(offset);
    long right = HisiAccState.ringAddress(context);
    fields.add(
        offset,
        8,
        name,
        told == right
            ? "0x%x".formatted(told)
            : "0x%x (not used: the context says 0x%x)".formatted(told, right));
  }

  private static final class Listing {

    private final ByteBuffer in;
    private final List<Field> all = new ArrayList<>();

    Listing(ByteBuffer in) {
      this.in = in;
    }

    void add(int offset, int length, String name, String value) {
      all.add(new Field(offset, length, name, value));
    }

    void word(int offset, String name) {
      add(offset, 4, name, "0x%x".formatted(in.getInt(offset)));
    }
  }
}
