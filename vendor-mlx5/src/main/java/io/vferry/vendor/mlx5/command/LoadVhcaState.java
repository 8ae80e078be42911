package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Reads an image of a function's state from memory. Images come in the order they were saved.
 *
 * @param vhcaId whose
 * @param mkey of the memory, of which it starts at the beginning
 * @param sizeBytes the length of the image, below 2<sup>32</sup>
 */
public record LoadVhcaState(int vhcaId, int mkey, long sizeBytes) implements PlainCommand {

  @Override
  public Opcode opcode() {
    return Opcode.LOAD_VHCA_STATE;
  }

  @Override
  public int inputBytes() {
    return 32;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 15, 0, vhcaId).dword(0x18, mkey).dword(0x1c, UnsignedDword.of(sizeBytes));
  }
}
