package io.vferry.host.linux.testbed;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import java.util.List;

/**
 * Checks that belong together, with what they need.
 *
 * @param checks runs them
 * @param backend opens their devices
 * @param addresses of their devices, at least one
 */
record Chapter(Checks checks, HostBackend backend, List<String> addresses) {

  void check(String name, Checks.Body body) {
    checks.check(name, body);
  }

  String first() {
    return addresses.get(0);
  }

  String last() {
    return addresses.get(addresses.size() - 1);
  }

  HostDevice openFirst() throws MigrationException {
    return open(first());
  }

  HostDevice openLast() throws MigrationException {
    return open(last());
  }

  HostDevice open(String address) throws MigrationException {
    return open(backend, address);
  }

  static HostDevice open(HostBackend backend, String address) throws MigrationException {
    return backend.open(DeviceAddress.parse(address), new OpenContext("dev", new NoClock()));
  }

  /** Real hardware has its own time. */
  private static final class NoClock implements HostClock {
    @Override
    public long nanoTime() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void sleep(long nanos) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Scheduled schedule(long delayNanos, Runnable task) {
      throw new UnsupportedOperationException();
    }
  }
}
