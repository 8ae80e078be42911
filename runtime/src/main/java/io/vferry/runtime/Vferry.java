package io.vferry.runtime;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.engine.Transports;
import io.vferry.runtime.journal.JournalStore;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.plan.Planner;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.Security;
import io.vferry.runtime.transport.TransportListener;
import io.vferry.runtime.transport.TransportSettings;
import io.vferry.runtime.wiring.Ports;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;

/**
 * The entrance: finds drivers, plans migrations and runs them, as a source or as a destination. Any
 * thread.
 *
 * <pre>{@code
 * Vferry vferry = Vferry.builder().driverDirectories(List.of(Path.of("drivers"))).build();
 * MigrationReport report = vferry.migrate(manifest, destination, security, status -> {}).await();
 * }</pre>
 */
public final class Vferry {

  /** The ports that an integrator may replace. */
  private static final Set<Class<?>> PORTS =
      Set.of(
          AccessGuard.Listener.class,
          Catalogue.class,
          HostClock.class,
          JournalStore.class,
          ThreadFactory.class,
          Transports.class);

  private final Ports ports;

  private Vferry(Ports ports) {
    this.ports = ports;
  }

  /** Begins to put a runtime together. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the drivers, backends, models and adaptors that were found, and what was rejected. */
  public Catalogue catalogue() {
    return ports.get(Catalogue.class);
  }

  /**
   * Plans a migration from this host. Opens the devices, asks them questions that change nothing,
   * and closes them.
   *
   * @throws MigrationException if a device cannot be closed
   */
  public Plan plan(Manifest manifest) throws MigrationException {
    try (AttachedDevices attached =
        AttachedDevices.open(manifest, Side.SOURCE, catalogue(), ports.get(HostClock.class))) {
      return new Planner(catalogue()).plan(manifest, Side.SOURCE, attached.attachments());
    }
  }

  /**
   * Gives a virtual machine away.
   *
   * @param destination where a receiver listens
   * @param listener is told how it goes
   */
  public RunningMigration migrate(
      Manifest manifest,
      InetSocketAddress destination,
      Security security,
      ProgressListener listener) {
    return SourceRun.start(ports, manifest, destination, security, listener);
  }

  /**
   * Listens for virtual machines.
   *
   * @param address port 0 for any free one
   * @param settings bounds of what is admitted
   * @throws MigrationException {@code TRANSPORT_*}
   */
  public Receiver listen(InetSocketAddress address, Security security, Settings settings)
      throws MigrationException {
    TransportListener listener =
        ports.get(Transports.class).listen(address, transportSettings(settings), security);
    return new ListeningReceiver(ports, listener);
  }

  static TransportSettings transportSettings(Settings settings) {
    TransportSettings defaults = TransportSettings.defaults();
    return defaults
        .withConnections(settings.connections())
        .withReceiveWindowBytes(settings.receiveWindowBytes())
        .withMaxBandwidthBytesPerSecond(settings.maxBandwidthBytesPerSecond())
        .withDeadlines(
            settings.setupDeadlineMillis(),
            defaults.heartbeatMillis(),
            defaults.idleDeadlineMillis(),
            defaults.closeDeadlineMillis());
  }

  /** Puts a runtime together. One thread. */
  public static final class Builder {

    private final List<Path> driverDirectories = new ArrayList<>();
    private final Map<Class<?>, Supplier<?>> overrides = new LinkedHashMap<>();
    private Path journalDirectory = Path.of(System.getProperty("java.io.tmpdir"), "vferry-journal");

    private Builder() {}

    /** Adds directories in which to look for driver jars. */
    public Builder driverDirectories(List<Path> directories) {
      driverDirectories.addAll(directories);
      return this;
    }

    /** Says where journals are kept. They must survive a crash of the host to be of use. */
    public Builder journalDirectory(Path directory) {
      journalDirectory = directory;
      return this;
    }

    /**
     * Replaces a port: {@link HostClock}, {@link Catalogue}, {@link Transports}, {@link
     * JournalStore}, {@link AccessGuard.Listener} or {@link ThreadFactory}.
     *
     * @param supplier called once, when the port is first needed
     * @throws IllegalArgumentException if it is no port
     */
    public <T> Builder override(Class<T> port, Supplier<? extends T> supplier) {
      if (!PORTS.contains(port)) {
        throw new IllegalArgumentException(port.getName() + " is none of the ports " + PORTS);
      }
      overrides.put(port, supplier);
      return this;
    }

    /** Returns the runtime. Looks for nothing yet. */
    public Vferry build() {
      return new Vferry(Ports.bind(driverDirectories, journalDirectory, overrides));
    }
  }
}
