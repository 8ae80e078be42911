package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Sets a block of capabilities of the function whose queue it is.
 *
 * @param type as in {@link io.vferry.vendor.mlx5.prm.CapabilityType}
 * @param block {@link QueryHcaCap#BLOCK_BYTES} bytes, not changed afterwards
 */
public record SetHcaCap(int type, ByteBuffer block) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.SET_HCA_CAP;
  }

  @Override
  public int opMod() {
    return type << 1;
  }

  @Override
  public int inputBytes() {
    return QueryHcaCap.BLOCK + QueryHcaCap.BLOCK_BYTES;
  }

  @Override
  public void write(Words in) {
    ByteBuffer from = block.duplicate().order(ByteOrder.BIG_ENDIAN);
    for (int offset = 0; offset < QueryHcaCap.BLOCK_BYTES; offset += Integer.BYTES) {
      in.dword(QueryHcaCap.BLOCK + offset, from.getInt(offset));
    }
  }
}
