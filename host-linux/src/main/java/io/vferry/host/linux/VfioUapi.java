package io.vferry.host.linux;

/**
 * Numbers and layouts of VFIO, under the kernel's names. Source: Linux 6.12, {@code
 * include/uapi/linux/vfio.h}; those of later kernels say so.
 *
 * <p>One number means different things on different kinds of file: 0x3b75 is a device feature on a
 * device and dirty page tracking on a container. That is why each kind of file has its own class
 * here, with only its own requests.
 */
public final class VfioUapi {

  // Containers.
  public static final int VFIO_GET_API_VERSION = 0x3b64;
  public static final int VFIO_CHECK_EXTENSION = 0x3b65;
  public static final int VFIO_SET_IOMMU = 0x3b66;
  public static final int VFIO_IOMMU_GET_INFO = 0x3b70;
  public static final int VFIO_IOMMU_MAP_DMA = 0x3b71;
  public static final int VFIO_IOMMU_UNMAP_DMA = 0x3b72;
  public static final int VFIO_API_VERSION = 0;
  public static final int VFIO_TYPE1v2_IOMMU = 3;
  public static final int VFIO_IOMMU_INFO_PGSIZES = 1;
  public static final int VFIO_IOMMU_INFO_CAPS = 2;
  public static final int VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE = 1;
  public static final int VFIO_DMA_MAP_FLAG_READ = 1;
  public static final int VFIO_DMA_MAP_FLAG_WRITE = 2;

  // Groups.
  public static final int VFIO_GROUP_GET_STATUS = 0x3b67;
  public static final int VFIO_GROUP_SET_CONTAINER = 0x3b68;
  public static final int VFIO_GROUP_UNSET_CONTAINER = 0x3b69;
  public static final int VFIO_GROUP_GET_DEVICE_FD = 0x3b6a;
  public static final int VFIO_GROUP_FLAGS_VIABLE = 1;

  // Devices.
  public static final int VFIO_DEVICE_GET_INFO = 0x3b6b;
  public static final int VFIO_DEVICE_GET_REGION_INFO = 0x3b6c;
  public static final int VFIO_DEVICE_GET_IRQ_INFO = 0x3b6d;
  public static final int VFIO_DEVICE_SET_IRQS = 0x3b6e;
  public static final int VFIO_DEVICE_RESET = 0x3b6f;
  public static final int VFIO_DEVICE_FEATURE = 0x3b75;
  public static final int VFIO_DEVICE_BIND_IOMMUFD = 0x3b76;
  public static final int VFIO_DEVICE_ATTACH_IOMMUFD_PT = 0x3b77;
  public static final int VFIO_DEVICE_FLAGS_PCI = 2;
  public static final int VFIO_REGION_INFO_FLAG_READ = 1;
  public static final int VFIO_REGION_INFO_FLAG_WRITE = 2;
  public static final int VFIO_REGION_INFO_FLAG_MMAP = 4;
  public static final int VFIO_REGION_INFO_FLAG_CAPS = 8;
  public static final int VFIO_REGION_INFO_CAP_SPARSE_MMAP = 1;
  public static final int VFIO_IRQ_INFO_EVENTFD = 1;
  public static final int VFIO_IRQ_INFO_MASKABLE = 2;
  public static final int VFIO_IRQ_INFO_AUTOMASKED = 4;
  public static final int VFIO_IRQ_SET_DATA_NONE = 1;
  public static final int VFIO_IRQ_SET_DATA_EVENTFD = 4;
  public static final int VFIO_IRQ_SET_ACTION_MASK = 8;
  public static final int VFIO_IRQ_SET_ACTION_UNMASK = 0x10;
  public static final int VFIO_IRQ_SET_ACTION_TRIGGER = 0x20;
  public static final int VFIO_DEVICE_FEATURE_GET = 0x10000;
  public static final int VFIO_DEVICE_FEATURE_SET = 0x20000;
  public static final int VFIO_DEVICE_FEATURE_PROBE = 0x40000;
  public static final int VFIO_DEVICE_FEATURE_MIGRATION = 1;
  public static final int VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE = 2;
  public static final int VFIO_DEVICE_FEATURE_DMA_LOGGING_START = 6;
  public static final int VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP = 7;
  public static final int VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT = 8;
  public static final int VFIO_DEVICE_FEATURE_MIG_DATA_SIZE = 9;

  /** Since about Linux 7.1: lets the kernel say that initial data were begun anew. */
  public static final int VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 = 12;

  // Migration data.
  public static final int VFIO_MIG_GET_PRECOPY_INFO = 0x3b79;

  /** Since about Linux 7.1. */
  public static final int VFIO_PRECOPY_INFO_REINIT = 1;

  private VfioUapi() {}

  @CStruct("vfio_group_status")
  public static final class GroupStatus {
    public static final int SIZEOF = 8;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;

    private GroupStatus() {}
  }

  @CStruct("vfio_device_info")
  public static final class DeviceInfo {
    public static final int SIZEOF = 24;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int NUM_REGIONS = 8;
    public static final int NUM_IRQS = 12;

    private DeviceInfo() {}
  }

  @CStruct("vfio_region_info")
  public static final class RegionInfo {
    public static final int SIZEOF = 32;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int INDEX = 8;
    public static final int CAP_OFFSET = 12;
    public static final int SIZE = 16;
    public static final int OFFSET = 24;

