package io.vferry.vendor.hisiacc.registers;

/**
 * A register of a virtual function's queue manager, 32 bits, little endian; offsets in BAR 2. The
 * same offsets hold in the function's window in the physical function.
 */
public enum HisiAccVfRegister {
  /** Bit 0: the asynchronous event interrupt is masked. */
  AEQ_INT_MASK(0x0004),
  /** Bit 0: the event interrupt is masked. */
  EQ_INT_MASK(0x000c),
  /** A message of the physical function came; writing 1 acknowledges it. */
  IFC_INT_SOURCE(0x0020),
  /** Bit 0: messages raise no interrupt. */
  IFC_INT_MASK(0x0024),
  /** Bit 0: a message is pending. Read only. */
  IFC_INT_STATUS(0x0028),
  /** Bit 0: this function rings the physical one, and is not acknowledged yet. */
  IFC_INT_SET(0x002c),
  /** Bit 0: queues have doorbell pages of their own, in BAR 4. */
  QUE_ISO_CFG(0x0030),
  /** 0, 1 or 2 for pages of 4, 16 or 64 KiB. */
  PAGE_SIZE(0x0034),
  /** Bit 0: doorbells are discarded. Hardware V5; Linux 7.3. */
  FUN_DB_DROP(0x0038),
  /** Bit 0: 0 when the guest's driver is ready, 1 when not; written by the guest. */
  VF_STATE(0x0060),
  /** Not zero while the function works. */
  FUNCTION_ACTIVE(0x0200),
  /** Writing 1 starts the write-back of queue contexts to memory. */
  CACHE_WB_START(0x0204),
  /** Bit 0: the write-back is done. */
  CACHE_WB_DONE(0x0208),
  /** The mailbox; 16 bytes from here on. */
  MAILBOX(0x0300),
  /** What the function can do, one bit each. */
  FUNC_CAPS(0x3100),
  /** Depth of the event queues: events in the low half, asynchronous ones in the high half. */
  EQ_DEPTHS(0x3104),
  /** Depth of the queues: submission in the low half, completion in the high half. */
  QUEUE_DEPTHS(0x3108);

  private final int offset;

  HisiAccVfRegister(int offset) {
    this.offset = offset;
  }

  /** Returns the offset in bytes. */
  public int offset() {
    return offset;
  }
}
