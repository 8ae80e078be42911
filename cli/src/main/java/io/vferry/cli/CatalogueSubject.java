package io.vferry.cli;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.state.Arc;
import io.vferry.tck.Subject;
import java.util.List;
import java.util.Optional;

/**
 * What the conformance kit tests, found in a catalogue.
 *
 * @param refusing an address with {@code {arc}} for the name of an arc
 * @param earlierStreams whole streams of earlier versions
 */
record CatalogueSubject(
    Catalogue catalogue,
    MigrationDriver driver,
    DeviceAddress address,
    Optional<DeviceAddress> foreign,
    Optional<DeviceAddress> newer,
    Optional<String> refusing,
    List<byte[]> earlierStreams,
    boolean checksummed,
    boolean tellsState)
    implements Subject {

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return catalogue.open(address, context);
  }

  @Override
  public boolean model() {
    return address.scheme().equals(Catalogue.MODEL_SCHEME);
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return foreign.isPresent()
        ? Optional.of(catalogue.open(foreign.get(), context))
        : Optional.empty();
  }

  @Override
  public Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
    return newer.isPresent() ? Optional.of(catalogue.open(newer.get(), context)) : Optional.empty();
  }

  @Override
  public Optional<HostDevice> openRefusing(Arc arc, OpenContext context) throws MigrationException {
    if (refusing.isEmpty()) {
      return Optional.empty();
    }
    String text = refusing.get().replace("{arc}", arc.name());
    try {
      return Optional.of(catalogue.open(DeviceAddress.parse(text), context));
    } catch (IllegalArgumentException e) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "'" + text + "' is no device address", e);
    }
  }

  /**
   * Returns the driver to check: asks the opened device, because its address alone may say too
   * little.
   *
   * @param driver its id, if the user wants a certain one
   */
  static MigrationDriver choose(Catalogue catalogue, DeviceAddress address, Optional<String> driver)
      throws CommandException, MigrationException {
    try (SystemHostClock clock = new SystemHostClock(CatalogueSubject::daemon);
        HostDevice host = catalogue.open(address, new OpenContext("tck", clock))) {
      DriverChoice choice = catalogue.choose(host.info(), driver);
      if (choice instanceof DriverChoice.Chosen one) {
        return one.driver().instance();
      }
      throw new CommandException(
          ExitCode.REFUSED,
          "vferry: no driver to check on %s: %s; 'vferry drivers' shows what was found"
              .formatted(address, choice.reason()));
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "vferry-tck-choice");
    thread.setDaemon(true);
    return thread;
  }
}
