package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Removes a queue pair. */
public record DestroyQp(int qpn) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.DESTROY_QP;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 23, 0, qpn);
  }
}
