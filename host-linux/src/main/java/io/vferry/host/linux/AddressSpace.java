package io.vferry.host.linux;

import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is mapped for DMA in one address space, of an IOMMU group or of a device that another
 * process serves. Devices of one group share it, whether they want to or not: a mapping that two of
 * them ask for alike is made once and lasts until both let go.
 *
 * @param <M> what maps
 */
public final class AddressSpace<M extends DmaMapper> {

  /**
   * One mapping.
   *
   * @param iova where the device finds it
   * @param address where it is in this process
   * @param deviceReads whether the device may read it
   * @param deviceWrites whether the device may write it
   * @param memory keeps what is mapped alive
   */
  public record Mapping(
      MemoryRange iova, long address, boolean deviceReads, boolean deviceWrites, Object memory) {

    private boolean same(Mapping other) {
      return iova.equals(other.iova)
          && address == other.address
          && deviceReads == other.deviceReads
          && deviceWrites == other.deviceWrites;
    }
  }

  private record Shared(Mapping mapping, int users) {}

  private final M mapper;
  private final TreeMap<Long, Shared> byStart = new TreeMap<>(Long::compareUnsigned);

  /** Creates one in which nothing is mapped. */
  public AddressSpace(M mapper) {
    this.mapper = mapper;
  }

  /** Returns what maps. */
  M mapper() {
    return mapper;
  }

  /** Maps, or shares an equal mapping. */
  synchronized void map(Mapping mapping) throws MigrationException {
    Map.Entry<Long, Shared> before = byStart.floorEntry(mapping.iova.last());
    if (before != null && before.getValue().mapping.iova.overlaps(mapping.iova)) {
      Shared there = before.getValue();
      if (!there.mapping.same(mapping)) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "I/O virtual range %s overlaps %s, which is mapped already in this address space"
                .formatted(mapping.iova, there.mapping.iova));
      }
      byStart.put(before.getKey(), new Shared(there.mapping, there.users + 1));
      return;
    }
    try {
      mapper.map(mapping);
    } catch (KernelError e) {
      throw mapper.explain(e, mapping);
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
      mapper.unmap(mapping);
    } catch (KernelError e) {
      throw e.as(
          DeviceError.IO_FAILED, "I/O virtual range %s cannot be unmapped".formatted(mapping.iova));
    }
    byStart.remove(mapping.iova.start());
  }
}
