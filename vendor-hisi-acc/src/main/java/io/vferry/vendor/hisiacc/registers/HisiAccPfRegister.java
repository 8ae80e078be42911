package io.vferry.vendor.hisiacc.registers;

/**
 * A register of the physical function, 32 bits unless said otherwise, little endian; offsets in BAR
 * 2.
 */
public enum HisiAccPfRegister {
  /** Bit 0: queues have doorbell pages of their own. */
  QUE_ISO_CFG(0x000030),
  /** Errors of the queue manager that are pending, one bit each; of all functions together. */
  ABNORMAL_INT_STATUS(0x100008),
  /** Writing 1 performs an operation on the table of queues. */
  VFT_CFG_OP_ENABLE(0x100054),
  /** 0 writes the table, 1 reads it. */
  VFT_CFG_OP_WR(0x100058),
  /** Which table: 0 is that of submission queues. */
  VFT_CFG_TYPE(0x10005c),
  /** The function that is meant; 0 is the physical one. */
  VFT_CFG(0x100060),
  /** Low half of the table's entry. */
  VFT_CFG_DATA_L(0x100064),
  /** High half of the table's entry. */
  VFT_CFG_DATA_H(0x100068),
  /** Bit 0: the operation is done. */
  VFT_CFG_RDY(0x10006c),
  /** 64 bits: functions that were rung and have not acknowledged the message. */
  IFC_READY_STATUS(0x100128),
  /** Writing 1 rings the function in {@link #IFC_INT_CFG}: there is a message for it. */
  IFC_INT_SET(0x100130),
  /** Bits 6:0: the function to be rung, or all. */
  IFC_INT_CFG(0x100134),
  /** 64 bits: functions that ring; writing a bit acknowledges. */
  IFC_INT_SOURCE(0x100138),
  /** Bit 0: the migration registers are in windows of this function. After V3; Linux 7.3. */
  MIGRATION_REGION_SELECT(0x100198),
  /** 64 bits: functions with an error on the bus. Hardware V5; Linux 7.3. */
  FUNCTION_AXI_ERRORS(0x100280);

  private final int offset;

  HisiAccPfRegister(int offset) {
    this.offset = offset;
  }

  /** Returns the offset in bytes. */
  public int offset() {
    return offset;
  }
}
