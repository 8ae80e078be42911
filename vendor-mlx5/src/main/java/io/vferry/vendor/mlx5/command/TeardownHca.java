package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Ends the use of the function whose queue it is, in good order. */
public record TeardownHca() implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.TEARDOWN_HCA;
  }

  /** Profile 0, the graceful one. */
  @Override
  public void write(Words in) {}
}
