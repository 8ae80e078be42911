package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Removes an event queue. */
public record DestroyEq(int eqn) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.DESTROY_EQ;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 7, 0, eqn);
  }
}
