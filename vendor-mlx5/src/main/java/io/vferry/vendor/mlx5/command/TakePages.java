package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes pages back from the firmware.
 *
 * @param functionId from which function
 * @param count at most how many, at least 1
 */
public record TakePages(int functionId, int count) implements Command<List<Long>> {

  private static final int HEAD_BYTES = 0x10;

  @Override
  public Opcode opcode() {
    return Opcode.MANAGE_PAGES;
  }

  @Override
  public int opMod() {
    return OpMod.MANAGE_PAGES_TAKE;
  }

  @Override
  public int inputBytes() {
    return 16;
  }

  @Override
  public int outputBytes() {
    return HEAD_BYTES + Long.BYTES * count;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, functionId).dword(0xc, count);
  }

  /** Returns the addresses of the pages that came back, not more than were asked for. */
  @Override
  public List<Long> read(Words out) {
    int returned = Math.max(0, Math.min(count, out.dword(0x8)));
    List<Long> addresses = new ArrayList<>(returned);
    for (int page = 0; page < returned; page++) {
      addresses.add(out.quad(HEAD_BYTES + Long.BYTES * page));
    }
    return addresses;
  }
}
