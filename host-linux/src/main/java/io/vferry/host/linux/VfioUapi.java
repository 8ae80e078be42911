package io.vferry.host.linux;

/**
 * Numbers and layouts of VFIO, under the kernel's names. Source: Linux 6.12, {@code
 * include/uapi/linux/vfio.h}; those of later kernels say so.
 *
 * <p>One number means different things on different kinds of file: 0x3b75 is a device feature on a
 * device and dirty page tracking on a container. That is why each kind of file has its own class
 * here, with only its own requests.
 */
final class VfioUapi {

  // Containers.
  static final int VFIO_GET_API_VERSION = 0x3b64;
  static final int VFIO_CHECK_EXTENSION = 0x3b65;
  static final int VFIO_SET_IOMMU = 0x3b66;
  static final int VFIO_IOMMU_GET_INFO = 0x3b70;
  static final int VFIO_IOMMU_MAP_DMA = 0x3b71;
  static final int VFIO_IOMMU_UNMAP_DMA = 0x3b72;
  static final int VFIO_API_VERSION = 0;
  static final int VFIO_TYPE1v2_IOMMU = 3;
  static final int VFIO_IOMMU_INFO_PGSIZES = 1;
  static final int VFIO_IOMMU_INFO_CAPS = 2;
  static final int VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE = 1;
  static final int VFIO_DMA_MAP_FLAG_READ = 1;
  static final int VFIO_DMA_MAP_FLAG_WRITE = 2;

  // Groups.
  static final int VFIO_GROUP_GET_STATUS = 0x3b67;
  static final int VFIO_GROUP_SET_CONTAINER = 0x3b68;
  static final int VFIO_GROUP_UNSET_CONTAINER = 0x3b69;
  static final int VFIO_GROUP_GET_DEVICE_FD = 0x3b6a;
  static final int VFIO_GROUP_FLAGS_VIABLE = 1;

  // Devices.
  static final int VFIO_DEVICE_GET_INFO = 0x3b6b;
  static final int VFIO_DEVICE_GET_REGION_INFO = 0x3b6c;
  static final int VFIO_DEVICE_GET_IRQ_INFO = 0x3b6d;
  static final int VFIO_DEVICE_SET_IRQS = 0x3b6e;
  static final int VFIO_DEVICE_RESET = 0x3b6f;
  static final int VFIO_DEVICE_FEATURE = 0x3b75;
  static final int VFIO_DEVICE_BIND_IOMMUFD = 0x3b76;
  static final int VFIO_DEVICE_ATTACH_IOMMUFD_PT = 0x3b77;
  static final int VFIO_DEVICE_FLAGS_PCI = 2;
  static final int VFIO_REGION_INFO_FLAG_READ = 1;
  static final int VFIO_REGION_INFO_FLAG_WRITE = 2;
  static final int VFIO_REGION_INFO_FLAG_MMAP = 4;
  static final int VFIO_REGION_INFO_FLAG_CAPS = 8;
  static final int VFIO_REGION_INFO_CAP_SPARSE_MMAP = 1;
  static final int VFIO_IRQ_INFO_EVENTFD = 1;
  static final int VFIO_IRQ_INFO_MASKABLE = 2;
  static final int VFIO_IRQ_INFO_AUTOMASKED = 4;
  static final int VFIO_IRQ_SET_DATA_NONE = 1;
  static final int VFIO_IRQ_SET_DATA_EVENTFD = 4;
  static final int VFIO_IRQ_SET_ACTION_MASK = 8;
  static final int VFIO_IRQ_SET_ACTION_UNMASK = 0x10;
  static final int VFIO_IRQ_SET_ACTION_TRIGGER = 0x20;
  static final int VFIO_DEVICE_FEATURE_GET = 0x10000;
  static final int VFIO_DEVICE_FEATURE_SET = 0x20000;
  static final int VFIO_DEVICE_FEATURE_PROBE = 0x40000;
  static final int VFIO_DEVICE_FEATURE_MIGRATION = 1;
  static final int VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE = 2;
  static final int VFIO_DEVICE_FEATURE_DMA_LOGGING_START = 6;
  static final int VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP = 7;
  static final int VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT = 8;
  static final int VFIO_DEVICE_FEATURE_MIG_DATA_SIZE = 9;

  /** Since about Linux 7.1: lets the kernel say that initial data were begun anew. */
  static final int VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 = 12;

  // Migration data.
  static final int VFIO_MIG_GET_PRECOPY_INFO = 0x3b79;

  /** Since about Linux 7.1. */
  static final int VFIO_PRECOPY_INFO_REINIT = 1;

  private VfioUapi() {}

  @CStruct("vfio_group_status")
  static final class GroupStatus {
    static final int SIZEOF = 8;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;

    private GroupStatus() {}
  }

  @CStruct("vfio_device_info")
  static final class DeviceInfo {
    static final int SIZEOF = 24;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int NUM_REGIONS = 8;
    static final int NUM_IRQS = 12;

    private DeviceInfo() {}
  }

