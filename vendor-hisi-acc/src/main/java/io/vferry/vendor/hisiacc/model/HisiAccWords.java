package io.vferry.vendor.hisiacc.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Registers of 32 bits: wider accesses reach several, narrower ones read a part of one. */
abstract class HisiAccWords implements HisiAccModelRegion.Registers {

  abstract int word(long offset);

  abstract void word(long offset, int value);

  @Override
  public void read(long offset, ByteBuffer into) {
    if (into.remaining() < Integer.BYTES) {
      int word = word(offset & ~3L) >>> ((int) (offset & 3) * Byte.SIZE);
      while (into.hasRemaining()) {
        into.put((byte) word);
        word >>>= Byte.SIZE;
      }
      return;
    }
    for (long at = offset; into.hasRemaining(); at += Integer.BYTES) {
      into.putInt(word(at));
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) {
    ByteBuffer in = from.order(ByteOrder.LITTLE_ENDIAN);
    // Registers take whole words.
    for (long at = offset; in.remaining() >= Integer.BYTES; at += Integer.BYTES) {
      word(at, in.getInt());
    }
  }
}
