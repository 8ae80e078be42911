package io.vferry.vendor.mlx5.command;

import java.nio.ByteBuffer;

/**
 * Limits of page tracking, from the block of advanced virtualization.
 *
 * @param maxRanges how many ranges one tracker can have
 * @param logMinSpace log2 of the least sum of range lengths
 * @param logMaxSpace log2 of the greatest sum of range lengths
 * @param logMaxMessageBytes log2 of the longest report message
 * @param logMinPageBytes log2 of the smallest page
 * @param logMaxPageBytes log2 of the largest page
 */
public record TrackingCapabilities(
    int maxRanges,
    int logMinSpace,
    int logMaxSpace,
    int logMaxMessageBytes,
    int logMinPageBytes,
    int logMaxPageBytes) {

  /** Reads a block. */
  public static TrackingCapabilities read(ByteBuffer bytes) {
    Words block = new Words(bytes);
    return new TrackingCapabilities(
        block.bits(0x0, 23, 16),
        block.bits(0x0, 15, 8),
        block.bits(0x0, 7, 0),
        block.bits(0x4, 20, 16),
        block.bits(0x4, 12, 8),
        block.bits(0x4, 4, 0));
  }
}
