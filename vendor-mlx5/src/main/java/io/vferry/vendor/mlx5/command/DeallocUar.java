package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Frees a page of doorbells. */
public record DeallocUar(int uar) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.DEALLOC_UAR;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 23, 0, uar);
  }
}
