package io.vferry.host.linux;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The address spaces that are open, each used by the devices of one IOMMU group. A group's node
 * opens only once, and the kernel lets the devices of a group be in one address space only.
 */
final class AddressSpaces {

  /** A device that was opened in an address space. */
  record Placed(DeviceFd fd, AddressSpace<IommuSpace> space, Object key) {}

  private static final class Entry {
    final AddressSpace<IommuSpace> space;
    int devices;

    Entry(AddressSpace<IommuSpace> space) {
      this.space = space;
    }
  }

  private final Map<Object, Entry> byGroup = new HashMap<>();

  /**
   * Opens a device.
   *
   * @param wanted the way in, or empty for whatever works best
   * @param preferred the way in if nothing else decides
   */
  synchronized Placed open(SysfsDevice device, Optional<AccessPath> wanted, AccessPath preferred)
      throws MigrationException {
    Object key = device.group().isPresent() ? device.group().getAsInt() : device.name();
    Entry entry = byGroup.get(key);
    if (entry == null) {
      entry =
          new Entry(
              new AddressSpace<>(
                  switch (wanted.orElse(preferred)) {
                    case GROUP -> ContainerSpace.create(device);
                    case CDEV -> IommufdSpace.create(device);
                  }));
    } else if (wanted.isPresent() && wanted.get() != entry.space.mapper().path()) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s is wanted by path=%s, but another device of its IOMMU group is open by path=%s; use one path for the whole group"
              .formatted(device.name(), wanted.get().text(), entry.space.mapper().path().text()));
    }
    DeviceFd fd;
    try {
      fd = entry.space.mapper().open(device);
    } catch (MigrationException | RuntimeException e) {
      if (entry.devices == 0) {
        entry.space.mapper().close();
      }
      throw e;
    }
    entry.devices++;
    byGroup.put(key, entry);
    return new Placed(fd, entry.space, key);
  }

  /** Says that a device is closed; the last of a group takes its address space with it. */
  synchronized void release(Placed placed) {
    Entry entry = byGroup.get(placed.key);
    if (entry == null || entry.devices == 0) {
      throw new IllegalStateException("released more often than opened");
    }
    if (--entry.devices == 0) {
      byGroup.remove(placed.key);
      entry.space.mapper().close();
    }
  }
}
