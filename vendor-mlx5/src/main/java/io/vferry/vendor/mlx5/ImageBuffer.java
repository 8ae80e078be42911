package io.vferry.vendor.mlx5;

import io.vferry.vendor.mlx5.queue.DmaMemory;

/**
 * Memory for one image, with the firmware's key to it.
 *
 * @param memory whole pages
 * @param mkey the key
 */
record ImageBuffer(DmaMemory memory, int mkey) {

  long lengthBytes() {
    return memory.lengthBytes();
  }
}
