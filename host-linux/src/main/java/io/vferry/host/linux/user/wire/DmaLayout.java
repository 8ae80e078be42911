package io.vferry.host.linux.user.wire;

/** How {@link Command#DMA_READ} and {@link Command#DMA_WRITE} are laid out: peers differ. */
public enum DmaLayout {
  /** The count has 64 bits, in commands and replies: the text, libvfio-user, and QEMU 11.1. */
  CURRENT(16, 0),
  /**
   * The count has 32 bits and the data follow it at once, the reply to a write has no payload, and
   * each other message is longer by the four bytes by which the compiler rounds up QEMU's structure
   * VFIOUserDMARW: QEMU 10.2, {@code hw/vfio-user/protocol.h} and {@code pci.c}, which refuses a
   * command without them.
   */
  QEMU_10_2(12, 4);

  private final int fieldsBytes;
  private final int paddingBytes;

  DmaLayout(int fieldsBytes, int paddingBytes) {
    this.fieldsBytes = fieldsBytes;
    this.paddingBytes = paddingBytes;
  }

  /** Returns the size of what comes before the data. */
  public int fieldsBytes() {
    return fieldsBytes;
  }

  /** Returns the size of what comes behind the data, or the place of the data, and says nothing. */
  public int paddingBytes() {
    return paddingBytes;
  }
}
