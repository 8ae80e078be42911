package io.vferry.vendor.mlx5.command;

import java.nio.ByteBuffer;

/** The general block of capabilities, as far as it matters here. */
public final class GeneralCapabilities {

  private final Words block;

  /** Creates a view of a block. */
  public GeneralCapabilities(ByteBuffer block) {
    this.block = new Words(block);
  }

  /** Returns the number under which commands name the function. */
  public int vhcaId() {
    return block.bits(0x4, 15, 0);
  }

  /** Whether the second general block exists. */
  public boolean hasGeneral2() {
    return block.bit(0x4, 31);
  }

  /** Whether functions can migrate at all. */
  public boolean migration() {
    return block.bit(0xd0, 18);
  }

  /** Whether the block of advanced virtualization exists, with page tracking. */
  public boolean advancedVirtualization() {
    return block.bit(0xac, 6);
  }

  /** Returns log2 of the longest message of a queue pair. */
  public int logMaxMessageBytes() {
    return block.bits(0x38, 28, 24);
  }

  /** Whether an mkey can be chosen by name; only a start-up setting here. */
  public boolean mkeyByName() {
    return block.bit(0x4c, 25);
  }

  /** Turns signatures of command blocks on or off. */
  public GeneralCapabilities checksums(boolean on) {
    block.bits(0x40, 15, 14, on ? 1 : 0);
    return this;
  }

  /** Sets the size of a UAR page: 0 for 4096 bytes. */
  public GeneralCapabilities logUarPageSize(int logOf4096) {
    block.bits(0x90, 15, 0, logOf4096);
    return this;
  }

  /** Sets {@link #mkeyByName()}. */
  public GeneralCapabilities mkeyByName(boolean on) {
    block.bit(0x4c, 25, on);
    return this;
  }
}
