package io.vferry.vendor.hisiacc.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Streams written by hand, from the layout that Linux 6.17 documents in {@code
 * hisi_acc_vfio_pci.h}; nothing of the driver is used.
 */
final class HisiAccStreams {

  static final long V1 = 0xcdcdcdcdfeedaaccL;
  static final long V2 = 0xaaccfeeddecadedeL;

  private HisiAccStreams() {}

  static ByteBuffer match(long magic, int queues, int deviceId, int isolation, int major) {
    return bytes(40)
        .putLong(0, magic)
        .putInt(8, queues)
        .putInt(12, deviceId)
        .putInt(16, isolation)
        .putShort(28, (short) major);
  }

  /** A function with event rings at the given addresses; the copies of them can be wrong. */
  static ByteBuffer state(
      long magic, int queues, long eventRing, long asyncRing, long sqcArray, long cqcArray) {
    ByteBuffer stream = bytes(176);
    stream.put(0, match(magic, queues, 0xa251, 0, magic == V2 ? 1 : 0).array());
    context(stream, 0x40, eventRing);
    context(stream, 0x5c, asyncRing);
    stream.putLong(0x90, magic == V1 ? eventRing << 32 : eventRing);
    stream.putLong(0x98, magic == V1 ? asyncRing << 32 : asyncRing);
    return stream.putLong(0xa0, sqcArray).putLong(0xa8, cqcArray);
  }

  private static void context(ByteBuffer stream, int at, long ring) {
    stream.putInt(at, 5 | 9 << 16);
    stream.putInt(at + 4, (int) ring);
    stream.putInt(at + 8, (int) (ring >>> 32));
    stream.putInt(at + 24, 127 | 1 << 16);
  }

  /** Returns the bytes of a stream, to be changed. */
  static ByteBuffer of(byte[] stream) {
    return ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
  }
}
