package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;

/** What follows the header of a message. */
public interface Payload {

  /** The payload of messages that have none. */
  Payload NONE =
      new Payload() {
        @Override
        public int sizeBytes() {
          return 0;
        }

        @Override
        public void put(ByteBuffer out) {}
      };

  /** Returns how many bytes {@link #put} writes. */
  int sizeBytes();

  /**
   * Writes the payload at the position of a buffer, and moves the position behind it.
   *
   * @param out in native order, with room for {@link #sizeBytes()}
   */
  void put(ByteBuffer out);
}
