package io.vferry.vendor.mlx5.queue;

import java.nio.ByteBuffer;
import java.util.List;

/** One direction of a command: the part of its bytes that does not fit into the queue entry. */
record MailboxChain(List<Mailbox> blocks) {

  /** Bytes that stand in the queue entry. */
  static final int INLINE_BYTES = 16;

  /** Returns how many blocks a message needs. */
  static int blocksFor(int messageBytes) {
    return messageBytes <= INLINE_BYTES
        ? 0
        : (messageBytes - INLINE_BYTES + Mailbox.DATA_BYTES - 1) / Mailbox.DATA_BYTES;
  }

  /** Returns the address of the first block, 0 if there is none. */
  long address() {
    return blocks.isEmpty() ? 0 : blocks.get(0).address();
  }

  /** Links, numbers and signs the blocks, with the message from its 17th byte on. */
  void fill(ByteBuffer message, byte token) {
    for (int number = 0; number < blocks.size(); number++) {
      long next = number + 1 < blocks.size() ? blocks.get(number + 1).address() : 0;
      Mailbox block = blocks.get(number);
      block.prepare(next, number, token);
      int at = INLINE_BYTES + number * Mailbox.DATA_BYTES;
      int length = Math.min(Mailbox.DATA_BYTES, message.capacity() - at);
      if (length > 0) {
        block.bytes().put(0, message, at, length);
      }
      block.sign();
    }
  }

  /** Copies the blocks' data to a message from its 17th byte on. */
  void copyTo(ByteBuffer message) {
    for (int number = 0; number < blocks.size(); number++) {
      int at = INLINE_BYTES + number * Mailbox.DATA_BYTES;
      int length = Math.min(Mailbox.DATA_BYTES, message.capacity() - at);
      message.put(at, blocks.get(number).bytes(), 0, length);
    }
  }
}
