package io.vferry.spi.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import java.util.List;

/**
 * A software stand-in for a kind of hardware, shipped beside its driver, so that anyone can try,
 * test and demonstrate the driver with no hardware. A service, with the same rules as a driver.
 * Stateless; all methods may be called from any thread at the same time.
 */
public interface DeviceModel {

  /**
   * Returns the names by which it is asked for, for example {@code mlx5-vf}; unique, kebab case.
   */
  List<String> names();

  /** Describes one of the names in one sentence, with its parameters. */
  String description(String name);

  /**
   * Creates a device, powered on and RUNNING.
   *
   * @param address its path is one of the names; its parameters are the model's
   * @throws MigrationException {@code BAD_REQUEST} if a parameter is unknown or out of range
   */
  HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException;
}
