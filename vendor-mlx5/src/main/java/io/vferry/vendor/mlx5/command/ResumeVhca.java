package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;

/** Starts one side of a function. The responder is started first, then the initiator. */
public record ResumeVhca(int vhcaId, Side side) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.RESUME_VHCA;
  }

  @Override
  public int opMod() {
    return side == Side.RESPONDER ? OpMod.RESUME_RESPONDER : OpMod.RESUME_INITIATOR;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, vhcaId);
  }
}
