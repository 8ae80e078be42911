package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Writes a function's state into memory.
 *
 * @param vhcaId whose
 * @param incremental only what changed since the last tracked save, or the next chunk
 * @param track whether changes are tracked from here on
 * @param mkey of the memory, of which it starts at the beginning
 * @param sizeBytes how much there is, below 2<sup>32</sup>
 */
public record SaveVhcaState(
    int vhcaId, boolean incremental, boolean track, int mkey, long sizeBytes)
    implements Command<SaveVhcaState.Saved> {

  /**
   * The answer.
   *
   * @param imageBytes how much was written
   * @param nextRequiredBytes the least buffer for the next chunk; 0 after the last one
   */
  public record Saved(long imageBytes, long nextRequiredBytes) {}

  @Override
  public Opcode opcode() {
    return Opcode.SAVE_VHCA_STATE;
  }

  @Override
  public int inputBytes() {
    return 32;
  }

  @Override
  public int outputBytes() {
    return 16;
  }

  @Override
  public void write(Words in) {
    in.bit(0x8, 31, incremental).bit(0x8, 30, track).bits(0x8, 15, 0, vhcaId);
    in.dword(0x18, mkey).dword(0x1c, UnsignedDword.of(sizeBytes));
  }

  @Override
  public Saved read(Words out) {
    return new Saved(
        Integer.toUnsignedLong(out.dword(0x8)), Integer.toUnsignedLong(out.dword(0xc)));
  }
}
