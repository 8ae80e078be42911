package io.vferry.spi.host;

/**
 * Describes a region. On PCI devices the indices are those of {@code VFIO_PCI_*_REGION_INDEX}: BAR
 * 0 to 5, ROM 6, config space 7, VGA 8, device specific from 9.
 *
 * @param index 0 or more
 * @param sizeBytes at least 1
 * @param readable whether it can be read
 * @param writable whether it can be written
 * @param mappable whether {@link Region#map} works on at least a part
 */
public record RegionInfo(
    int index, long sizeBytes, boolean readable, boolean writable, boolean mappable) {

  /** Index of the PCI config space. */
  public static final int PCI_CONFIG = 7;
}
