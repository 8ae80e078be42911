package io.vferry.spi.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What the guest gives to one driver. Only to be used inside a call of {@link GuestDriver}, on the
 * thread of that call.
 */
public interface GuestRoom {

  /** Returns the device's name in the manifest. */
  String deviceId();

  /** Returns the device as the guest sees it: what the state forbids is refused. */
  HostDevice device();

  /** Returns where the driver's memory begins, a guest physical address on a page boundary. */
  long memoryAddress();

  /**
   * Reads the driver's memory.
   *
   * @param offset from {@link #memoryAddress()}, in bytes
   * @param into is filled
   * @throws MigrationException {@code BAD_REQUEST} if this leaves the driver's memory
   */
  void read(long offset, ByteBuffer into) throws MigrationException;

  /**
   * Writes the driver's memory; the machine logs the pages as dirty.
   *
   * @param offset from {@link #memoryAddress()}, in bytes
   * @param from is used up
   * @throws MigrationException {@code BAD_REQUEST} if this leaves the driver's memory
   */
  void write(long offset, ByteBuffer from) throws MigrationException;

  /** Returns where the device reaches its peers, in the order of the manifest. */
  List<PlacedRegion> peers();
}
