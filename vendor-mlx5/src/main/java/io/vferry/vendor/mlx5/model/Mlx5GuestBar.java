package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The registers of a virtual function; 8 bytes each, big endian. */
final class Mlx5GuestBar extends Mlx5Region {

  private final Mlx5VirtualFunction function;

  Mlx5GuestBar(Mlx5VirtualFunction function) {
    super(Mlx5GuestRegisters.BAR, Mlx5GuestRegisters.BAR_BYTES);
    this.function = function;
  }

  @Override
  void load(int offset, ByteBuffer into) {
    function.card.turn().touch(() -> get(offset, into));
  }

  private void get(int offset, ByteBuffer into) {
    long value = -1;
    for (int at = offset; into.hasRemaining(); at++) {
      if (function.card.alive() && (at == offset || (at & 7) == 0)) {
        value = function.engine.get(at & ~7);
      }
      into.put((byte) (value >>> ((7 - (at & 7)) * 8)));
    }
  }

  @Override
  void store(int offset, ByteBuffer from) {
    ByteBuffer bytes = from.slice().order(ByteOrder.BIG_ENDIAN);
    from.position(from.limit());
    if ((offset & 7) != 0 || (bytes.remaining() & 7) != 0) {
      return;
    }
    function.card.store(
        function.iommu,
        () -> {
          for (int at = 0; at < bytes.limit() && function.card.alive(); at += Long.BYTES) {
            function.engine.set(offset + at, bytes.getLong(at));
          }
        });
  }
}
