package io.vferry.spi.host;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Optional;

/**
 * An open device as the host gives it: the only way from a driver to the hardware. The same driver
 * runs over the kernel, over vfio-user and over a software model.
 *
 * <p>Methods may be called from any thread; where the order matters, the caller sees to it.
 */
public interface HostDevice extends AutoCloseable {

  /** Returns what is known about the device. */
  HostDeviceInfo info();

  /** Describes the regions that exist, ascending by index. */
  List<RegionInfo> regions();

  /**
   * Returns a region.
   *
   * @param index as in {@link RegionInfo}
   * @throws MigrationException {@code BAD_REQUEST} if there is no such region
   */
  Region region(int index) throws MigrationException;

  /** Returns the device's interrupts. */
  Interrupts interrupts();

  /** Returns the address space in which the device's DMA goes. */
  DmaSpace dma();

  /**
   * Resets the device to {@link io.vferry.spi.state.DeviceState#RUNNING}; data sessions end.
   *
   * @throws MigrationException {@code RESET_FAILED}
   */
  void reset() throws MigrationException;

  /**
   * Returns another function of the same hardware that the driver needs, for example the physical
   * function {@code pf} of a virtual one.
   *
   * @return empty if the integrator named none; the same object for all devices that were opened
   *     together and name the same function, owned by them and closed with the last one
   */
  Optional<HostDevice> companion(String role);

  /**
   * Returns an optional ability of the host for this device, such as {@link HostMigration}, {@link
   * io.vferry.spi.memory.DmaLog}, {@link ResetCount}, or {@link SharedParts} of a companion of
   * several devices. The {@link HostClock} of {@link #clock} is there always.
   */
  <T> Optional<T> capability(Class<T> type);

  /**
   * Returns the clock of the device: the one that it was opened with, or the one by which it lives.
   * Whoever waits for the device waits by it. Each host gives one, as the {@link #capability}
   * {@link HostClock}.
   *
   * @throws MigrationException {@code NOT_MIGRATABLE} if this host gives none, against its promise
   * @since 1.1
   */
  default HostClock clock() throws MigrationException {
    return capability(HostClock.class)
        .orElseThrow(
            () ->
                new MigrationException(
                    DeviceError.NOT_MIGRATABLE,
                    "device %s comes from a host that gives no clock, without which nobody can wait for it; report it to whoever wrote the host"
                        .formatted(info().address())));
  }

  /**
   * Closes the device; open streams of it end. Closing again does nothing.
   *
   * @throws MigrationException {@code IO_FAILED}; the handles are released all the same
   */
  @Override
  void close() throws MigrationException;
}
