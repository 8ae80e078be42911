package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;

/** Tells the firmware the byte order of this host, as rdma-core does at start-up. */
public record SetHostEndianness(boolean bigEndian) implements PlainCommand {

  private static final int REGISTER_HOST_ENDIANNESS = 0x7004;
  private static final int BIG_ENDIAN_HOST = 0x80;

  @Override
  public Opcode opcode() {
    return Opcode.ACCESS_REG;
  }

  @Override
  public int opMod() {
    return OpMod.ACCESS_REG_WRITE;
  }

  @Override
  public int inputBytes() {
    return 32;
  }

  @Override
  public int outputBytes() {
    return 32;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, REGISTER_HOST_ENDIANNESS);
    in.bits(0x10, 31, 24, bigEndian ? BIG_ENDIAN_HOST : 0);
  }
}
