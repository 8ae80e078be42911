package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.DeliveryStatus;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A command on its way through the firmware. The card's lock guards it. */
final class Mlx5Command {

  /** A block of a chain of mailboxes. */
  static final class Block {
    /** In host memory. */
    final long address;

    /** As it was fetched. */
    final byte[] content;

    Block(long address, byte[] content) {
      this.address = address;
      this.content = content;
    }
  }

  final int slot;
  final byte token;
  final int outputBytes;
  final Mlx5Message in;

  /** The entry of the queue as it was fetched. */
  final byte[] queueEntry;

  /** The output blocks, in their order. */
  final List<Block> outputBlocks;

  DeliveryStatus delivery;
  final List<Mlx5Fault> faults = new ArrayList<>();

  /** Whose state it handles, and how often that one had been reset before. */
  @Nullable Mlx5VirtualFunction function;

  long functionResets;
  Mlx5Bench.@Nullable Entry entry;

  Mlx5Command(
      int slot,
      byte token,
      Mlx5Message in,
      int outputBytes,
      byte[] queueEntry,
      List<Block> outputBlocks,
      DeliveryStatus delivery) {
    this.slot = slot;
    this.token = token;
    this.in = in;
    this.outputBytes = outputBytes;
    this.queueEntry = queueEntry;
    this.outputBlocks = List.copyOf(outputBlocks);
    this.delivery = delivery;
  }

  int code() {
    return in.lengthBytes() >= 4 ? in.field(0, 31, 16) : 0;
  }

  Optional<Opcode> opcode() {
    return Opcode.of(code());
  }

  int opMod() {
    return in.lengthBytes() >= 8 ? in.field(4, 15, 0) : 0;
  }

  boolean has(Mlx5Fault.Kind kind) {
    return faults.stream().anyMatch(fault -> fault.kind() == kind);
  }

  Optional<Mlx5Fault> fault(Mlx5Fault.Kind kind) {
    return faults.stream().filter(fault -> fault.kind() == kind).findFirst();
  }
}
