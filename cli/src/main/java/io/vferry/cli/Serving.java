package io.vferry.cli;

import io.vferry.cli.output.ServeJson;
import io.vferry.cli.output.ServeText;
import io.vferry.host.linux.user.server.ServedDevice;
import io.vferry.host.linux.user.server.ServerListener;
import io.vferry.host.linux.user.server.ServerSettings;
import io.vferry.host.linux.user.server.UserServer;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.host.SystemHostClock;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Opens devices, serves each at its socket, and closes them at the end. */
final class Serving {

  private final CommonOptions common;
  private final Optional<String> driver;
  private final boolean raw;
  private final ServerSettings settings;
  private final Interruption interruption;

  Serving(
      CommonOptions common,
      Optional<String> driver,
      boolean raw,
      ServerSettings settings,
      Interruption interruption) {
    this.common = common;
    this.driver = driver;
    this.raw = raw;
    this.settings = settings;
    this.interruption = interruption;
  }

  /**
   * Serves until somebody asks for the end, or a server cannot go on.
   *
   * @param models what to serve, names of models or addresses
   * @param sockets where, as many as models
   */
  void run(List<Path> driverDirectories, List<String> models, List<Path> sockets)
      throws CommandException, MigrationException, InterruptedException {
    Catalogue catalogue = Discovery.discover(driverDirectories);
    Deque<Closing> closings = new ArrayDeque<>();
    // A device whose time has come may wait for its client, which must stop neither the clock that
    // gives the client up nor other devices: each has a clock of its own.
    try (SystemHostClock clients = new SystemHostClock(Serving::thread)) {
      try {
        serve(open(catalogue, models, sockets, clients, closings));
      } finally {
        closeAll(closings);
      }
    }
  }

  /** Something that is open. */
  private interface Closing {
    void close() throws MigrationException;
  }

  private static void closeAll(Deque<Closing> closings) throws MigrationException {
    MigrationException first = null;
    while (!closings.isEmpty()) {
      try {
        closings.pop().close();
      } catch (MigrationException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private List<UserServer> open(
      Catalogue catalogue,
      List<String> models,
      List<Path> sockets,
      HostClock clients,
      Deque<Closing> closings)
      throws CommandException, MigrationException {
    SharedParts shared = new SharedParts();
    List<UserServer> servers = new ArrayList<>();
    for (int i = 0; i < models.size(); i++) {
      DeviceAddress address = address(models.get(i));
      Path socket = sockets.get(i);
      SystemHostClock time = new SystemHostClock(Serving::thread);
      closings.push(time::close);
      HostDevice host = catalogue.open(address, new OpenContext(socket.toString(), time, shared));
      closings.push(host::close);
      Optional<DriverInfo> by = Optional.empty();
      Optional<MigratableDevice> driven = Optional.empty();
      if (!raw) {
        DriverChoice.Chosen chosen = choose(catalogue, address, host);
        by = Optional.of(chosen.driver().instance().info());
        MigratableDevice attached = chosen.driver().instance().attach(host);
        closings.push(attached::close);
        driven = Optional.of(attached);
      }
      UserServer server =
          UserServer.listen(
              socket,
              new ServedDevice(socket.toString(), host, driven),
              settings,
              clients,
              announced(socket.toString(), address, by));
      closings.push(server::close);
      servers.add(server);
    }
    return servers;
  }

  /** A name of a model, or a whole address: only that has a colon before its parameters. */
  private static DeviceAddress address(String text) throws CommandException {
    String path = text.split("\\?", 2)[0];
    return TckCommand.address(
        "MODEL", path.indexOf(':') >= 0 ? text : Catalogue.MODEL_SCHEME + ":" + text);
  }

  private DriverChoice.Chosen choose(Catalogue catalogue, DeviceAddress address, HostDevice host)
      throws CommandException {
    DriverChoice choice = catalogue.choose(host.info(), driver);
    if (choice instanceof DriverChoice.Chosen chosen) {
      return chosen;
    }
    throw new CommandException(
        ExitCode.REFUSED,
        "vferry: no driver migrates %s: %s; 'vferry drivers' shows what was found, --raw serves it"
                .formatted(address, choice.reason())
            + " without migration");
  }

  private ServerListener announced(String socket, DeviceAddress address, Optional<DriverInfo> by) {
    String driverName = by.map(info -> info.id() + " " + info.version()).orElse("");
    if (common.json()) {
      ServeJson json = new ServeJson(socket, common.out());
      json.serving(address.toString(), driverName);
      return json;
    }
    common
        .out()
        .println(
            "%s: serving %s, %s"
                .formatted(
                    socket,
                    address,
                    driverName.isEmpty() ? "without migration" : "migrated by " + driverName));
    common.out().flush();
    return new ServeText(socket, common.out());
  }

  private void serve(List<UserServer> servers) throws MigrationException, InterruptedException {
    BlockingQueue<Optional<MigrationException>> ends = new LinkedBlockingQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (UserServer server : servers) {
      Thread thread =
          thread(
              () -> {
                try {
                  server.run();
                  ends.add(Optional.empty());
                } catch (MigrationException e) {
                  ends.add(Optional.of(e));
                } catch (RuntimeException | Error e) {
                  ends.add(
                      Optional.of(
                          new MigrationException(
                              DeviceError.DRIVER_BROKEN, "the server ended: " + e, e)));
                }
              });
      threads.add(thread);
      thread.start();
    }
    interruption.means(() -> ends.add(Optional.empty()));
    Optional<MigrationException> first = ends.take();
    servers.forEach(UserServer::close);
    for (Thread thread : threads) {
      thread.join();
    }
    if (first.isPresent()) {
      throw first.get();
    }
  }

  private static Thread thread(Runnable task) {
    Thread thread = new Thread(task, "vferry-serve");
    thread.setDaemon(true);
    return thread;
  }
}
