package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;

/** Where the messages of a function's peers arrive. */
final class Mlx5Mailbox extends Mlx5Region {

  private final Mlx5VirtualFunction function;

  Mlx5Mailbox(Mlx5VirtualFunction function) {
    super(Mlx5GuestRegisters.MAILBOX_BAR, Mlx5GuestRegisters.MAILBOX_BYTES);
    this.function = function;
  }

  @Override
  void load(int offset, ByteBuffer into) {
    while (into.hasRemaining()) {
      into.put((byte) 0);
    }
  }

  @Override
  void store(int offset, ByteBuffer from) {
    ByteBuffer message = from.slice();
    from.position(from.limit());
    function.card.store(
        function.iommu,
        () -> {
          if (function.card.alive()) {
            function.engine.receive(message);
          }
        });
  }
}
