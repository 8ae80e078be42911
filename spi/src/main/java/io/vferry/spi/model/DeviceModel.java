package io.vferry.spi.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import java.util.List;
import java.util.Optional;

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

  /**
   * Returns what a guest would run to use a device that is one of these models, but in another
   * process, so that it does not come with its {@linkplain GuestSoftware software}. The software
   * reaches it through its regions, DMA and interrupts only.
   *
   * @param device what its config space says; a model is to be told from the hardware that it
   *     stands for, as by a subsystem number of its own
   * @return empty if it is none of these models
   * @throws MigrationException if that cannot be told
   * @since 1.1
   */
  default Optional<GuestSoftware> guestSoftware(HostDeviceInfo device) throws MigrationException {
    return Optional.empty();
  }
}
