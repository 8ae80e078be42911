package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Turns a function off. */
public record DisableHca(int functionId) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.DISABLE_HCA;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, functionId);
  }
}
