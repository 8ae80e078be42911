package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Allocates a page of doorbells. */
public record AllocUar() implements Command<Integer> {

  @Override
  public Opcode opcode() {
    return Opcode.ALLOC_UAR;
  }

  @Override
  public int inputBytes() {
    return 16;
  }

  @Override
  public int outputBytes() {
    return 16;
  }

  @Override
  public void write(Words in) {}

  /** Returns the number of the page in BAR 0. */
  @Override
  public Integer read(Words out) {
    return out.bits(0x8, 23, 0);
  }
}
