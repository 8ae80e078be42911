package io.vferry.compat.v1;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * Offers the drivers written for v1 that lie in the same place as this module: on the module path
 * or class path, or in the same entry of a driver directory. Its id is {@code v1} with theirs, so
 * that two places have two ids; without any it serves no device.
 */
@AutoService(MigrationDriver.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class V1MigrationDriver implements MigrationDriver {

  private static final System.Logger LOG = System.getLogger(V1MigrationDriver.class.getName());

  private record Candidate(V1Driver driver, DriverMatch match) {}

  private final List<V1Driver> drivers;

  /**
   * Looks for drivers; for {@link ServiceLoader}.
   *
   * @throws IllegalStateException if there are some and none of them can be loaded
   */
  public V1MigrationDriver() {
    this(find(V1MigrationDriver.class.getClassLoader()));
  }

  /** Offers drivers that the embedding program brings along; without any, as above. */
  public V1MigrationDriver(List<? extends V1Driver> drivers) {
    this.drivers =
        drivers.isEmpty()
            ? List.of(new V1RegionDriver())
            : drivers.stream()
                .map(V1Driver.class::cast)
                .sorted(Comparator.comparing(driver -> driver.info().id()))
                .toList();
  }

  private static List<V1Driver> find(ClassLoader place) {
    List<V1Driver> found = new ArrayList<>();
    Iterator<ServiceLoader.Provider<V1Driver>> providers =
        ServiceLoader.load(V1Driver.class, place).stream().iterator();
    String lastFailure = "";
    while (true) {
      try {
        if (!providers.hasNext()) {
          break;
        }
        found.add(providers.next().get());
      } catch (ServiceConfigurationError | LinkageError broken) {
        String failure = String.valueOf(broken.getMessage());
        if (failure.equals(lastFailure)) {
          break; // The iterator does not get past it.
        }
        lastFailure = failure;
        LOG.log(Level.WARNING, "a v1 driver cannot be loaded", broken);
      }
    }
    if (found.isEmpty() && !lastFailure.isEmpty()) {
      throw new IllegalStateException("no v1 driver can be loaded: " + lastFailure);
    }
    return found;
  }

  @Override
  public DriverInfo info() {
    return new DriverInfo(
        "v1-" + drivers.stream().map(d -> d.info().id()).collect(Collectors.joining("-")),
        drivers.stream().map(d -> d.info().vendor()).distinct().collect(Collectors.joining(", ")),
        drivers.stream().map(d -> d.info().version()).collect(Collectors.joining(", ")));
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    return best(device).get(0).match();
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    List<Candidate> best = best(device.info());
    if (best.get(0).match().rank() == DriverMatch.Rank.NONE) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "no driver written for v1 serves the device at " + device.info().address());
    }
    if (best.size() > 1) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "the v1 drivers %s and %s serve the device at %s equally well; remove one of them"
              .formatted(
                  best.get(0).driver().info().id(),
                  best.get(1).driver().info().id(),
                  device.info().address()));
    }
    V1Driver driver = best.get(0).driver();
    V1Device opened = driver.attach(device);
    try {
      return V1DeviceAdapter.attach(opened, device, V1AdapterSettings.of(driver, device.clock()));
    } catch (MigrationException e) {
      try {
        opened.close();
      } catch (MigrationException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  /** Returns the candidates of the best rank, at least one. */
  private List<Candidate> best(HostDeviceInfo device) {
    List<Candidate> candidates =
        drivers.stream().map(driver -> new Candidate(driver, driver.match(device))).toList();
    DriverMatch.Rank rank =
        candidates.stream()
            .map(candidate -> candidate.match().rank())
            .max(Comparator.naturalOrder())
            .orElse(DriverMatch.Rank.NONE);
    return candidates.stream().filter(candidate -> candidate.match().rank() == rank).toList();
  }

  @Override
  public Optional<StreamInspector> inspector() {
    return Optional.of(new V1StreamInspector());
  }
}
