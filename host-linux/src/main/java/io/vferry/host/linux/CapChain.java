package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.CapHeader;
import io.vferry.host.linux.syscall.Argument;

/** The chain of capabilities behind an information structure of VFIO. */
final class CapChain {

  private CapChain() {}

  /**
   * Finds a capability.
   *
   * @param info as the kernel filled it
   * @param first offset of the first capability from the start of {@code info}; 0 if there is none
   * @param minimumBytes how much of the capability the caller reads at least
   * @return its offset, or 0 if there is none that is whole
   */
  static int find(Argument info, int first, int id, int minimumBytes) {
    int at = first;
    // A chain that goes back would never end; each capability takes at least its header.
    for (int left = info.sizeBytes() / CapHeader.SIZEOF; left > 0 && at > 0; left--) {
      if (at > info.sizeBytes() - CapHeader.SIZEOF) {
        return 0;
      }
      if (info.getShort(at + CapHeader.ID) == id) {
        return at <= info.sizeBytes() - minimumBytes ? at : 0;
      }
      at = info.getInt(at + CapHeader.NEXT);
    }
    return 0;
  }
}
