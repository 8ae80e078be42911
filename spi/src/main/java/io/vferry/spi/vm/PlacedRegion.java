package io.vferry.spi.vm;

/**
 * Where the guest sees a region of a device. The runtime maps it there into the DMA space of the
 * device's peers.
 *
 * @param deviceId the device's name in the manifest
 * @param regionIndex as in {@link io.vferry.spi.host.RegionInfo}
 * @param guestAddress first guest physical address; outside the guest's memory
 * @param lengthBytes how much of the region, from its start
 */
public record PlacedRegion(String deviceId, int regionIndex, long guestAddress, long lengthBytes) {}
