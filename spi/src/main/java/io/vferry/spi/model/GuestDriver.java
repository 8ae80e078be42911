package io.vferry.spi.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;

/**
 * A guest's driver of one modelled device, with its workload. One thread at a time; owns none.
 *
 * <p>On the source: {@link #boot}, then {@link #tick} again and again, then {@link #save}. On the
 * destination: {@link #load} once memory and device are there, {@link #audit}, then {@link #tick}.
 * A machine that never ran is moved without its drivers' knowledge, and boots on the destination.
 */
public interface GuestDriver extends AutoCloseable {

  /**
   * Sets the device up for the first time; the memory holds zeros.
   *
   * @throws MigrationException if the device cannot be used; the machine does not start
   */
  void boot() throws MigrationException;

  /**
   * Does a virtual CPU's work: hands out tasks, takes results, serves the interrupts that came. A
   * device that was reset meanwhile is set up anew. What the device did wrong is remembered for
   * {@link #audit}.
   *
   * @param elapsedNanos how long the last call is ago, 0 or more
   * @throws MigrationException if the device could not be accessed; counts as a violation
   */
  void tick(long elapsedNanos) throws MigrationException;

  /**
   * Returns what the driver knows beside its memory, with interrupts that were raised and not yet
   * served; at most 1 MiB. The device has stopped.
   */
  ByteBuffer save();

  /**
   * Takes over what another driver of this kind knew, instead of all that this one knew before.
   * From now on it listens to the device's interrupts.
   *
   * @param state untrusted
   * @throws MigrationException {@code DATA_CORRUPT} or {@code DATA_INCOMPATIBLE}; nothing was taken
   *     over
   */
  void load(ByteBuffer state) throws MigrationException;

  /**
   * Compares memory and device with what was counted while they worked; changes nothing. The device
   * has stopped. The machine puts the device's name before each violation and adds the counts of
   * all drivers; the names that several kinds share are {@code pages} (of the driver's memory,
   * whose contents were proved), {@code dma-writes}, {@code tasks}, {@code p2p-messages} (received)
   * and {@code device-resets} (after which the driver set the device up again).
   *
   * @throws MigrationException if something could not be looked at, which is no verdict
   */
  GuestAudit.Verdict audit() throws MigrationException;

  /**
   * Stops listening to the device's interrupts. Closing again does nothing.
   *
   * @throws MigrationException if the device refused; the driver is closed all the same
   */
  @Override
  void close() throws MigrationException;
}
