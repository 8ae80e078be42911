package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;

/**
 * An address space for DMA as the kernel keeps it, and the way in which devices are put into it.
 */
sealed interface IommuSpace extends DmaMapper, AutoCloseable permits ContainerSpace, IommufdSpace {

  /** Returns the way. */
  AccessPath path();

  /** Opens a device and puts it into this space. */
  DeviceFd open(SysfsDevice device) throws MigrationException;

  /** Asks what can be mapped. */
  IovaSpace space() throws KernelError;

  @Override
  default void map(AddressSpace.Mapping mapping) throws KernelError {
    map(
        mapping.iova().start(),
        mapping.address(),
        mapping.iova().length(),
        mapping.deviceReads(),
        mapping.deviceWrites());
  }

  @Override
  default void unmap(AddressSpace.Mapping mapping) throws KernelError {
    unmap(mapping.iova().start(), mapping.iova().length());
  }

  /** Maps memory of this process. */
  void map(long iova, long address, long lengthBytes, boolean deviceReads, boolean deviceWrites)
      throws KernelError;

  /** Unmaps what {@link #map} mapped. */
  void unmap(long iova, long lengthBytes) throws KernelError;

  @Override
  default MigrationException explain(KernelError e, AddressSpace.Mapping mapping) {
    return switch (e.errno()) {
      case Errno.ENOMEM ->
          e.as(
              DeviceError.OUT_OF_RESOURCES,
              ("%d bytes cannot be locked in memory for DMA at %s; raise RLIMIT_MEMLOCK (ulimit -l)"
                      + " to more than the guest's memory")
                  .formatted(mapping.iova().length(), mapping.iova()));
      case Errno.ENOSPC ->
          e.as(
              DeviceError.OUT_OF_RESOURCES,
              "too many DMA mappings; map larger pieces, or raise dma_entry_limit of the module"
                  + " vfio_iommu_type1");
      default ->
          e.as(
              DeviceError.BAD_REQUEST,
              "I/O virtual range %s cannot be mapped".formatted(mapping.iova()));
    };
  }

  /** Gives the space back; its devices are closed before. */
  @Override
  void close();
}
