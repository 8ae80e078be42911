package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Gives the device access to pages of this host's memory, for reading and writing.
 *
 * @param pd a protection domain
 * @param firstAddress I/O virtual address of the first page; the others follow it
 * @param pages how many pages of 4096 bytes, at least 1
 */
public record CreateMkey(int pd, long firstAddress, int pages) implements Command<Integer> {

  private static final int LOG_PAGE_BYTES = 12;
  private static final int HEAD_BYTES = 0x110;
  private static final int CONTEXT = 0x10;
  private static final int ACCESS_MODE_MTT = 1;
  private static final int ANY_QP = 0xffffff;

  @Override
  public Opcode opcode() {
    return Opcode.CREATE_MKEY;
  }

  /** Two pages make an octword. */
  private int octwords() {
    return (pages + 1) / 2;
  }

  @Override
  public int inputBytes() {
    return HEAD_BYTES + 2 * Long.BYTES * octwords();
  }

  @Override
  public int outputBytes() {
    return 16;
  }

  @Override
  public void write(Words in) {
    in.bit(CONTEXT, 13, true) // rw
        .bit(CONTEXT, 12, true) // rr
        .bit(CONTEXT, 11, true) // lw
        .bit(CONTEXT, 10, true) // lr
        .bits(CONTEXT, 9, 8, ACCESS_MODE_MTT)
        .bits(CONTEXT + 0x4, 31, 8, ANY_QP)
        .bits(CONTEXT + 0xc, 23, 0, pd)
        .quad(CONTEXT + 0x18, (long) pages << LOG_PAGE_BYTES)
        .dword(CONTEXT + 0x34, octwords())
        .bits(CONTEXT + 0x38, 5, 0, LOG_PAGE_BYTES)
        .dword(0x60, octwords());
    for (int page = 0; page < pages; page++) {
      in.quad(HEAD_BYTES + Long.BYTES * page, firstAddress + ((long) page << LOG_PAGE_BYTES));
    }
  }

  /** Returns the key: its index with a key byte of 0 behind. */
  @Override
  public Integer read(Words out) {
    return out.bits(0x8, 23, 0) << 8;
  }
}
