package io.vferry.vendor.hisiacc.registers;

import java.util.Optional;

/** A kind of accelerator. */
public enum HisiAccKind {
  /** Compression. */
  ZIP("zip", 0xa250, 0xa251, 128, 0x3010ac),
  /** Encryption. */
  SEC("sec", 0xa255, 0xa256, 128, 0x301008),
  /** Public-key arithmetic. */
  HPRE("hpre", 0xa258, 0xa259, 64, 0x301800);

  /** The PCI vendor of all of them. */
  public static final int VENDOR_ID = 0x19e5;

  private final String title;
  private final int pfDeviceId;
  private final int vfDeviceId;
  private final int taskBytes;
  private final int coreStatusOffset;

  HisiAccKind(String title, int pfDeviceId, int vfDeviceId, int taskBytes, int coreStatusOffset) {
    this.title = title;
    this.pfDeviceId = pfDeviceId;
    this.vfDeviceId = vfDeviceId;
    this.taskBytes = taskBytes;
    this.coreStatusOffset = coreStatusOffset;
  }

  /** Returns the name for people and addresses. */
  public String title() {
    return title;
  }

  /** Returns the PCI device of the physical function. */
  public int pfDeviceId() {
    return pfDeviceId;
  }

  /** Returns the PCI device of a virtual function. */
  public int vfDeviceId() {
    return vfDeviceId;
  }

  /** Returns the size of an entry of a submission queue, in bytes. */
  public int taskBytes() {
    return taskBytes;
  }

  /** Returns where, in BAR 2 of the physical function, errors of the core are pending. */
  public int coreStatusOffset() {
    return coreStatusOffset;
  }

  /** Returns the kind whose virtual functions have a PCI device number. */
  public static Optional<HisiAccKind> ofVfDeviceId(int deviceId) {
    for (HisiAccKind kind : values()) {
      if (kind.vfDeviceId == deviceId) {
        return Optional.of(kind);
      }
    }
    return Optional.empty();
  }
}
