package io.vferry.vendor.mlx5;

import io.vferry.vendor.mlx5.queue.CommandException;
import java.util.List;

/** Frees what a session had. */
final class Release {

  private Release() {}

  /**
   * Destroys keys and a protection domain. What the firmware keeps is unmapped all the same, and
   * the firmware forgets it when the physical function is torn down.
   */
  static void all(Vhca vhca, int pd, List<ImageBuffer> buffers) {
    boolean clean = true;
    for (ImageBuffer buffer : buffers) {
      try {
        vhca.free(buffer);
      } catch (CommandException e) {
        clean = false;
        vhca.session().arena().release(buffer.memory());
      }
    }
    if (!clean) {
      return;
    }
    try {
      vhca.free(pd);
    } catch (CommandException e) {
      // A protection domain costs the firmware one number until the teardown.
      return;
    }
  }
}
