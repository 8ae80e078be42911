package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/** Asks which command formats the firmware understands. Source of the length: rdma-core. */
public record QueryIssi() implements Command<QueryIssi.Formats> {

  /**
   * The answer.
   *
   * @param current the format in use
   * @param supported one bit for each of the formats 0 to 31
   */
  public record Formats(int current, int supported) {}

  @Override
  public Opcode opcode() {
    return Opcode.QUERY_ISSI;
  }

  @Override
  public int inputBytes() {
    return 16;
  }

  @Override
  public int outputBytes() {
    return 0x70;
  }

  @Override
  public void write(Words in) {}

  @Override
  public Formats read(Words out) {
    return new Formats(out.bits(0x8, 15, 0), out.dword(0x6c));
  }
}
