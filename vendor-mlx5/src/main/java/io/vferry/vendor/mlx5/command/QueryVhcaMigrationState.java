package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Asks how much a save would give.
 *
 * @param vhcaId whose
 * @param incremental since the last save that left tracking on; fails if nothing is tracked
 * @param chunk whether the answer may be the size of a chunk
 */
public record QueryVhcaMigrationState(int vhcaId, boolean incremental, boolean chunk)
    implements Command<QueryVhcaMigrationState.Sizes> {

  /** {@code migration_state} of a function that must send its first image again. */
  public static final int STATE_INIT = 4;

  /**
   * The answer.
   *
   * @param migrationState valid only with the capability of that name (Linux 7.0, the same header)
   * @param requiredBytes the least buffer for the next save
   * @param remainingBytes all that is left; only filled in for chunks
   */
  public record Sizes(int migrationState, long requiredBytes, long remainingBytes) {}

  @Override
  public Opcode opcode() {
    return Opcode.QUERY_VHCA_MIGRATION_STATE;
  }

  @Override
  public int inputBytes() {
    return 16;
  }

  @Override
  public int outputBytes() {
    return 64;
  }

  @Override
  public void write(Words in) {
    in.bit(0x8, 31, incremental).bit(0x8, 30, chunk).bits(0x8, 15, 0, vhcaId);
  }

  @Override
  public Sizes read(Words out) {
    return new Sizes(
        out.bits(0xc, 31, 28), Integer.toUnsignedLong(out.dword(0x10)), out.quad(0x18));
  }
}
