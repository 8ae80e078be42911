package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Creates an event queue.
 *
 * @param logSize log2 of the number of entries
 * @param uar page of doorbells
 * @param vector interrupt to signal
 * @param eventMask one bit for each of the event types 0 to 63
 * @param firstAddress I/O virtual address of the first page of entries; the others follow it
 */
public record CreateEq(int logSize, int uar, int vector, long eventMask, long firstAddress)
    implements Command<Integer> {

  /** Length of an entry. */
  public static final int ENTRY_BYTES = 64;

  private static final int PAGE_BYTES = 4096;
  private static final int HEAD_BYTES = 0x110;
  private static final int CONTEXT = 0x10;

  /** Returns the number of pages that the entries fill. */
  public int pages() {
    return Math.max(1, (ENTRY_BYTES << logSize) / PAGE_BYTES);
  }

  @Override
  public Opcode opcode() {
    return Opcode.CREATE_EQ;
  }

  @Override
  public int inputBytes() {
    return HEAD_BYTES + Long.BYTES * pages();
  }

  @Override
  public int outputBytes() {
    return 16;
  }

  /** The first word of the mask holds the types 0 to 63. */
  @Override
  public void write(Words in) {
    in.bits(CONTEXT + 0xc, 28, 24, logSize)
        .bits(CONTEXT + 0xc, 23, 0, uar)
        .bits(CONTEXT + 0x14, 11, 0, vector)
        .quad(0x58, eventMask);
    for (int page = 0; page < pages(); page++) {
      in.quad(HEAD_BYTES + Long.BYTES * page, firstAddress + (long) page * PAGE_BYTES);
    }
  }

  /** Returns the queue's number. */
  @Override
  public Integer read(Words out) {
    return out.bits(0x8, 7, 0);
  }
}
