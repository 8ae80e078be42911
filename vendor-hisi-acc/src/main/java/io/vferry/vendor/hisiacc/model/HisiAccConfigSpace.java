package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Config space: who the function is, where its BARs are, its interrupt messages, and on the
 * physical function where the virtual ones are. What is written here belongs to the host and does
 * not travel; it changes nothing in the model but for function level reset, which is initiated
 * here, and is over when the write returns. Guarded by the chip.
 */
final class HisiAccConfigSpace implements HisiAccModelRegion.Registers {

  /** What the config space is of. */
  interface Owner {

    /** Function level reset was initiated: the function is reset, and its config space with it. */
    void resetInitiated();

    /** Whether the function waits for something on the bus. */
    boolean transactionsPending();
  }

  static final int BYTES = 0x1000;

  /** Memory space, bus master, interrupt disable. */
  private static final int COMMAND_WRITABLE = 0x0406;

  private static final int COMMAND = 0x04;
  private static final int STATUS = 0x06;
  private static final int STATUS_CAPABILITIES = 0x0010;
  private static final int REVISION = 0x08;
  private static final int CLASS = 0x0b;
  private static final int CLASS_ACCELERATOR = 0x12;
  private static final int BARS = 0x10;
  private static final int MEMORY_64_BIT = 4;
  private static final int SUBSYSTEM = 0x2c;
  private static final int FIRST_CAPABILITY = 0x34;
  private static final int MSI = 0x40;
  private static final int MSI_ID = 0x05;
  private static final int MSI_64_BIT = 0x0080;

  /** Enable, and the logarithm of the number of vectors in use. */
  private static final int MSI_CONTROL_WRITABLE = 0x0071;

  /**
   * The subsystem of models, by whichever process they are served: a vendor number that PCI-SIG
   * gave to nobody. Software for a model must not try itself on a real accelerator.
   */
  static final int MODEL_VENDOR = 0xf5f5;

  /** Without it nobody looks behind the first 256 bytes. */
  static final int EXPRESS = 0x60;

  // PCI Express Base Specification 5.0, 7.5.3: Device Capabilities, Control and Status.
  private static final int FLR_CAPABLE = 1 << 28;
  private static final int INITIATE_FLR_BYTE = EXPRESS + 9;
  private static final int INITIATE_FLR = 0x80;
  private static final int DEVICE_STATUS = EXPRESS + 10;
  private static final int TRANSACTIONS_PENDING = 0x20;

  private static final int SRIOV = 0x100;
  private static final int SRIOV_CAPABILITY = 0x0001_0010;

  /** First virtual function 1 behind the physical one, then each the next. */
  private static final int OFFSET_AND_STRIDE = 1 << 16 | 1;

  private final byte[] initial = new byte[BYTES];
  private final byte[] writable = new byte[BYTES];
  private final byte[] now = new byte[BYTES];
  private final Owner owner;

  private HisiAccConfigSpace(int deviceId, int revision, Owner owner) {
    this.owner = owner;
    ByteBuffer bytes = ByteBuffer.wrap(initial).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer mask = ByteBuffer.wrap(writable).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putShort(0, (short) HisiAccKind.VENDOR_ID).putShort(2, (short) deviceId);
    mask.putShort(COMMAND, (short) COMMAND_WRITABLE);
    bytes.putShort(STATUS, (short) STATUS_CAPABILITIES);
    bytes.put(REVISION, (byte) revision).put(CLASS, (byte) CLASS_ACCELERATOR);
    bytes.putShort(SUBSYSTEM, (short) MODEL_VENDOR);
    bytes.putShort(SUBSYSTEM + 2, (short) deviceId);
    bytes.put(FIRST_CAPABILITY, (byte) MSI).put(MSI, (byte) MSI_ID).put(MSI + 1, (byte) EXPRESS);
    // An endpoint, version 2, with one lane of the first generation.
    bytes.put(EXPRESS, (byte) 0x10).putShort(EXPRESS + 2, (short) 2);
    bytes.putInt(EXPRESS + 4, 0x8000 | FLR_CAPABLE).putInt(EXPRESS + 12, 0x11);
    bytes.putShort(EXPRESS + 18, (short) 0x11);
    // The control register, but for the reset, which is an order and reads as 0.
    mask.putShort(EXPRESS + 8, (short) 0x7fff);
    int log = Integer.numberOfTrailingZeros(HisiAccInterrupts.VECTORS);
    bytes.putShort(MSI + 2, (short) (MSI_64_BIT | log << 1));
    mask.putShort(MSI + 2, (short) MSI_CONTROL_WRITABLE);
    // Address, its upper half, data.
    mask.putInt(MSI + 4, -4).putInt(MSI + 8, -1).putShort(MSI + 12, (short) -1);
  }

  static HisiAccConfigSpace ofVirtualFunction(
      HisiAccKind kind, int revision, long doorbellBytes, Owner owner) {
    HisiAccConfigSpace space = new HisiAccConfigSpace(kind.vfDeviceId(), revision, owner);
    space.bar(HisiAccNumbers.QM_BAR, HisiAccNumbers.VF_BAR_BYTES);
    space.bar(HisiAccNumbers.DOORBELL_BAR, doorbellBytes);
    space.reset();
    return space;
  }

  static HisiAccConfigSpace ofPhysicalFunction(
      HisiAccKind kind, int revision, long barBytes, Owner owner) {
    HisiAccConfigSpace space = new HisiAccConfigSpace(kind.pfDeviceId(), revision, owner);
    space.bar(HisiAccNumbers.QM_BAR, barBytes);
    ByteBuffer bytes = ByteBuffer.wrap(space.initial).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(SRIOV, SRIOV_CAPABILITY).putInt(SRIOV + 0x14, OFFSET_AND_STRIDE);
    space.reset();
    return space;
  }

  private void bar(int index, long bytes) {
    int at = BARS + index * Integer.BYTES;
    ByteBuffer.wrap(initial).order(ByteOrder.LITTLE_ENDIAN).putInt(at, MEMORY_64_BIT);
    ByteBuffer.wrap(writable).order(ByteOrder.LITTLE_ENDIAN).putLong(at, -bytes);
  }

  /** Brings all registers to their values after power on. */
  void reset() {
    System.arraycopy(initial, 0, now, 0, BYTES);
  }

  @Override
  public void read(long offset, ByteBuffer into) {
    int start = into.position();
    into.put(now, (int) offset, into.remaining());
    int status = start + DEVICE_STATUS - (int) offset;
    if (status >= start && status < into.position() && owner.transactionsPending()) {
      into.put(status, (byte) (into.get(status) | TRANSACTIONS_PENDING));
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) {
    int control = from.position() + INITIATE_FLR_BYTE - (int) offset;
    if (control >= from.position()
        && control < from.limit()
        && (from.get(control) & INITIATE_FLR) != 0) {
      // What else was written is gone with the reset.
      from.position(from.limit());
      owner.resetInitiated();
      return;
    }
    for (int at = (int) offset; from.hasRemaining(); at++) {
      now[at] = (byte) ((now[at] & ~writable[at]) | (from.get() & writable[at]));
    }
  }
}
