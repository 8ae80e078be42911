package io.vferry.host.linux;

import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.MigrationException;

/** Maps memory of this process for the DMA of devices. */
public interface DmaMapper {

  /**
   * Maps memory, which stays where it is until {@link #unmap}.
   *
   * @throws KernelError what {@link #explain} makes a sentence of
   */
  void map(AddressSpace.Mapping mapping) throws KernelError, MigrationException;

  /** Unmaps what {@link #map} mapped; after it the memory is not reached any more. */
  void unmap(AddressSpace.Mapping mapping) throws KernelError, MigrationException;

  /** Says what it means that a mapping was refused. */
  MigrationException explain(KernelError e, AddressSpace.Mapping mapping);
}
