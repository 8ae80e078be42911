package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.DeliveryStatus;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Fetches commands from their queue in host memory and writes answers there; the delivery layer.
 * The card's lock guards it. Layout: Linux 6.12, {@code include/linux/mlx5/driver.h} and {@code
 * device.h}, {@code struct mlx5_cmd_layout} and {@code struct mlx5_cmd_prot_block}.
 */
final class Mlx5CommandQueue {

  private static final int ENTRY_BYTES = 64;
  private static final int INLINE_BYTES = 16;
  private static final int BLOCK_BYTES = 576;
  private static final int BLOCK_DATA_BYTES = 512;
  private static final int POINTER_LOW_BITS = 0x1ff;
  private static final byte TYPE_PCI = 7;

  /** Enough for the memory key of a buffer of 4 GiB. */
  private static final int MAX_MESSAGE_BYTES = 16 << 20;

  /** A message that was fetched as far as it was sound. */
  private static final class Chain {
    final DeliveryStatus delivery;
    final List<Mlx5Command.Block> blocks;
    final byte[] data;

    Chain(DeliveryStatus delivery, List<Mlx5Command.Block> blocks, byte[] data) {
      this.delivery = delivery;
      this.blocks = blocks;
      this.data = data;
    }
  }

  /**
   * The pages in which the mailboxes of one command lie, each of them read once: four blocks are in
   * one, and behind a socket each read is a question to another process.
   */
  private final class MailboxPages {
    private final Map<Long, byte[]> pages = new HashMap<>();

    byte @Nullable [] block(long address) {
      int offset = (int) (address & (Mlx5Iommu.PAGE_BYTES - 1));
      if (offset > Mlx5Iommu.PAGE_BYTES - BLOCK_BYTES) {
        return iommu.read(address, BLOCK_BYTES);
      }
      byte[] page = pages.get(address - offset);
      if (page == null) {
        page = iommu.read(address - offset, Mlx5Iommu.PAGE_BYTES);
        if (page == null) {
          return null;
        }
        pages.put(address - offset, page);
      }
      return Arrays.copyOfRange(page, offset, offset + BLOCK_BYTES);
    }
  }

  private final Mlx5Iommu iommu;
  private final int logSlots;
  private final int logStride;
  private final Mlx5Assumptions assumptions;
  private final boolean[] busy;
  private long base;
  private boolean checksums;
  private long ignored;

  Mlx5CommandQueue(Mlx5Iommu iommu, int logSlots, int logStride, Mlx5Assumptions assumptions) {
    this.iommu = iommu;
    this.logSlots = logSlots;
    this.logStride = logStride;
    this.assumptions = assumptions;
    this.busy = new boolean[1 << logSlots];
  }

  void reset() {
    Arrays.fill(busy, false);
    base = 0;
    checksums = false;
  }

  void base(long address) {
    base = address;
  }

  void checksums(boolean on) {
    checksums = on;
  }

  /** Returns how often a doorbell rang for an entry that is not the device's. */
  long ignored() {
    return ignored;
  }

  /** Takes the entries whose bits are set, in the order of their slots. */
  List<Mlx5Command> fetch(int doorbell) {
    // The host wrote the entries before it rang.
    VarHandle.fullFence();
    List<Mlx5Command> commands = new ArrayList<>();
    for (int slot = 0; slot < 32; slot++) {
      if ((doorbell >>> slot & 1) == 0) {
        continue;
      }
      if (slot >= busy.length || busy[slot] || base == 0) {
        ignored++;
        continue;
      }
      byte[] entry = iommu.read(base + ((long) slot << logStride), ENTRY_BYTES);
      if (entry == null || (entry[0x3f] & 1) == 0) {
        ignored++;
        continue;
      }
      busy[slot] = true;
      commands.add(fetch(slot, entry));
    }
    return commands;
  }

