package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Frees a protection domain. */
public record DeallocPd(int pd) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.DEALLOC_PD;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 23, 0, pd);
  }
}
