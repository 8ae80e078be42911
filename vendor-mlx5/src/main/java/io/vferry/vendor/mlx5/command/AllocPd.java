package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Allocates a protection domain. */
public record AllocPd() implements Command<Integer> {

  @Override
  public Opcode opcode() {
    return Opcode.ALLOC_PD;
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

  /** Returns its number. */
  @Override
  public Integer read(Words out) {
    return out.bits(0x8, 23, 0);
  }
}
