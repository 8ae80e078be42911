package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.OpMod;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.util.List;

/**
 * Gives pages to the firmware, or, with an empty list, says that there are none.
 *
 * @param functionId for which function
 * @param addresses I/O virtual addresses of pages of 4096 bytes
 */
public record GivePages(int functionId, List<Long> addresses) implements PlainCommand {

  private static final int HEAD_BYTES = 0x10;

  /** Creates the command; the list is copied. */
  public GivePages {
    addresses = List.copyOf(addresses);
  }

  @Override
  public Opcode opcode() {
    return Opcode.MANAGE_PAGES;
  }

  @Override
  public int opMod() {
    return addresses.isEmpty() ? OpMod.MANAGE_PAGES_CANNOT_GIVE : OpMod.MANAGE_PAGES_GIVE;
  }

  @Override
  public int inputBytes() {
    return HEAD_BYTES + Long.BYTES * addresses.size();
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, functionId).dword(0xc, addresses.size());
    int offset = HEAD_BYTES;
    for (long address : addresses) {
      in.quad(offset, address);
      offset += Long.BYTES;
    }
  }
}
