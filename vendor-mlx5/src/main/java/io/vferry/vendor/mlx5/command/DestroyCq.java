package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Removes a completion queue. */
public record DestroyCq(int cqn) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.DESTROY_CQ;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 23, 0, cqn);
  }
}