  private Mlx5Command fetch(int slot, byte[] entry) {
    ByteBuffer fields = ByteBuffer.wrap(entry);
    byte token = entry[0x3c];
    int inputBytes = fields.getInt(0x04);
    int outputBytes = fields.getInt(0x38);
    byte[] inline = Arrays.copyOfRange(entry, 0x10, 0x20);
    DeliveryStatus delivery = checkEntry(entry, inputBytes, outputBytes);
    Chain in = new Chain(delivery, List.of(), new byte[0]);
    Chain out = in;
    if (delivery == DeliveryStatus.DELIVERED) {
      MailboxPages pages = new MailboxPages();
      in = chain(pages, fields.getLong(0x08), inputBytes, token, DeliveryStatus.BAD_INPUT_POINTER);
      out =
          chain(pages, fields.getLong(0x30), outputBytes, token, DeliveryStatus.BAD_OUTPUT_POINTER);
      delivery = in.delivery == DeliveryStatus.DELIVERED ? out.delivery : in.delivery;
    }
    byte[] input = inline;
    if (delivery == DeliveryStatus.DELIVERED) {
      input = Arrays.copyOf(inline, inputBytes);
      if (inputBytes > INLINE_BYTES) {
        System.arraycopy(in.data, 0, input, INLINE_BYTES, inputBytes - INLINE_BYTES);
      }
      delivery = checkCommand(Mlx5Message.of(input), outputBytes);
    }
    return new Mlx5Command(
        slot, token, Mlx5Message.of(input), Math.max(outputBytes, 0), entry, out.blocks, delivery);
  }

  private DeliveryStatus checkEntry(byte[] entry, int inputBytes, int outputBytes) {
    if (checksums && xor(entry, 0, ENTRY_BYTES) != (byte) 0xff) {
      return DeliveryStatus.SIGNATURE_ERR;
    }
    if (!checksums
        && entry[0x3d] != 0
        && xor(entry, 0, ENTRY_BYTES) != (byte) 0xff
        && !assumptions.is(Mlx5Assumption.STRAY_SIGNATURE, Mlx5Assumptions.ACCEPT)) {
      return DeliveryStatus.SIGNATURE_ERR;
    }
    if (entry[0] != TYPE_PCI) {
      return DeliveryStatus.BAD_COMMAND_TYPE;
    }
    if ((entry[1] | entry[2] | entry[3] | entry[0x3e]) != 0 || (entry[0x3f] & 0xfe) != 0) {
      return DeliveryStatus.RESERVED_NOT_ZERO;
    }
    if (inputBytes < 8 || inputBytes > MAX_MESSAGE_BYTES) {
      return DeliveryStatus.INPUT_LENGTH_ERR;
    }
    if (outputBytes < 8 || outputBytes > MAX_MESSAGE_BYTES) {
      return DeliveryStatus.OUTPUT_LENGTH_ERR;
    }
    return DeliveryStatus.DELIVERED;
  }

  private DeliveryStatus checkCommand(Mlx5Message in, int outputBytes) {
    Optional<Opcode> opcode = Opcode.of(in.field(0, 31, 16));
    if (opcode.isEmpty()) {
      return DeliveryStatus.DELIVERED;
    }
    Mlx5CommandLength length = Mlx5CommandLength.of(opcode.get());
    if (assumptions.is(Mlx5Assumption.WRONG_LENGTH, "delivery")) {
      if (!length.takesInput(in.lengthBytes())) {
        return DeliveryStatus.INPUT_LENGTH_ERR;
      }
      if (!length.takesOutput(outputBytes)) {
        return DeliveryStatus.OUTPUT_LENGTH_ERR;
      }
    }
    if (assumptions.is(Mlx5Assumption.RESERVED_BITS, "delivery")
        && length.takesInput(in.lengthBytes())
        && length.reservedSet(in)) {
      return DeliveryStatus.RESERVED_NOT_ZERO;
    }
    return DeliveryStatus.DELIVERED;
  }

