package io.vferry.tck;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;

/** Watches a driver: each access goes through the tap, what it takes and gives into the ledger. */
record DriverWatch(AccessTap tap, Ledger ledger) implements HostWatch {

  DriverWatch() {
    this(new AccessTap(), new Ledger());
  }

  @Override
  public void touch(String what) throws MigrationException {
    tap.touch(what);
  }

  @Override
  public Loss loss() {
    return tap.loss();
  }

  @Override
  public void took(String what) {
    ledger.took(what);
  }

  @Override
  public void gaveBack(String what) {
    ledger.gaveBack(what);
  }

  @Override
  public void gaveBackAll(String what) {
    ledger.gaveBackAll(what);
  }

  @Override
  public void dataClosed() {
    tap.letGo();
  }

  @Override
  public void close(HostDevice device) throws MigrationException {
    ledger.hostClosed();
    device.close();
  }
}
