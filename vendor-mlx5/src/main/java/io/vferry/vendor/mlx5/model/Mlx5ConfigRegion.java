package io.vferry.vendor.mlx5.model;

import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;

/**
 * PCI config space of a function. It belongs to the host and does not travel; but a virtual
 * function shows in the extended part, behind the first 256 bytes, its {@link Mlx5Ledger}. Function
 * level reset is initiated here, and is over when the write returns. Any thread.
 */
final class Mlx5ConfigRegion extends Mlx5Region {

  /** What the config space is of. Called without a lock of this. */
  interface Owner {

    /** Something was written. */
    void configChanged();

    /** Function level reset was initiated: the function is reset, and its config space with it. */
    void resetInitiated();

    /** Whether the function waits for something on the bus. */
    boolean transactionsPending();

    /** Returns what the extended part holds, if there is one; the same each time. */
    Optional<ByteBuffer> extended();
  }

  static final int VENDOR = 0x15b3;
  static final int PHYSICAL_DEVICE = 0x1021;
  static final int VIRTUAL_DEVICE = 0x101e;

  /**
   * The subsystem of models, by whichever process they are served: a vendor number that PCI-SIG
   * gave to nobody. Software for a model must not try itself on a card.
   */
  static final int MODEL_VENDOR = 0xf5f5;

  static final int SUBSYSTEM = 0x0010;
  static final int COMMAND = 0x04;
  static final int COMMAND_MEMORY = 2;
  static final int COMMAND_BUS_MASTER = 4;
  private static final int BYTES = 256;
  private static final int EXTENDED_BYTES = 4096;
  private static final int BARS = 0x10;
  private static final int MSIX = 0x40;

  /** Without it nobody looks for the extended part. */
  static final int EXPRESS = 0x60;

  // PCI Express Base Specification 5.0, 7.5.3: Device Capabilities, Control and Status.
  private static final int FLR_CAPABLE = 1 << 28;
  private static final int INITIATE_FLR_BYTE = EXPRESS + 9;
  private static final int INITIATE_FLR = 0x80;
  private static final int DEVICE_STATUS = EXPRESS + 10;
  private static final int TRANSACTIONS_PENDING = 0x20;

  /** Where real cards have them in BAR 0, behind the initialisation segment. */
  private static final int MSIX_TABLE = 0x2000;

  private static final int MSIX_PENDING = 0x3000;
  private static final int MEMORY_64_BIT = 4;

  private final byte[] initial = new byte[BYTES];
  private final byte[] writable = new byte[BYTES];
  private final byte[] now;
  private final Owner owner;

  /**
   * Creates the config space of a function.
   *
   * @param vectors of MSI-X
   * @param barBytes size of each BAR, powers of two, by index; each takes the next index as well
   * @param extended whether there is an extended part
   */
  Mlx5ConfigRegion(
      int device, int vectors, Map<Integer, Integer> barBytes, Owner owner, boolean extended) {
    super(RegionInfo.PCI_CONFIG, extended ? EXTENDED_BYTES : BYTES);
    this.owner = owner;
    ByteBuffer bytes = ByteBuffer.wrap(initial).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer mask = ByteBuffer.wrap(writable).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putShort(0x00, (short) VENDOR).putShort(0x02, (short) device);
    // Memory space, bus master, interrupt disable.
    mask.putShort(COMMAND, (short) 0x0406);
    // Class: an Ethernet controller.
    bytes.put(0x0b, (byte) 0x02);
    barBytes.forEach(
        (index, size) -> {
          bytes.putInt(BARS + index * Integer.BYTES, MEMORY_64_BIT);
          mask.putLong(BARS + index * Integer.BYTES, -size);
        });
    bytes.putShort(0x2c, (short) MODEL_VENDOR).putShort(0x2e, (short) SUBSYSTEM);
    // There is a list of capabilities.
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) EXPRESS).put(EXPRESS, (byte) 0x10);
    // An endpoint, version 2, with one lane of the first generation.
    bytes.putShort(EXPRESS + 2, (short) 2).putInt(EXPRESS + 4, 0x8000 | FLR_CAPABLE);
    bytes.putInt(EXPRESS + 12, 0x11).putShort(EXPRESS + 18, (short) 0x11);
    // The control register, but for the reset, which is an order and reads as 0.
    mask.putShort(EXPRESS + 8, (short) 0x7fff);
    if (vectors > 0) {
      bytes.put(EXPRESS + 1, (byte) MSIX).put(MSIX, (byte) 0x11);
      bytes.putShort(MSIX + 2, (short) (vectors - 1));
      bytes.putInt(MSIX + 4, MSIX_TABLE).putInt(MSIX + 8, MSIX_PENDING);
      // Enable and function mask.
      mask.putShort(MSIX + 2, (short) 0xc000);
    }
    this.now = initial.clone();
  }

  synchronized boolean busMaster() {
    return (now[COMMAND] & COMMAND_BUS_MASTER) != 0;
  }

  /** Brings all registers to their values after power on. */
  synchronized void reset() {
    System.arraycopy(initial, 0, now, 0, BYTES);
  }

  @Override
  void load(int offset, ByteBuffer into) {
    int plain = Math.max(0, Math.min(into.remaining(), BYTES - offset));
    int status = DEVICE_STATUS - offset;
    boolean pending = status >= 0 && status < plain && owner.transactionsPending();
    ByteBuffer start = into.slice(into.position(), plain);
    synchronized (this) {
      into.put(now, Math.min(offset, BYTES), plain);
    }
    if (pending) {
      start.put(status, (byte) (start.get(status) | TRANSACTIONS_PENDING));
    }
    if (into.hasRemaining()) {
      int length = into.remaining();
      owner
          .extended()
          .ifPresent(content -> into.put(content.slice(offset + plain - BYTES, length)));
    }
  }

  @Override
  void store(int offset, ByteBuffer from) {
    int control = INITIATE_FLR_BYTE - offset;
    if (control >= 0
        && control < from.remaining()
        && (from.get(from.position() + control) & INITIATE_FLR) != 0) {
      // What else was written is gone with the reset.
      from.position(from.limit());
      owner.resetInitiated();
      return;
    }
    synchronized (this) {
      for (int at = offset; from.hasRemaining() && at < BYTES; at++) {
        now[at] = (byte) ((now[at] & ~writable[at]) | (from.get() & writable[at]));
      }
    }
    from.position(from.limit());
    owner.configChanged();
  }
}
