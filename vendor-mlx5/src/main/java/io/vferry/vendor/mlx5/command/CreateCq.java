package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Creates a completion queue with entries of 64 bytes.
 *
 * @param logSize log2 of the number of entries
 * @param uar page of doorbells
 * @param eqn event queue for its errors
 * @param firstAddress I/O virtual address of the first page of entries; the others follow it
 * @param doorbellAddress I/O virtual address of the doorbell record
 */
public record CreateCq(int logSize, int uar, int eqn, long firstAddress, long doorbellAddress)
    implements Command<Integer> {

  /** Length of an entry. */
  public static final int ENTRY_BYTES = 64;

  private static final int PAGE_BYTES = 4096;
  private static final int HEAD_BYTES = 0x110;
  private static final int CONTEXT = 0x10;

  private int pages() {
    return Math.max(1, (ENTRY_BYTES << logSize) / PAGE_BYTES);
  }

  @Override
  public Opcode opcode() {
    return Opcode.CREATE_CQ;
  }

  @Override
  public int inputBytes() {
    return HEAD_BYTES + Long.BYTES * pages();
  }

  @Override
  public int outputBytes() {
    return 16;
  }

  @Override
  public void write(Words in) {
    in.bits(CONTEXT + 0xc, 28, 24, logSize)
        .bits(CONTEXT + 0xc, 23, 0, uar)
        .dword(CONTEXT + 0x14, eqn)
        .quad(CONTEXT + 0x38, doorbellAddress);
    for (int page = 0; page < pages(); page++) {
      in.quad(HEAD_BYTES + Long.BYTES * page, firstAddress + (long) page * PAGE_BYTES);
    }
  }

  /** Returns the queue's number. */
  @Override
  public Integer read(Words out) {
    return out.bits(0x8, 23, 0);
  }
}
