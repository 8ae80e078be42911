package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Chooses a command format. */
public record SetIssi(int issi) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.SET_ISSI;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, issi);
  }
}
