package io.vferry.host.linux;

/**
 * Numbers and layouts of iommufd, under the kernel's names. Source: Linux 6.12, {@code
 * include/uapi/linux/iommufd.h}. Each structure begins with its own size.
 */
final class IommufdUapi {

  static final int IOMMU_DESTROY = 0x3b80;
  static final int IOMMU_IOAS_ALLOC = 0x3b81;
  static final int IOMMU_IOAS_IOVA_RANGES = 0x3b84;
  static final int IOMMU_IOAS_MAP = 0x3b85;
  static final int IOMMU_IOAS_UNMAP = 0x3b86;
  static final int IOMMU_IOAS_MAP_FIXED_IOVA = 1;
  static final int IOMMU_IOAS_MAP_WRITEABLE = 2;
  static final int IOMMU_IOAS_MAP_READABLE = 4;

  private IommufdUapi() {}

  @CStruct("iommu_destroy")
  static final class Destroy {
    static final int SIZEOF = 8;
    static final int SIZE = 0;
    static final int ID = 4;

    private Destroy() {}
  }

  @CStruct("iommu_ioas_alloc")
  static final class IoasAlloc {
    static final int SIZEOF = 12;
    static final int SIZE = 0;
    static final int FLAGS = 4;
    static final int OUT_IOAS_ID = 8;

    private IoasAlloc() {}
  }

  @CStruct("iommu_ioas_iova_ranges")
  static final class IoasIovaRanges {
    static final int SIZEOF = 32;
    static final int SIZE = 0;
    static final int IOAS_ID = 4;
    static final int NUM_IOVAS = 8;
    static final int ALLOWED_IOVAS = 16;
    static final int OUT_IOVA_ALIGNMENT = 24;

    private IoasIovaRanges() {}
  }

  @CStruct("iommu_iova_range")
  static final class IovaRange {
    static final int SIZEOF = 16;
    static final int START = 0;
    static final int LAST = 8;

    private IovaRange() {}
  }

  @CStruct("iommu_ioas_map")
  static final class IoasMap {
    static final int SIZEOF = 40;
    static final int SIZE = 0;
    static final int FLAGS = 4;
    static final int IOAS_ID = 8;
    static final int USER_VA = 16;
    static final int LENGTH = 24;
    static final int IOVA = 32;

    private IoasMap() {}
  }

  @CStruct("iommu_ioas_unmap")
  static final class IoasUnmap {
    static final int SIZEOF = 24;
    static final int SIZE = 0;
    static final int IOAS_ID = 4;
    static final int IOVA = 8;
    static final int LENGTH = 16;

    private IoasUnmap() {}
  }
}
