package io.vferry.spi.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

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
   * Returns the size of the driver's memory in bytes: what {@link GuestSoftware#memoryBytes} asked
   * for where the machine booted, in whole pages. On the destination this is what the source says,
   * so a {@link GuestDriver#load} checks that it is enough.
   */
  long memoryBytes();

  /**
   * Reads the driver's memory.
   *
   * @param offset from {@link #memoryAddress()}, in bytes
   * @param into is filled
   * @throws MigrationException {@code BAD_REQUEST} if this leaves the driver's memory; nothing is
   *     read
   */
  void read(long offset, ByteBuffer into) throws MigrationException;

  /**
   * Writes the driver's memory; the machine logs the pages as dirty.
   *
   * @param offset from {@link #memoryAddress()}, in bytes
   * @param from is used up
   * @throws MigrationException {@code BAD_REQUEST} if this leaves the driver's memory; nothing is
   *     written
   */
  void write(long offset, ByteBuffer from) throws MigrationException;

  /**
   * Returns where the device reaches its peers, in the order of the manifest: those that it is said
   * to write to and whose {@linkplain GuestSoftware#peerRegion software takes} such traffic.
   */
  List<PlacedRegion> peers();

  /**
   * Returns the driver of another plugged device, so that drivers that know each other can agree on
   * how their devices talk, and can compare what one sent with what the other received. It may
   * still wait for its own {@link GuestDriver#boot} or {@link GuestDriver#load}.
   *
   * @param otherId the device's name in the manifest
   * @return empty if there is no such device, or the guest has no driver for it
   */
  Optional<GuestDriver> driver(String otherId);
}
