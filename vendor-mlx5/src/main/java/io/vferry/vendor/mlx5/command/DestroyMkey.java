package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Takes a memory key back. */
public record DestroyMkey(int mkey) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.DESTROY_MKEY;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 23, 0, mkey >>> 8);
  }
}
