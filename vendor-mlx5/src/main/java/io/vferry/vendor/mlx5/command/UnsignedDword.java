package io.vferry.vendor.mlx5.command;

/** Numbers from 0 to 2<sup>32</sup> - 1. */
final class UnsignedDword {

  private UnsignedDword() {}

  static int of(long value) {
    if (value >>> 32 != 0) {
      throw new IllegalArgumentException("0x%x does not fit into a dword".formatted(value));
    }
    return (int) value;
  }
}