    private RegionInfo() {}
  }

  @CStruct("vfio_info_cap_header")
  public static final class CapHeader {
    public static final int SIZEOF = 8;
    public static final int ID = 0;
    public static final int VERSION = 2;
    public static final int NEXT = 4;

    private CapHeader() {}
  }

  @CStruct("vfio_region_info_cap_sparse_mmap")
  public static final class SparseMmap {
    public static final int SIZEOF = 16;
    public static final int NR_AREAS = 8;
    public static final int AREAS = 16;

    private SparseMmap() {}
  }

  @CStruct("vfio_region_sparse_mmap_area")
  public static final class SparseMmapArea {
    public static final int SIZEOF = 16;
    public static final int OFFSET = 0;
    public static final int SIZE = 8;

    private SparseMmapArea() {}
  }

  @CStruct("vfio_irq_info")
  public static final class IrqInfo {
    public static final int SIZEOF = 16;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int INDEX = 8;
    public static final int COUNT = 12;

    private IrqInfo() {}
  }

  @CStruct("vfio_irq_set")
  public static final class IrqSet {
    public static final int SIZEOF = 20;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int INDEX = 8;
    public static final int START = 12;
    public static final int COUNT = 16;
    public static final int DATA = 20;

    private IrqSet() {}
  }

  @CStruct("vfio_device_feature")
  public static final class Feature {
    public static final int SIZEOF = 8;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int DATA = 8;

    private Feature() {}
  }

  @CStruct("vfio_device_feature_migration")
  public static final class FeatureMigration {
    public static final int SIZEOF = 8;
    public static final int FLAGS = 0;

    private FeatureMigration() {}
  }

  @CStruct("vfio_device_feature_mig_state")
  public static final class FeatureMigState {
    public static final int SIZEOF = 8;
    public static final int DEVICE_STATE = 0;
    public static final int DATA_FD = 4;

    private FeatureMigState() {}
  }

  @CStruct("vfio_device_feature_mig_data_size")
  public static final class FeatureMigDataSize {
    public static final int SIZEOF = 8;
    public static final int STOP_COPY_LENGTH = 0;

    private FeatureMigDataSize() {}
  }

  @CStruct("vfio_device_feature_dma_logging_control")
  public static final class FeatureDmaLoggingControl {
    public static final int SIZEOF = 24;
    public static final int PAGE_SIZE = 0;
    public static final int NUM_RANGES = 8;
    public static final int RANGES = 16;

    private FeatureDmaLoggingControl() {}
  }

  @CStruct("vfio_device_feature_dma_logging_range")
  public static final class FeatureDmaLoggingRange {
    public static final int SIZEOF = 16;
    public static final int IOVA = 0;
    public static final int LENGTH = 8;

    private FeatureDmaLoggingRange() {}
  }

  @CStruct("vfio_device_feature_dma_logging_report")
  public static final class FeatureDmaLoggingReport {
    public static final int SIZEOF = 32;
    public static final int IOVA = 0;
    public static final int LENGTH = 8;
    public static final int PAGE_SIZE = 16;
    public static final int BITMAP = 24;

    private FeatureDmaLoggingReport() {}
  }

  @CStruct("vfio_precopy_info")
  public static final class PrecopyInfo {
    public static final int SIZEOF = 24;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int INITIAL_BYTES = 8;
    public static final int DIRTY_BYTES = 16;

    private PrecopyInfo() {}
  }

  @CStruct("vfio_device_bind_iommufd")
  public static final class BindIommufd {
    public static final int SIZEOF = 16;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int IOMMUFD = 8;
    public static final int OUT_DEVID = 12;

    private BindIommufd() {}
  }

  @CStruct("vfio_device_attach_iommufd_pt")
  public static final class AttachIommufdPt {
    public static final int SIZEOF = 12;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int PT_ID = 8;

    private AttachIommufdPt() {}
  }

  @CStruct("vfio_iommu_type1_info")
  public static final class Type1Info {
    public static final int SIZEOF = 24;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int IOVA_PGSIZES = 8;
    public static final int CAP_OFFSET = 16;

    private Type1Info() {}
  }

  @CStruct("vfio_iommu_type1_info_cap_iova_range")
  public static final class Type1IovaRanges {
    public static final int SIZEOF = 16;
    public static final int NR_IOVAS = 8;
    public static final int IOVA_RANGES = 16;

    private Type1IovaRanges() {}
  }

  @CStruct("vfio_iova_range")
  public static final class IovaRange {
    public static final int SIZEOF = 16;
    public static final int START = 0;
    public static final int END = 8;

    private IovaRange() {}
  }

  @CStruct("vfio_iommu_type1_dma_map")
  public static final class Type1Map {
    public static final int SIZEOF = 32;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int VADDR = 8;
    public static final int IOVA = 16;
    public static final int SIZE = 24;

    private Type1Map() {}
  }

  @CStruct("vfio_iommu_type1_dma_unmap")
  public static final class Type1Unmap {
    public static final int SIZEOF = 24;
    public static final int ARGSZ = 0;
    public static final int FLAGS = 4;
    public static final int IOVA = 8;
    public static final int SIZE = 16;

    private Type1Unmap() {}
  }
}