  private Chain chain(
      MailboxPages pages, long first, int messageBytes, byte token, DeliveryStatus badPointer) {
    int count =
        messageBytes <= INLINE_BYTES
            ? 0
            : (messageBytes - INLINE_BYTES + BLOCK_DATA_BYTES - 1) / BLOCK_DATA_BYTES;
    List<Mlx5Command.Block> blocks = new ArrayList<>(count);
    byte[] data = new byte[count * BLOCK_DATA_BYTES];
    long address = first;
    for (int number = 0; number < count; number++) {
      if (address == 0 || (address & POINTER_LOW_BITS) != 0) {
        return broken(badPointer);
      }
      byte[] block = pages.block(address);
      if (block == null) {
        return broken(DeliveryStatus.INTERNAL_ERR);
      }
      ByteBuffer fields = ByteBuffer.wrap(block);
      if (fields.getInt(0x238) != number) {
        return broken(DeliveryStatus.BAD_BLOCK_NUMBER);
      }
      if (block[0x23d] != token) {
        return broken(DeliveryStatus.TOKEN_ERR);
      }
      if (checksums
          && (xor(block, 0x200, 0x23f) != (byte) 0xff
              || xor(block, 0, BLOCK_BYTES) != (byte) 0xff)) {
        return broken(DeliveryStatus.SIGNATURE_ERR);
      }
      for (int at = 0x200; at < 0x230; at++) {
        if (block[at] != 0) {
          return broken(DeliveryStatus.RESERVED_NOT_ZERO);
        }
      }
      if (block[0x23c] != 0) {
        return broken(DeliveryStatus.RESERVED_NOT_ZERO);
      }
      blocks.add(new Mlx5Command.Block(address, block));
      System.arraycopy(block, 0, data, number * BLOCK_DATA_BYTES, BLOCK_DATA_BYTES);
      address = fields.getLong(0x230);
    }
    if (count > 0 && address != 0) {
      return broken(
          badPointer == DeliveryStatus.BAD_INPUT_POINTER
              ? DeliveryStatus.INPUT_LENGTH_ERR
              : DeliveryStatus.OUTPUT_LENGTH_ERR);
    }
    return new Chain(DeliveryStatus.DELIVERED, blocks, data);
  }

  private static Chain broken(DeliveryStatus delivery) {
    return new Chain(delivery, List.of(), new byte[0]);
  }

  /**
   * Writes an answer and gives the entry back, ownership last. What surrounds the answer is as it
   * was fetched: until then the entry and its mailboxes are the device's.
   */
  void complete(Mlx5Command command, Mlx5Message out) {
    busy[command.slot] = false;
    long entryAddress = base + ((long) command.slot << logStride);
    byte[] entry = command.queueEntry.clone();
    byte[] output = Arrays.copyOf(out.content(), Math.max(command.outputBytes, INLINE_BYTES));
    if (command.outputBytes < INLINE_BYTES) {
      Arrays.fill(output, command.outputBytes, INLINE_BYTES, (byte) 0);
    }
    if (command.delivery == DeliveryStatus.DELIVERED) {
      System.arraycopy(output, 0, entry, 0x20, INLINE_BYTES);
      for (int number = 0; number < command.outputBlocks.size(); number++) {
        writeBlock(command, number, output);
      }
    }
    if (command.has(Mlx5Fault.Kind.WRONG_TOKEN)) {
      entry[0x3c] ^= 0x55;
    }
    entry[0x3f] = (byte) (command.delivery.code() << 1);
    if (checksums) {
      entry[0x3d] = 0;
      entry[0x3d] = (byte) ~xor(entry, 0, ENTRY_BYTES);
    }
    if (command.has(Mlx5Fault.Kind.WRONG_SIGNATURE)) {
      entry[0x3d] ^= 0x55;
    }
    iommu.write(entryAddress + 0x20, ByteBuffer.wrap(entry, 0x20, 0x1f));
    // Whoever sees the ownership change sees the answer.
    VarHandle.fullFence();
    iommu.write(entryAddress + 0x3f, ByteBuffer.wrap(entry, 0x3f, 1));
  }

  private void writeBlock(Mlx5Command command, int number, byte[] output) {
    byte[] block = command.outputBlocks.get(number).content.clone();
    int from = INLINE_BYTES + number * BLOCK_DATA_BYTES;
    int length = Math.min(BLOCK_DATA_BYTES, output.length - from);
    System.arraycopy(output, from, block, 0, length);
    if (command.has(Mlx5Fault.Kind.WRONG_TOKEN)) {
      block[0x23d] ^= 0x55;
    }
    if (checksums) {
      block[0x23e] = 0;
      block[0x23f] = 0;
      block[0x23e] = (byte) ~xor(block, 0x200, 0x23e);
      block[0x23f] = (byte) ~xor(block, 0, 0x23f);
    }
    if (command.has(Mlx5Fault.Kind.WRONG_SIGNATURE)) {
      block[0x23f] ^= 0x55;
    }
    iommu.write(command.outputBlocks.get(number).address, ByteBuffer.wrap(block));
  }

  int slots() {
    return busy.length;
  }

  int logSlots() {
    return logSlots;
  }

  int logStride() {
    return logStride;
  }

  private static byte xor(byte[] bytes, int from, int to) {
    byte sum = 0;
    for (int at = from; at < to; at++) {
      sum ^= bytes[at];
    }
    return sum;
  }
}
