package io.vferry.vendor.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Layout of the PCI config space: which bytes there are and which bits can be written. */
final class SimConfigSpace {

  static final int BYTES = 256;
  static final int EXTENDED_BYTES = 4096;
  static final int COMMAND = 0x04;
  static final int COMMAND_MEMORY = 2;
  static final int COMMAND_BUS_MASTER = 4;
  static final int MSIX_CAPABILITY = 0x40;
  private static final int MEMORY_64_BIT = 4;

  /** Without it nobody looks for the extended part. */
  static final int EXPRESS_CAPABILITY = 0x60;

  // PCI Express Base Specification 5.0, 7.5.3: Device Capabilities, Control and Status.
  private static final int FLR_CAPABLE = 1 << 28;
  private static final int INITIATE_FLR_BYTE = EXPRESS_CAPABILITY + 9;
  private static final int INITIATE_FLR = 0x80;
  private static final int DEVICE_STATUS = EXPRESS_CAPABILITY + 10;
  private static final int TRANSACTIONS_PENDING = 0x20;

  private final byte[] initial = new byte[BYTES];
  private final byte[] writable = new byte[BYTES];

  SimConfigSpace(SimSettings settings) {
    SimProfile profile = settings.profile();
    ByteBuffer bytes = ByteBuffer.wrap(initial).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer mask = ByteBuffer.wrap(writable).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putShort(0x00, (short) SimRegisters.VENDOR_ID);
    bytes.putShort(0x02, (short) deviceId(profile));
    // Memory space, bus master, interrupt disable.
    mask.putShort(COMMAND, (short) 0x0406);
    // There is a list of capabilities.
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x08, (byte) 1);
    // Class: an unclassified accelerator.
    bytes.put(0x0b, (byte) 0x12);
    // The size of a BAR is a power of two: the upper half is the memory.
    bar(bytes, mask, 0x10, Math.max(SimRegisters.GUEST_BAR_BYTES, 2 * settings.localMemoryBytes()));
    if (!settings.hostMigration()) {
      // 32 bits wide, so that nothing in it is fixed and the host can keep it to itself.
      mask.putInt(0x18, -SimRegisters.MIGRATION_BAR_BYTES);
    }
    bar(bytes, mask, 0x20, SimRegisters.MAILBOX_BYTES);
    bytes.putShort(0x2c, (short) SimRegisters.VENDOR_ID);
    bytes.putShort(0x2e, (short) profile.number());
    bytes.put(0x34, (byte) MSIX_CAPABILITY);
    mask.put(0x3c, (byte) 0xff);
    bytes.put(MSIX_CAPABILITY, (byte) 0x11).put(MSIX_CAPABILITY + 1, (byte) EXPRESS_CAPABILITY);
    bytes.putShort(MSIX_CAPABILITY + 2, (short) (SimRegisters.VECTORS - 1));
    // Enable and function mask.
    mask.putShort(MSIX_CAPABILITY + 2, (short) 0xc000);
    bytes.putInt(MSIX_CAPABILITY + 4, SimRegisters.MSIX_TABLE | SimRegisters.GUEST_BAR);
    bytes.putInt(MSIX_CAPABILITY + 8, SimRegisters.MSIX_PBA | SimRegisters.GUEST_BAR);
    // An endpoint, version 2, with one lane of the first generation.
    bytes.put(EXPRESS_CAPABILITY, (byte) 0x10).putShort(EXPRESS_CAPABILITY + 2, (short) 2);
    bytes.putInt(EXPRESS_CAPABILITY + 4, 0x8000 | FLR_CAPABLE);
    bytes.putInt(EXPRESS_CAPABILITY + 12, 0x11);
    bytes.putShort(EXPRESS_CAPABILITY + 18, (short) 0x11);
    // The control register, but for the reset, which is an order and reads as 0.
    mask.putShort(EXPRESS_CAPABILITY + 8, (short) 0x7fff);
  }

  static int deviceId(SimProfile profile) {
    return SimRegisters.DEVICE_ID + profile.number();
  }

  private static void bar(ByteBuffer bytes, ByteBuffer mask, int at, int size) {
    bytes.putInt(at, MEMORY_64_BIT);
    mask.putInt(at, -size);
    mask.putInt(at + 4, -1);
  }

  /** Returns the content after power on. */
  byte[] initial() {
    return initial.clone();
  }

  /** Whether a write has the device perform a function level reset. */
  static boolean initiatesReset(int offset, ByteBuffer from) {
    int at = INITIATE_FLR_BYTE - offset;
    return at >= 0 && at < from.remaining() && (from.get(from.position() + at) & INITIATE_FLR) != 0;
  }

  /** Shows, in what was read of the config space, that transactions are on their way. */
  static void showPending(ByteBuffer read, int offset) {
    int at = DEVICE_STATUS - offset;
    if (at >= 0 && at < read.limit()) {
      read.put(at, (byte) (read.get(at) | TRANSACTIONS_PENDING));
    }
  }

  /** Writes what can be written. */
  void write(byte[] config, int offset, ByteBuffer from) {
    for (int at = offset; from.hasRemaining(); at++) {
      config[at] = (byte) ((config[at] & ~writable[at]) | (from.get() & writable[at]));
    }
  }

  /** Whether what cannot be written is as it is here. */
  boolean belongsHere(byte[] config) {
    for (int at = 0; at < BYTES; at++) {
      if (((config[at] ^ initial[at]) & ~writable[at]) != 0) {
        return false;
      }
    }
    return true;
  }

  static boolean busMaster(byte[] config) {
    return (config[COMMAND] & COMMAND_BUS_MASTER) != 0;
  }
}
