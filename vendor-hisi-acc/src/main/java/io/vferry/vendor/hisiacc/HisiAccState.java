package io.vferry.vendor.hisiacc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The registers of a function whose guest driver is ready: what follows the first 40 bytes of a
 * stream. The addresses of the event rings are not kept: they follow from the contexts, and a
 * second copy could only disagree.
 *
 * @param aeqIntMask register
 * @param eqIntMask register
 * @param ifcIntSource register
 * @param ifcIntMask register
 * @param ifcIntSet register
 * @param pageSize register
 * @param eqc event queue context, 7 words
 * @param aeqc asynchronous event queue context, 7 words
 * @param sqcAddress of the array of submission queue contexts
 * @param cqcAddress of the array of completion queue contexts
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; owned by whoever read them.
record HisiAccState(
    int aeqIntMask,
    int eqIntMask,
    int ifcIntSource,
    int ifcIntMask,
    int ifcIntSet,
    int pageSize,
    int[] eqc,
    int[] aeqc,
    long sqcAddress,
    long cqcAddress) {

  /** Reads a whole stream; 176 bytes from index 0. */
  static HisiAccState read(ByteBuffer stream) {
    ByteBuffer in = stream.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    return new HisiAccState(
        in.getInt(HisiAccStreamFormat.AEQ_INT_MASK),
        in.getInt(HisiAccStreamFormat.EQ_INT_MASK),
        in.getInt(HisiAccStreamFormat.IFC_INT_SOURCE),
        in.getInt(HisiAccStreamFormat.IFC_INT_MASK),
        in.getInt(HisiAccStreamFormat.IFC_INT_SET),
        in.getInt(HisiAccStreamFormat.PAGE_SIZE),
        words(in, HisiAccStreamFormat.EQC),
        words(in, HisiAccStreamFormat.AEQC),
        in.getLong(HisiAccStreamFormat.SQC_ADDRESS),
        in.getLong(HisiAccStreamFormat.CQC_ADDRESS));
  }

  /** Writes what follows the first 40 bytes of a stream. */
  void write(ByteBuffer stream) {
    ByteBuffer out = stream.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(HisiAccStreamFormat.AEQ_INT_MASK, aeqIntMask);
    out.putInt(HisiAccStreamFormat.EQ_INT_MASK, eqIntMask);
    out.putInt(HisiAccStreamFormat.IFC_INT_SOURCE, ifcIntSource);
    out.putInt(HisiAccStreamFormat.IFC_INT_MASK, ifcIntMask);
    out.putInt(HisiAccStreamFormat.IFC_INT_SET, ifcIntSet);
    out.putInt(HisiAccStreamFormat.PAGE_SIZE, pageSize);
    words(out, HisiAccStreamFormat.EQC, eqc);
    words(out, HisiAccStreamFormat.AEQC, aeqc);
    out.putLong(HisiAccStreamFormat.EQE_ADDRESS, ringAddress(eqc));
    out.putLong(HisiAccStreamFormat.AEQE_ADDRESS, ringAddress(aeqc));
    out.putLong(HisiAccStreamFormat.SQC_ADDRESS, sqcAddress);
    out.putLong(HisiAccStreamFormat.CQC_ADDRESS, cqcAddress);
  }

  /** Returns the address of the ring of an event queue: word 1 is its low half, word 2 its high. */
  static long ringAddress(int[] context) {
    return (context[2] & 0xffffffffL) << 32 | (context[1] & 0xffffffffL);
  }

  /** Returns how far the guest has read an event queue. */
  static int head(int[] context) {
    return context[0] & 0xffff;
  }

  /** Returns how far the device has written an event queue. */
  static int tail(int[] context) {
    return context[0] >>> 16;
  }

  /** Returns whether each ring and each array is somewhere, so that the device can be loaded. */
  boolean complete() {
    return ringAddress(eqc) != 0 && ringAddress(aeqc) != 0 && sqcAddress != 0 && cqcAddress != 0;
  }

  private static int[] words(ByteBuffer in, int offset) {
    int[] words = new int[7];
    for (int word = 0; word < words.length; word++) {
      words[word] = in.getInt(offset + word * Integer.BYTES);
    }
    return words;
  }

  private static void words(ByteBuffer out, int offset, int[] words) {
    for (int word = 0; word < words.length; word++) {
      out.putInt(offset + word * Integer.BYTES, words[word]);
    }
  }
}
