package io.vferry.compat.v1;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * A device as a driver of the v1 interface shows it: the accesses to its migration region, one
 * method for each. A driver that was written for that region moves here with its code.
 *
 * <p>The rules are those of {@link V1MigrationRegion}. A failure carries the errno that the access
 * would have given. One thread at a time, except {@link #readDeviceState()} and {@link #reset()},
 * which may be called while another thread is in any other method and do not wait for it.
 *
 * <p>A method that waits for its device ends with a failure when its thread is interrupted, or when
 * the device is reset. That is how a wait that takes too long is ended.
 */
public interface V1Device extends AutoCloseable {

  /** Returns the size of the region in bytes, more than {@link V1Field#HEADER_BYTES}. */
  long regionBytes();

  /**
   * Describes what a device must have in common with this one to take its state: a model, a size, a
   * version. v1 left this to the data, which is late; with it a device that does not fit is refused
   * before anything moves.
   *
   * @return by name in kebab case, not beginning with {@code v1-}; empty if nothing is known
   * @throws MigrationException {@code IO_FAILED} if the device could not be asked
   */
  default Map<String, String> describe() throws MigrationException {
    return Map.of();
  }

  /**
   * Reads {@code device_state}.
   *
   * @return the state bits, see {@link V1State}
   * @throws MigrationException {@code IO_FAILED} or {@code DEVICE_LOST} if it cannot be read
   */
  int readDeviceState() throws MigrationException;

  /**
   * Writes {@code device_state}. When this returns the device has stopped if RUNNING was cleared.
   *
   * @throws MigrationException if the device did not do it; it keeps its old state then, or shows
   *     the error state
   */
  void writeDeviceState(int bits) throws MigrationException;

  /**
   * Reads {@code pending_bytes}; acknowledges the chunk that was collected before.
   *
   * @return how much there may be; only 0 or not counts
   * @throws MigrationException {@code IO_FAILED}; with errno {@code EAGAIN} or {@code EBUSY} if
   *     other devices of the machine still run, see {@link V1Stopping#QUIESCENT_POINT}
   */
  long readPendingBytes() throws MigrationException;

  /**
   * Reads {@code data_offset}; a saving device has its chunk there when this returns.
   *
   * @return offset in the region
   * @throws MigrationException {@code IO_FAILED}
   */
  long readDataOffset() throws MigrationException;

  /**
   * Reads {@code data_size}.
   *
   * @return how many bytes lie at the data offset, 0 if none do
   * @throws MigrationException {@code IO_FAILED}
   */
  long readDataSize() throws MigrationException;

  /**
   * Writes {@code data_size}; a resuming device has taken the chunk when this returns.
   *
   * @throws MigrationException {@code DATA_CORRUPT}, {@code DATA_INCOMPATIBLE}, {@code
   *     DATA_TOO_LONG}, {@code IO_FAILED}
   */
  void writeDataSize(long lengthBytes) throws MigrationException;

  /**
   * Reads data.
   *
   * @param offset in the region
   * @param into is filled
   * @throws MigrationException {@code BAD_REQUEST} outside the chunk, {@code IO_FAILED}
   */
  void readData(long offset, ByteBuffer into) throws MigrationException;

  /**
   * Stores data.
   *
   * @param offset in the region
   * @param from is used up
   * @throws MigrationException {@code BAD_REQUEST} outside the region, {@code IO_FAILED}
   */
  void writeData(long offset, ByteBuffer from) throws MigrationException;

  /**
   * Resets the device to {@link V1State#RUNNING}, from each state.
   *
   * @throws MigrationException {@code RESET_FAILED}
   */
  void reset() throws MigrationException;

  /**
   * Lets go of the device in whatever state it is.
   *
   * @throws MigrationException {@code IO_FAILED}; all is released all the same
   */
  @Override
  void close() throws MigrationException;
}
