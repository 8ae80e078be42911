package io.vferry.spi.vm;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A virtual machine as the runtime sees it. Created paused.
 *
 * <p>One thread at a time, except {@link #memory()}.
 */
public interface VirtualMachine extends AutoCloseable {

  /** Returns the guest's memory. */
  GuestMemory memory();

  /**
   * Gives the guest a device, before the virtual machine first runs.
   *
   * @param id its name in the manifest
   * @param device guarded, so that accesses not legal in the device's state are refused
   * @throws MigrationException {@code BAD_REQUEST} if there is no room for it or the id is taken,
   *     {@code IO_FAILED} if the monitor refuses
   */
  void plug(String id, HostDevice device) throws MigrationException;

  /**
   * Returns where the guest sees regions of its devices, so that devices can reach each other
   * there. Source and destination give the same answer for the same devices plugged in the same
   * order.
   *
   * @throws MigrationException {@code IO_FAILED} if the monitor cannot be reached
   */
  List<PlacedRegion> placedRegions() throws MigrationException;

  /**
   * Lets the vCPUs run. Does nothing if they do.
   *
   * @throws MigrationException {@code IO_FAILED} if the monitor cannot be reached or refuses
   */
  void resume() throws MigrationException;

  /**
   * Stops the vCPUs; returns when none runs any more. Does nothing if none does.
   *
   * @throws MigrationException {@code IO_FAILED} if the monitor cannot be reached or refuses
   */
  void pause() throws MigrationException;

  /**
   * Completes the page requests (PRI) that devices wait for, while the vCPUs still run.
   *
   * @param timeoutNanos how long this may take
   * @throws MigrationException {@code TIMEOUT} if some are still open
   */
  void settlePageRequests(long timeoutNanos) throws MigrationException;

  /**
   * Starts to log the memory that vCPUs and emulated devices write.
   *
   * @throws MigrationException {@code DMA_LOG_FAILED}
   */
  void startDirtyLog() throws MigrationException;

  /**
   * Stops the log. Does nothing if it is off.
   *
   * @throws MigrationException {@code DMA_LOG_FAILED}; the log counts as off all the same
   */
  void stopDirtyLog() throws MigrationException;

  /**
   * Sets the bits of the pages inside the bitmap's range that were written since they were last
   * reported or since the start, and forgets these pages; pages outside stay remembered.
   *
   * @param into covers guest physical addresses with the page size of the memory; only ever gets
   *     bits set
   * @throws MigrationException {@code DMA_LOG_FAILED}; the caller then takes all memory for dirty
   */
  void reportDirty(DirtyBitmap into) throws MigrationException;

  /**
   * Returns the state of vCPUs and platform; only while paused. At most 64 MiB.
   *
   * @throws MigrationException {@code WRONG_STATE} if the vCPUs run, {@code IO_FAILED}
   */
  ByteBuffer savePlatform() throws MigrationException;

  /**
   * Loads the state of vCPUs and platform; only while paused.
   *
   * @param state untrusted
   * @throws MigrationException {@code DATA_CORRUPT} or {@code DATA_INCOMPATIBLE}; {@code
   *     WRONG_STATE} if the vCPUs run
   */
  void loadPlatform(ByteBuffer state) throws MigrationException;

  /** Returns a way to prove that nothing was lost, if this virtual machine has one. */
  default Optional<GuestAudit> audit() {
    return Optional.empty();
  }

  /**
   * Ends the virtual machine; what was plugged stays the caller's. Ending it again does nothing.
   *
   * @throws MigrationException {@code IO_FAILED}; what this process held is released all the same
   */
  @Override
  void close() throws MigrationException;
}