  @CStruct("vfio_region_info")
  static final class RegionInfo {
    static final int SIZEOF = 32;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int INDEX = 8;
    static final int CAP_OFFSET = 12;
    static final int SIZE = 16;
    static final int OFFSET = 24;

    private RegionInfo() {}
  }

  @CStruct("vfio_info_cap_header")
  static final class CapHeader {
    static final int SIZEOF = 8;
    static final int ID = 0;
    static final int VERSION = 2;
    static final int NEXT = 4;

    private CapHeader() {}
  }

  @CStruct("vfio_region_info_cap_sparse_mmap")
  static final class SparseMmap {
    static final int SIZEOF = 16;
    static final int NR_AREAS = 8;
    static final int AREAS = 16;

    private SparseMmap() {}
  }

  @CStruct("vfio_region_sparse_mmap_area")
  static final class SparseMmapArea {
    static final int SIZEOF = 16;
    static final int OFFSET = 0;
    static final int SIZE = 8;

    private SparseMmapArea() {}
  }

  @CStruct("vfio_irq_info")
  static final class IrqInfo {
    static final int SIZEOF = 16;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int INDEX = 8;
    static final int COUNT = 12;

    private IrqInfo() {}
  }

  @CStruct("vfio_irq_set")
  static final class IrqSet {
    static final int SIZEOF = 20;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int INDEX = 8;
    static final int START = 12;
    static final int COUNT = 16;
    static final int DATA = 20;

    private IrqSet() {}
  }

  @CStruct("vfio_device_feature")
  static final class Feature {
    static final int SIZEOF = 8;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int DATA = 8;

    private Feature() {}
  }

  @CStruct("vfio_device_feature_migration")
  static final class FeatureMigration {
    static final int SIZEOF = 8;
    static final int FLAGS = 0;

    private FeatureMigration() {}
  }

  @CStruct("vfio_device_feature_mig_state")
  static final class FeatureMigState {
    static final int SIZEOF = 8;
    static final int DEVICE_STATE = 0;
    static final int DATA_FD = 4;

    private FeatureMigState() {}
  }

  @CStruct("vfio_device_feature_mig_data_size")
  static final class FeatureMigDataSize {
    static final int SIZEOF = 8;
    static final int STOP_COPY_LENGTH = 0;

    private FeatureMigDataSize() {}
  }

  @CStruct("vfio_device_feature_dma_logging_control")
  static final class FeatureDmaLoggingControl {
    static final int SIZEOF = 24;
    static final int PAGE_SIZE = 0;
    static final int NUM_RANGES = 8;
    static final int RANGES = 16;

    private FeatureDmaLoggingControl() {}
  }

  @CStruct("vfio_device_feature_dma_logging_range")
  static final class FeatureDmaLoggingRange {
    static final int SIZEOF = 16;
    static final int IOVA = 0;
    static final int LENGTH = 8;

    private FeatureDmaLoggingRange() {}
  }

  @CStruct("vfio_device_feature_dma_logging_report")
  static final class FeatureDmaLoggingReport {
    static final int SIZEOF = 32;
    static final int IOVA = 0;
    static final int LENGTH = 8;
    static final int PAGE_SIZE = 16;
    static final int BITMAP = 24;

    private FeatureDmaLoggingReport() {}
  }

  @CStruct("vfio_precopy_info")
  static final class PrecopyInfo {
    static final int SIZEOF = 24;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int INITIAL_BYTES = 8;
    static final int DIRTY_BYTES = 16;

    private PrecopyInfo() {}
  }

  @CStruct("vfio_device_bind_iommufd")
  static final class BindIommufd {
    static final int SIZEOF = 16;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int IOMMUFD = 8;
    static final int OUT_DEVID = 12;

    private BindIommufd() {}
  }

  @CStruct("vfio_device_attach_iommufd_pt")
  static final class AttachIommufdPt {
    static final int SIZEOF = 12;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int PT_ID = 8;

    private AttachIommufdPt() {}
  }

  @CStruct("vfio_iommu_type1_info")
  static final class Type1Info {
    static final int SIZEOF = 24;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int IOVA_PGSIZES = 8;
    static final int CAP_OFFSET = 16;

    private Type1Info() {}
  }

  @CStruct("vfio_iommu_type1_info_cap_iova_range")
  static final class Type1IovaRanges {
    static final int SIZEOF = 16;
    static final int NR_IOVAS = 8;
    static final int IOVA_RANGES = 16;

    private Type1IovaRanges() {}
  }

  @CStruct("vfio_iova_range")
  static final class IovaRange {
    static final int SIZEOF = 16;
    static final int START = 0;
    static final int END = 8;

    private IovaRange() {}
  }

  @CStruct("vfio_iommu_type1_dma_map")
  static final class Type1Map {
    static final int SIZEOF = 32;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int VADDR = 8;
    static final int IOVA = 16;
    static final int SIZE = 24;

    private Type1Map() {}
  }

  @CStruct("vfio_iommu_type1_dma_unmap")
  static final class Type1Unmap {
    static final int SIZEOF = 24;
    static final int ARGSZ = 0;
    static final int FLAGS = 4;
    static final int IOVA = 8;
    static final int SIZE = 16;

    private Type1Unmap() {}
  }
}
