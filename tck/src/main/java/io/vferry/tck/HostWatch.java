package io.vferry.tck;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;

/** Somebody who watches what is done with a host device. Any thread. */
interface HostWatch {

  /**
   * Is told before each access.
   *
   * @param what for people
   * @throws MigrationException if the access shall fail
   */
  default void touch(String what) throws MigrationException {}

  /** What became of the device. */
  enum Loss {
    /** It answers. */
    NONE,
    /** It is gone: reads give ones, as from a bus with nobody on it, and writes go nowhere. */
    SILENT,
    /** It is gone, and the host says so at each access. */
    TOLD
  }

  /** Returns what became of the device. */
  default Loss loss() {
    return Loss.NONE;
  }

  /** Is told that something was taken from the host. */
  default void took(String what) {}

  /** Is told that one such thing was given back. */
  default void gaveBack(String what) {}

  /** Is told that all such things were given back. */
  default void gaveBackAll(String what) {}

  /** Is told that migration data were closed, which ends a call that waits for them. */
  default void dataClosed() {}

  /** Is told each interrupt, before who waits for it. */
  default void signalled() {}

  /** Closes the device, if it may be closed. */
  void close(HostDevice device) throws MigrationException;
}
