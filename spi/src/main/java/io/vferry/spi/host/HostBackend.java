package io.vferry.spi.host;

import io.vferry.spi.error.MigrationException;
import java.util.List;

/**
 * Turns addresses of one scheme into devices. A service: implementations have a public constructor
 * without arguments that does nothing slow and opens nothing.
 *
 * <p>All methods may be called from any thread.
 */
public interface HostBackend {

  /** Returns the scheme of the addresses it opens, for example {@code vfio}. */
  String scheme();

  /** Returns whether this backend can work on this host, and if not, why. */
  Availability availability();

  /**
   * Lists the devices it could open on this host, without opening them.
   *
   * @return empty where the backend is not available or its devices cannot be listed
   */
  List<HostDeviceInfo> list();

  /**
   * Opens a device.
   *
   * @throws MigrationException {@code OPEN_FAILED} if it cannot be opened, {@code BAD_REQUEST} if
   *     the address makes no sense to this backend
   */
  HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException;
}
