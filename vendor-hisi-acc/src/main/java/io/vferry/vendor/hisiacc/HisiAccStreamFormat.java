package io.vferry.vendor.hisiacc;

/**
 * Where the fields of a stream are: {@code struct acc_vf_data}, little endian.
 *
 * <p>Source: Linux 6.17, {@code drivers/vfio/pci/hisilicon/hisi_acc_vfio_pci.h}.
 */
final class HisiAccStreamFormat {

  /** Until Linux 6.16; its two ring addresses may be wrong. */
  static final long MAGIC_V1 = 0xcdcdcdcdfeedaaccL;

  /** What is written. */
  static final long MAGIC_V2 = 0xaaccfeeddecadedeL;

  /** The version that goes with {@link #MAGIC_V2}; the minor one is not checked. */
  static final int MAJOR = 1;

  /** See {@link #MAJOR}. */
  static final int MINOR = 0;

  /** The part that says whether a device fits. All there is if the guest's driver is not loaded. */
  static final int MATCH_BYTES = 40;

  /** All of it. */
  static final int STATE_BYTES = 176;

  static final int MAGIC = 0x00;
  static final int QUEUE_COUNT = 0x08;
  static final int DEVICE_ID = 0x0c;
  static final int QUEUE_ISOLATION = 0x10;
  static final int FIRST_QUEUE = 0x14;
  static final int GUEST_STATE = 0x18;
  static final int MAJOR_VERSION = 0x1c;
  static final int MINOR_VERSION = 0x1e;
  static final int MATCH_RESERVED = 0x20;
  static final int AEQ_INT_MASK = 0x28;
  static final int EQ_INT_MASK = 0x2c;
  static final int IFC_INT_SOURCE = 0x30;
  static final int IFC_INT_MASK = 0x34;
  static final int IFC_INT_SET = 0x38;
  static final int PAGE_SIZE = 0x3c;
  static final int EQC = 0x40;
  static final int AEQC = 0x5c;
  static final int RESERVED = 0x78;
  static final int EQE_ADDRESS = 0x90;
  static final int AEQE_ADDRESS = 0x98;
  static final int SQC_ADDRESS = 0xa0;
  static final int CQC_ADDRESS = 0xa8;

  private HisiAccStreamFormat() {}

  /** Returns whether a magic number and version are understood. */
  static boolean understood(long magic, int major) {
    return magic == MAGIC_V1 || (magic == MAGIC_V2 && major == MAJOR);
  }
}
