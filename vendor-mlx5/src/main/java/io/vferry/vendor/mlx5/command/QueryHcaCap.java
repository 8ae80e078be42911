package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.nio.ByteBuffer;

/**
 * Reads a block of capabilities.
 *
 * @param type as in {@link io.vferry.vendor.mlx5.prm.CapabilityType}
 * @param maximum what the device could offer, rather than what is on
 * @param functionId 0 for the function whose queue it is, <i>n</i> + 1 for its virtual function
 *     <i>n</i>
 */
public record QueryHcaCap(int type, boolean maximum, int functionId)
    implements Command<ByteBuffer> {

  /** Length of a block. */
  public static final int BLOCK_BYTES = 4096;

  static final int BLOCK = 0x10;

  @Override
  public Opcode opcode() {
    return Opcode.QUERY_HCA_CAP;
  }

  @Override
  public int opMod() {
    return type << 1 | (maximum ? OpMod.CAPABILITY_MAXIMUM : OpMod.CAPABILITY_CURRENT);
  }

  @Override
  public int inputBytes() {
    return 16;
  }

  @Override
  public int outputBytes() {
    return BLOCK + BLOCK_BYTES;
  }

  @Override
  public void write(Words in) {
    in.bit(0x8, 31, functionId != 0).bits(0x8, 15, 0, functionId);
  }

  /** Returns a copy of the block. */
  @Override
  public ByteBuffer read(Words out) {
    ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES);
    for (int offset = 0; offset < BLOCK_BYTES; offset += Integer.BYTES) {
      block.putInt(offset, out.dword(BLOCK + offset));
    }
    return block;
  }
}
