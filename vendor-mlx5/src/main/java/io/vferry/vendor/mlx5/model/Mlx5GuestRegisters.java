package io.vferry.vendor.mlx5.model;

/**
 * What the guest sees of a virtual function: a stand-in for its data path, the model's own. Each
 * register has 8 bytes, big endian.
 */
final class Mlx5GuestRegisters {

  /** The BAR with these registers. */
  static final int BAR = 0;

  static final int BAR_BYTES = 0x4000;

  /** The BAR to which other devices write messages. */
  static final int MAILBOX_BAR = 2;

  static final int MAILBOX_BYTES = Mlx5Iommu.PAGE_BYTES;

  /** Bit 0 turns the function on. */
  static final int CONTROL = 0x000;

  /** Marks all that the function writes. */
  static final int TAG = 0x008;

  static final int SUBMISSION_RING = 0x010;
  static final int COMPLETION_RING = 0x018;

  /** How many requests were submitted. */
  static final int DOORBELL = 0x020;

  static final int DMA_BASE = 0x028;
  static final int DMA_PAGES = 0x030;

  /** Read only: how many pages the workload wants. */
  static final int DMA_PAGES_WISHED = 0x038;

  /** Read only: requests in a second. */
  static final int REQUEST_RATE = 0x040;

  /** Read only: why interrupts came since it was last read. */
  static final int INTERRUPT_CAUSE = 0x048;

  static final int SCRATCH = 0x050;

  /** Peers to which the function sends: {@link #PEER_STRIDE} bytes each. */
  static final int PEER = 0x100;

  static final int PEER_STRIDE = 0x10;

  /** Who sends; to be written before the address, which starts the sending. */
  static final int PEER_KEY = 0x8;

  static final int PEERS = 16;

  static final int RING_ENTRIES = 64;
  static final int RING_ENTRY_BYTES = 64;
  static final int MESSAGE_BYTES = 32;

  static final int VECTORS = 4;
  static final int VECTOR_DONE = 0;
  static final int VECTOR_MAIL = 1;

  private Mlx5GuestRegisters() {}
}
