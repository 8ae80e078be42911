package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.CommandStatus;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The host memory that the firmware works in. It stamps each page, so that a host that uses a page
 * it gave away is found out. The card's lock guards it.
 */
final class Mlx5Pages {

  private final Mlx5Iommu iommu;
  private final Map<Long, Integer> given = new LinkedHashMap<>();
  private long spoilt;

  Mlx5Pages(Mlx5Iommu iommu) {
    this.iommu = iommu;
  }

  void reset() {
    given.clear();
  }

  int count(int function) {
    return (int) given.values().stream().filter(owner -> owner == function).count();
  }

  int count() {
    return given.size();
  }

  /** Returns how many pages the host wrote to while they were the firmware's. */
  long spoilt() {
    return spoilt;
  }

  void give(int function, long[] pages) throws Mlx5Refusal {
    for (long page : pages) {
      if ((page & (Mlx5Iommu.PAGE_BYTES - 1)) != 0 || page == 0) {
        throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a page is not aligned");
      }
      if (given.containsKey(page)) {
        throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a page was given already");
      }
      if (!iommu.write(page, stamp(page))) {
        throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a page cannot be reached");
      }
      given.put(page, function);
    }
  }

  long[] take(int function, int most) {
    long[] pages =
        given.entrySet().stream()
            .filter(entry -> entry.getValue() == function)
            .mapToLong(Map.Entry::getKey)
            .limit(most)
            .toArray();
    for (long page : pages) {
      given.remove(page);
      ByteBuffer found = ByteBuffer.allocate(Mlx5Iommu.PAGE_BYTES);
      if (!iommu.read(page, found) || !found.flip().equals(stamp(page))) {
        spoilt++;
      }
    }
    return pages;
  }

  private static ByteBuffer stamp(long page) {
    ByteBuffer stamp = ByteBuffer.allocate(Mlx5Iommu.PAGE_BYTES);
    Mlx5Pattern.put(stamp, ~0L, page, 1);
    return stamp.flip();
  }
}
