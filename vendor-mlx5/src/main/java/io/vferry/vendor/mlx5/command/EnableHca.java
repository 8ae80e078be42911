package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Turns a function on; 0 is the one whose queue it is, <i>n</i> + 1 the virtual one <i>n</i>. */
public record EnableHca(int functionId) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.ENABLE_HCA;
  }

  @Override
  public int outputBytes() {
    return 12;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, functionId);
  }
}
