package io.vferry.spi.vm;

import io.vferry.spi.error.MigrationException;

/**
 * Connects to one kind of virtual machine monitor. A service, with the same rules as a driver.
 * Stateless; all methods may be called from any thread at the same time.
 */
public interface VmAdaptor {

  /** Returns the name by which a manifest asks for it, kebab case. */
  String id();

  /**
   * Connects to a virtual machine, or creates one.
   *
   * @throws MigrationException {@code BAD_REQUEST} if an option is unknown or out of range, {@code
   *     OPEN_FAILED} otherwise
   */
  VirtualMachine open(VmSpec spec) throws MigrationException;
}
