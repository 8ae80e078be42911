package io.vferry.vendor.mlx5.command;

import java.nio.ByteBuffer;

/** The second general block of capabilities, as far as it matters here. */
public final class General2Capabilities {

  private final Words block;

  /** Creates a view of a block. */
  public General2Capabilities(ByteBuffer block) {
    this.block = new Words(block);
  }

  /** Whether the administrator made this function migratable. */
  public boolean migratable() {
    return block.bit(0x10, 31);
  }

  /** Whether several images can be loaded one after the other. */
  public boolean multiLoad() {
    return block.bit(0x18, 23);
  }

  /** Whether changes can be tracked between saves. */
  public boolean trackingState() {
    return block.bit(0x18, 22);
  }

  /** Whether a state can be saved in chunks. */
  public boolean inChunks() {
    return block.bit(0x18, 15);
  }

  /** Whether the query says in which state the migration is (Linux 7.0, the same header). */
  public boolean migrationState() {
    return block.bit(0x18, 6);
  }
}
