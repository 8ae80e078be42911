package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccKind;

/** Config space: who the function is, and on the physical one where the virtual ones are. */
final class HisiAccConfigSpace extends HisiAccWords {

  static final int BYTES = 0x1000;
  private static final int SRIOV = 0x100;
  private static final int SRIOV_CAPABILITY = 0x0001_0010;

  /** First virtual function 1 behind the physical one, then each the next. */
  private static final int OFFSET_AND_STRIDE = 1 << 16 | 1;

  private final int deviceId;
  private final int revision;
  private final boolean physical;

  HisiAccConfigSpace(int deviceId, int revision, boolean physical) {
    this.deviceId = deviceId;
    this.revision = revision;
    this.physical = physical;
  }

  @Override
  int word(long offset) {
    if (offset == 0) {
      return HisiAccKind.VENDOR_ID | deviceId << 16;
    }
    if (offset == 8) {
      return revision;
    }
    if (physical && offset == SRIOV) {
      return SRIOV_CAPABILITY;
    }
    return physical && offset == SRIOV + 0x14 ? OFFSET_AND_STRIDE : 0;
  }

  @Override
  void word(long offset, int value) {
    // Nothing that is written here changes what the model does.
  }
}
