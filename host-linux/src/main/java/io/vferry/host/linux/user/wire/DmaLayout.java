package io.vferry.host.linux.user.wire;

/** How {@link Command#DMA_READ} and {@link Command#DMA_WRITE} are laid out: peers differ. */
public enum DmaLayout {
  /** The count has 64 bits, in commands and replies: libvfio-user, and QEMU after 10.2. */
  CURRENT(16),
  /**
   * The count has 32 bits and the data follow it at once, and the reply to a write has no payload:
   * the client of QEMU up to 10.2.
   */
  QEMU_10_2(12);

  private final int fieldsBytes;

  DmaLayout(int fieldsBytes) {
    this.fieldsBytes = fieldsBytes;
  }

  /** Returns the size of what comes before the data. */
  public int fieldsBytes() {
    return fieldsBytes;
  }
}
