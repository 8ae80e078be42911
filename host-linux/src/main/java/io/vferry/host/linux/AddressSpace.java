package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is mapped for DMA in one IOMMU group. Devices of one group share it, whether they want to or
 * not: a mapping that two of them ask for alike is made once and lasts until both let go.
 */
final class AddressSpace {

  /**
   * One mapping.
   *
   * @param memory keeps what is mapped alive
   */
  record Mapping(
      MemoryRange iova, long address, boolean deviceReads, boolean deviceWrites, Object memory) {

    private boolean same(Mapping other) {
      return iova.equals(other.iova)
          && address == other.address
          && deviceReads == other.deviceReads
          && deviceWrites == other.deviceWrites;
    }
  }

  private record Shared(Mapping mapping, int users) {}

  private final IommuSpace iommu;
  private final TreeMap<Long, Shared> byStart = new TreeMap<>(Long::compareUnsigned);

  AddressSpace(IommuSpace iommu) {
    this.iommu = iommu;
  }

  IommuSpace iommu() {
    return iommu;
  }

  /** Maps, or shares an equal mapping. */
  synchronized void map(Mapping mapping) throws MigrationException {
    Map.Entry<Long, Shared> before = byStart.floorEntry(mapping.iova.last());
    if (before != null && before.getValue().mapping.iova.overlaps(mapping.iova)) {
      Shared there = before.getValue();
      if (!there.mapping.same(mapping)) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "I/O virtual range %s overlaps %s, which is mapped already in this IOMMU group"
                .formatted(mapping.iova, there.mapping.iova));
      }
      byStart.put(before.getKey(), new Shared(there.mapping, there.users + 1));
      return;
    }
    try {
      iommu.map(
          mapping.iova.start(),
          mapping.address,
          mapping.iova.length(),
          mapping.deviceReads,
          mapping.deviceWrites);
    } catch (KernelError e) {
      throw explain(e, mapping);
    }
    byStart.put(mapping.iova.start(), new Shared(mapping, 1));
  }

  /** Lets go of a mapping that was mapped before. */
  synchronized void unmap(Mapping mapping) throws MigrationException {
    Shared there = byStart.get(mapping.iova.start());
    if (there == null || !there.mapping.same(mapping)) {
      throw new IllegalStateException(mapping.iova + " is not mapped");
    }
    if (there.users > 1) {
      byStart.put(mapping.iova.start(), new Shared(there.mapping, there.users - 1));
      return;
    }
    try {
      iommu.unmap(mapping.iova.start(), mapping.iova.length());
    } catch (KernelError e) {
      throw e.as(
          DeviceError.IO_FAILED, "I/O virtual range %s cannot be unmapped".formatted(mapping.iova));
    }
    byStart.remove(mapping.iova.start());
  }

  private static MigrationException explain(KernelError e, Mapping mapping) {
    return switch (e.errno()) {
      case Errno.ENOMEM ->
          e.as(
              DeviceError.OUT_OF_RESOURCES,
              ("%d bytes cannot be locked in memory for DMA at %s; raise RLIMIT_MEMLOCK (ulimit -l)"
                      + " to more than the guest's memory")
                  .formatted(mapping.iova.length(), mapping.iova));
      case Errno.ENOSPC ->
          e.as(
              DeviceError.OUT_OF_RESOURCES,
              "too many DMA mappings; map larger pieces, or raise dma_entry_limit of the module vfio_iommu_type1");
      default ->
          e.as(
              DeviceError.BAD_REQUEST,
              "I/O virtual range %s cannot be mapped".formatted(mapping.iova));
    };
  }
}
