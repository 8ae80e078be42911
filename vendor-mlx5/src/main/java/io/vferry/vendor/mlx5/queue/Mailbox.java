package io.vferry.vendor.mlx5.queue;

import java.nio.ByteBuffer;

/**
 * A block of a mailbox chain. Source: Linux 6.12, {@code include/linux/mlx5/device.h}, {@code
 * struct mlx5_cmd_prot_block}.
 *
 * @param address I/O virtual address
 * @param bytes its memory, big endian
 */
record Mailbox(long address, ByteBuffer bytes) {

  static final int DATA_BYTES = 512;
  static final int BLOCK_BYTES = 576;

  private static final int RESERVED = 0x200;
  private static final int NEXT = 0x230;
  private static final int NUMBER = 0x238;
  private static final int TOKEN = 0x23d;
  private static final int CONTROL_SIGNATURE = 0x23e;
  private static final int BLOCK_SIGNATURE = 0x23f;
  private static final byte[] ZEROS = new byte[BLOCK_BYTES];

  /** Clears the block and writes all that surrounds the data, which is empty so far. */
  void prepare(long next, int number, byte token) {
    bytes.put(0, ZEROS);
    bytes.putLong(NEXT, next).putInt(NUMBER, number).put(TOKEN, token);
  }

  /** Signs the block, whose content is final. */
  void sign() {
    bytes.put(CONTROL_SIGNATURE, XorSignature.over(bytes, RESERVED, CONTROL_SIGNATURE));
    bytes.put(BLOCK_SIGNATURE, XorSignature.over(bytes, 0, BLOCK_SIGNATURE));
  }

  /** Whether both signatures fit. */
  boolean intact() {
    return XorSignature.intact(bytes, RESERVED, CONTROL_SIGNATURE + 1)
        && XorSignature.intact(bytes, 0, BLOCK_BYTES);
  }

  byte token() {
    return bytes.get(TOKEN);
  }
}
