package io.vferry.spi.host;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * The stream of one migration session as the host gives it.
 *
 * <p>One thread reads or writes; any thread may close, which ends a call that waits with {@code
 * SESSION_CLOSED}.
 */
public interface MigrationData extends AutoCloseable {

  /**
   * What a device in pre-copy says about what is left, unchecked.
   *
   * @param initialBytes data of the first image not yet read
   * @param dirtyBytes data that changed since they were read
   * @param reinitialised whether the first image was begun anew since the last call
   */
  record Precopy(long initialBytes, long dirtyBytes, boolean reinitialised) {}

  /**
   * Reads once.
   *
   * @return the number of bytes read; 0 if there is nothing now or nothing any more, which the host
   *     does not tell apart: it is the end if, and only if, the device is in STOP_COPY
   * @throws MigrationException {@code SESSION_CLOSED} if the session ended, {@code IO_FAILED}
   */
  int read(ByteBuffer into) throws MigrationException;

  /**
   * Writes once; returns how many bytes were taken, at least 1 if any remained.
   *
   * @throws MigrationException {@code DATA_CORRUPT}, {@code DATA_INCOMPATIBLE} or {@code
   *     DATA_TOO_LONG} where the host says so, {@code SESSION_CLOSED} if the session ended, {@code
   *     IO_FAILED}
   */
  int write(ByteBuffer from) throws MigrationException;

  /**
   * Asks what is left; devices may produce new data only when asked. Only legal in PRE_COPY and
   * PRE_COPY_P2P.
   *
   * @throws MigrationException {@code WRONG_STATE} in another state, {@code SESSION_CLOSED}, {@code
   *     IO_FAILED}
   */
  Precopy precopy() throws MigrationException;

  /** Ends the session's data; the device's state does not change. */
  @Override
  void close();
}
