package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Asks how many pages of memory the firmware needs.
 *
 * @param functionId for which function
 * @param phase for what
 */
public record QueryPages(int functionId, Phase phase) implements Command<Integer> {

  /** For what the firmware needs pages. */
  public enum Phase {
    /** Before the capabilities are set. */
    BOOT,
    /** Before the function is initialised. */
    INIT
  }

  @Override
  public Opcode opcode() {
    return Opcode.QUERY_PAGES;
  }

  @Override
  public int opMod() {
    return phase == Phase.BOOT ? OpMod.QUERY_PAGES_BOOT : OpMod.QUERY_PAGES_INIT;
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
  public void write(Words in) {
    in.bits(0x8, 15, 0, functionId);
  }

  /** Returns how many pages; negative if some come back. */
  @Override
  public Integer read(Words out) {
    return out.dword(0xc);
  }
}
