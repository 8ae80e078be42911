package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Makes the function whose queue it is ready for use. */
public record InitHca() implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.INIT_HCA;
  }

  @Override
  public int inputBytes() {
    return 32;
  }

  @Override
  public void write(Words in) {}
}
