package io.vferry.host.linux.user.wire;

import java.util.List;

/** More about a region, in the chain of capabilities behind its description. */
public sealed interface RegionCapability {

  /**
   * Only these parts can be mapped, all through one file.
   *
   * @param areas in ascending order as a rule, which is not checked
   */
  record SparseMmap(List<Area> areas) implements RegionCapability {
    /** Creates a capability; the list is copied. */
    public SparseMmap {
      areas = List.copyOf(areas);
    }
  }

  /**
   * A part that can be mapped.
   *
   * @param offset from the start of the region, unsigned
   * @param size bytes, unsigned
   */
  record Area(long offset, long size) {}

  /**
   * Only these parts can be mapped, each through one of several files; since the later revision of
   * the specification.
   *
   * @param areas as in {@link SparseMmap}
   */
  record SparseMmapFds(List<FdArea> areas) implements RegionCapability {
    /** Creates a capability; the list is copied. */
    public SparseMmapFds {
      areas = List.copyOf(areas);
    }
  }

  /**
   * A part that can be mapped.
   *
   * @param offset from the start of the region, unsigned
   * @param fdOffset where in the file it begins, unsigned
   * @param size bytes, unsigned
   * @param fdIndex which of the files of the message it is, unsigned
   */
  record FdArea(long offset, long fdOffset, long size, int fdIndex) {}

  /**
   * What a device-specific region is.
   *
   * @param type as the kernel numbers it
   * @param subtype as the kernel numbers it
   */
  record Type(int type, int subtype) implements RegionCapability {}

  /**
   * A capability that this version does not know; its content is skipped.
   *
   * @param id 0 to 0xffff
   * @param version 0 to 0xffff
   */
  record Unknown(int id, int version) implements RegionCapability {}
}
