package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Creates a reliable queue pair without a send queue of its own.
 *
 * @param pd a protection domain
 * @param uar page of doorbells
 * @param cqn completion queue of what it receives
 * @param logReceives log2 of the number of receives, each of 16 bytes; -1 for none
 * @param firstAddress I/O virtual address of the receives; whole pages
 * @param doorbellAddress I/O virtual address of the doorbell record
 */
public record CreateQp(
    int pd, int uar, int cqn, int logReceives, long firstAddress, long doorbellAddress)
    implements Command<Integer> {

  private static final int PAGE_BYTES = 4096;
  private static final int RECEIVE_BYTES = 16;

  private int pages() {
    return logReceives < 0 ? 1 : Math.max(1, (RECEIVE_BYTES << logReceives) / PAGE_BYTES);
  }

  @Override
  public Opcode opcode() {
    return Opcode.CREATE_QP;
  }

  @Override
  public int inputBytes() {
    return QpContext.COMMAND_BYTES + Long.BYTES * pages();
  }

  @Override
  public int outputBytes() {
    return 16;
  }

  @Override
  public void write(Words in) {
    QpContext.create(in, pd, uar, cqn, Math.max(0, logReceives), logReceives >= 0, doorbellAddress);
    for (int page = 0; page < pages(); page++) {
      in.quad(QpContext.COMMAND_BYTES + Long.BYTES * page, firstAddress + (long) page * PAGE_BYTES);
    }
  }

  /** Returns the pair's number. */
  @Override
  public Integer read(Words out) {
    return out.bits(0x8, 23, 0);
  }
}
