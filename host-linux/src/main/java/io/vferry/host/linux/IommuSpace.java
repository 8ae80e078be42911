package io.vferry.host.linux;

import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.MigrationException;

/**
 * An address space for DMA as the kernel keeps it, and the way in which devices are put into it.
 */
sealed interface IommuSpace extends AutoCloseable permits ContainerSpace, IommufdSpace {

  /** Returns the way. */
  AccessPath path();

  /** Opens a device and puts it into this space. */
  DeviceFd open(SysfsDevice device) throws MigrationException;

  /** Asks what can be mapped. */
  IovaSpace space() throws KernelError;

  /** Maps memory of this process. */
  void map(long iova, long address, long lengthBytes, boolean deviceReads, boolean deviceWrites)
      throws KernelError;

  /** Unmaps what {@link #map} mapped. */
  void unmap(long iova, long lengthBytes) throws KernelError;

  /** Gives the space back; its devices are closed before. */
  @Override
  void close();
}
