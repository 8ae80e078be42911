package io.vferry.vendor.mlx5;

import io.vferry.vendor.mlx5.command.QueryVhcaMigrationState;
import io.vferry.vendor.mlx5.queue.CommandException;

/**
 * How large the buffers of a session are. Source: Linux 6.12, {@code drivers/vfio/pci/mlx5/main.c},
 * {@code mlx5vf_prep_stop_copy}.
 *
 * @param stopCopyBytes of each buffer for the stop-copy phase
 * @param stopCopyBuffers how many of them
 */
record SaveSizes(long stopCopyBytes, int stopCopyBuffers) {

  /** The longest buffer that a command can name in whole pages. */
  static final long MOST_BYTES = (1L << 32) - 4096;

  private static final long CHUNK_BYTES = 8L << 20;
  private static final long PAGE_BYTES = 4096;

  /**
   * Decides on the buffers.
   *
   * @param growing whether the device runs on, so that its state may grow
   * @throws CommandException {@code NO_RESOURCES} if no command can name so much
   */
  static SaveSizes of(QueryVhcaMigrationState.Sizes asked, boolean chunks, boolean growing)
      throws CommandException {
    long required = room(asked);
    if (chunks) {
      long chunk = Math.min(CHUNK_BYTES, Math.max(0, asked.remainingBytes()));
      return new SaveSizes(pages(Math.max(required, chunk)), 2);
    }
    return new SaveSizes(pages(growing ? required + required / 10 : required), 1);
  }

  /** Rounds up to whole pages, at least one and no more than a command can name. */
  static long pages(long bytes) {
    long rounded = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    return Math.min(MOST_BYTES, Math.max(PAGE_BYTES, rounded));
  }

  /**
   * Returns the room that a SAVE needs, which the firmware has just told.
   *
   * @throws CommandException {@code NO_RESOURCES} if no command can name so much
   */
  static long room(QueryVhcaMigrationState.Sizes asked) throws CommandException {
    if (asked.requiredBytes() > MOST_BYTES) {
      throw CommandException.noResources(
          "its state needs a buffer of %d bytes, a SAVE takes at most %d; only firmware that saves"
                  .formatted(asked.requiredBytes(), MOST_BYTES)
              + " in chunks can move it");
    }
    return pages(asked.requiredBytes());
  }
}
