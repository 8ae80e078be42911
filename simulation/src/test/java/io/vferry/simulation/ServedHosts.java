package io.vferry.simulation;

import io.vferry.host.linux.user.client.VfioUserBackend;
import io.vferry.host.linux.user.server.ServedDevice;
import io.vferry.host.linux.user.server.ServerListener;
import io.vferry.host.linux.user.server.ServerSettings;
import io.vferry.host.linux.user.server.UserServer;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.model.DeviceModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Opens devices that are models behind a server of their own: model and its driver on a thread of
 * this process, and between them and the test only the socket.
 */
final class ServedHosts {

  private final DeviceModel model;
  private final Optional<MigrationDriver> driver;
  private final Map<String, String> clientParameters;
  private final ServerListener listener;

  /**
   * Creates a factory.
   *
   * @param driver moves the device inside the server; without one it is served without migration
   */
  ServedHosts(DeviceModel model, Optional<MigrationDriver> driver) {
    this(model, driver, Map.of(), new ServerListener() {});
  }

  /** Creates a factory whose client uses parameters of its address. */
  ServedHosts(
      DeviceModel model, Optional<MigrationDriver> driver, Map<String, String> clientParameters) {
    this(model, driver, clientParameters, new ServerListener() {});
  }

  /** Creates a factory that tells somebody what its servers do. */
  ServedHosts(
      DeviceModel model,
      Optional<MigrationDriver> driver,
      Map<String, String> clientParameters,
      ServerListener listener) {
    this.model = model;
    this.driver = driver;
    this.clientParameters = Map.copyOf(clientParameters);
    this.listener = listener;
  }

  /** Opens a new device of a model. */
  HostDevice open(String address, OpenContext context) throws MigrationException {
    // Its time is that of whoever uses it, also across the socket.
    HostDevice host =
        model.create(
            DeviceAddress.parse(address), new OpenContext(context.deviceId(), context.clock()));
    Optional<MigratableDevice> driven =
        driver.isPresent() ? Optional.of(driver.get().attach(host)) : Optional.empty();
    List<Server> servers = new ArrayList<>();
    servers.add(new Server(context.deviceId(), host, driven, listener));
    Map<String, String> parameters = new TreeMap<>(clientParameters);
    Optional<HostDevice> physical = host.companion("pf");
    if (driver.isEmpty() && physical.isPresent()) {
      Server second =
          new Server(context.deviceId() + "-pf", physical.get(), Optional.empty(), listener);
      servers.add(second);
      parameters.put("pf", second.socket.toString());
      parameters.put("vf-index", host.info().properties().getOrDefault("vf-index", "0"));
    }
    HostDevice client =
        new VfioUserBackend()
            .open(
                new DeviceAddress("vfio-user", servers.get(0).socket.toString(), parameters),
                context);
    return new Served(
        client,
        host,
        () -> {
          for (Server server : servers) {
            server.close();
          }
          if (driven.isPresent()) {
            driven.get().close();
          }
          host.close();
        });
  }

  /** One device at a socket of its own. */
  private static final class Server {
    final Path folder;
    final Path socket;
    final UserServer server;
    final SystemHostClock clock = new SystemHostClock(task -> daemon(task, "served-client"));

    Server(String name, HostDevice host, Optional<MigratableDevice> driven, ServerListener listener)
        throws MigrationException {
      try {
        folder = Files.createTempDirectory("served");
      } catch (IOException e) {
        throw new MigrationException(DeviceError.OPEN_FAILED, "no folder for a socket", e);
      }
      socket = folder.resolve("s");
      server =
          UserServer.listen(
              socket,
              new ServedDevice(name, host, driven),
              ServerSettings.DEFAULT,
              clock,
              listener);
      daemon(() -> run(server), "server").start();
    }

    void close() throws MigrationException {
      server.close();
      clock.close();
      try {
        Files.deleteIfExists(folder);
      } catch (IOException e) {
        throw new MigrationException(DeviceError.IO_FAILED, "a folder stays", e);
      }
    }
  }

  private static void run(UserServer server) {
    try {
      server.run();
    } catch (MigrationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Ends what is behind the socket. */
  private interface Ending {
    void end() throws MigrationException;
  }

  /** A device whose server ends with it. */
  private record Served(HostDevice device, HostDevice model, Ending behind)
      implements WrappedDevice {

    @Override
    public <T> Optional<T> capability(Class<T> type) {
      // What the oracle asks the model for, which a device of another process could not tell.
      return type.getPackage().equals(model.getClass().getPackage())
          ? model.capability(type)
          : device.capability(type);
    }

    @Override
    public void close() throws MigrationException {
      device.close();
      behind.end();
    }
  }
}
