package io.vferry.simulation;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.util.List;
import java.util.Optional;

/** A device that is another one, except for what the wrapper says itself. */
interface WrappedDevice extends HostDevice {

  /** Returns the device inside. */
  HostDevice device();

  @Override
  default HostDeviceInfo info() {
    return device().info();
  }

  @Override
  default List<RegionInfo> regions() {
    return device().regions();
  }

  @Override
  default Region region(int index) throws MigrationException {
    return device().region(index);
  }

  @Override
  default Interrupts interrupts() {
    return device().interrupts();
  }

  @Override
  default DmaSpace dma() {
    return device().dma();
  }

  @Override
  default void reset() throws MigrationException {
    device().reset();
  }

  @Override
  default Optional<HostDevice> companion(String role) {
    return device().companion(role);
  }

  @Override
  default <T> Optional<T> capability(Class<T> type) {
    return device().capability(type);
  }

  @Override
  default void close() throws MigrationException {
    device().close();
  }
}
