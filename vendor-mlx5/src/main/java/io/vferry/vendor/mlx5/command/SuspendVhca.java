package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;

/** Stops one side of a function. The initiator is stopped first, then the responder. */
public record SuspendVhca(int vhcaId, Side side) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.SUSPEND_VHCA;
  }

  @Override
  public int opMod() {
    return side == Side.INITIATOR ? OpMod.SUSPEND_INITIATOR : OpMod.SUSPEND_RESPONDER;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, vhcaId);
  }
}
