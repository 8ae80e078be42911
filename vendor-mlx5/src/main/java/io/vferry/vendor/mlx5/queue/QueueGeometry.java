package io.vferry.vendor.mlx5.queue;

/**
 * How the command queue lies in its page.
 *
 * @param logSlots log2 of the number of slots
 * @param logStride log2 of the bytes from a slot to the next
 */
record QueueGeometry(int logSlots, int logStride) {

  private static final int LOG_ENTRY_BYTES = 6;
  private static final int LOG_PAGE_BYTES = 12;
  private static final int LOG_MOST_SLOTS = 5;

  /** Reads what the firmware says, and refuses what does not fit. */
  static QueueGeometry read(int addressLow) throws CommandException {
    QueueGeometry geometry = new QueueGeometry(addressLow >>> 4 & 0xf, addressLow & 0xf);
    // One slot for pages and one for all else is the least.
    if (geometry.logSlots < 1
        || geometry.logSlots > LOG_MOST_SLOTS
        || geometry.logStride < LOG_ENTRY_BYTES
        || geometry.logSlots + geometry.logStride > LOG_PAGE_BYTES) {
      throw CommandException.lost(
          "the physical function offers a command queue of 2^%d slots, 2^%d bytes apart"
              .formatted(geometry.logSlots, geometry.logStride));
    }
    return geometry;
  }

  int slots() {
    return 1 << logSlots;
  }
}
