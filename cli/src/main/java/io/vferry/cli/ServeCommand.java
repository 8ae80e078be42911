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
import io.vferry.runtime.engine.SystemHostClock;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Serves devices to other programs over vfio-user. */
@Command(
    name = "serve",
    header = "lets other programs use a device, over vfio-user",
    customSynopsis = "vferry serve MODEL --socket PATH [MODEL --socket PATH]... [OPTION...]",
    description = {
      "Opens a device and serves it at a socket in the file system to one client at a time: this"
          + " project's own ('vfio-user:PATH' in a manifest), QEMU's, or any other that speaks the"
          + " protocol. The client reaches regions, interrupts and DMA, and migrates the device"
          + " without knowing its driver: the driver runs here.",
      "",
      "When a client leaves, or dies, the device is reset, and the next can come. Several devices"
          + " of one process can have parts in common, such as the functions of one card.",
      "",
      "Says first what is served where, then who comes and what is done, until Ctrl-C. With"
          + " '--output json' each of these is an object on a line of its own."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry serve mlx5 --socket /tmp/nic0.sock",
      "  vferry serve 'mlx5-vf?state=32MiB' --socket /tmp/vf0.sock --output json",
      "  vferry serve virtio --raw --socket /tmp/net.sock"
    })
final class ServeCommand implements VferryCommand {

  private final Interruption interruption;

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description =
          "What to serve: the name of a device model with its parameters, such as"
              + " 'mlx5?state=1MiB', or any address that 'vferry devices' lists.")
  private List<String> models = new ArrayList<>();

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      required = true,
      description =
          "Where clients connect; only this user can. One for each MODEL, in the same order.")
  private List<Path> sockets = new ArrayList<>();

  @Option(
      names = "--driver",
      paramLabel = "ID",
      description = "The driver that migrates the devices, if several serve them.")
  private @Nullable String driver;

  @Option(
      names = "--raw",
      description =
          "Serve the devices without migration, for clients that run a driver of their own over the"
              + " regions.")
  private boolean raw;

  @Mixin private ServeOptions protocol = new ServeOptions();

  @Mixin private DriverOptions drivers = new DriverOptions();

  @Mixin private CommonOptions common = new CommonOptions();

  ServeCommand(Interruption interruption) {
    this.interruption = interruption;
  }

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE, ExitCode.REFUSED);
  }

  @Override
  public Integer call() throws CommandException, MigrationException, InterruptedException {
    common.startLogging();
    if (models.size() != sockets.size()) {
      throw common.usageError(
          "%d devices, but %d sockets; each device needs one"
              .formatted(models.size(), sockets.size()));
    }
    ServerSettings settings = protocol.settings();
    Catalogue catalogue = Discovery.discover(drivers.directories());
    Deque<Closing> closings = new ArrayDeque<>();
    try (SystemHostClock clock = new SystemHostClock(ServeCommand::thread)) {
      try {
        List<UserServer> servers = open(catalogue, clock, settings, closings);
        serve(servers);
      } finally {
        closeAll(closings);
      }
    }
    return ExitCode.OK.number();
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
      Catalogue catalogue, SystemHostClock clock, ServerSettings settings, Deque<Closing> closings)
      throws CommandException, MigrationException {
    SharedParts shared = new SharedParts();
    List<UserServer> servers = new ArrayList<>();
    for (int i = 0; i < models.size(); i++) {
      DeviceAddress address = address(models.get(i));
      Path socket = sockets.get(i);
      HostDevice host = catalogue.open(address, new OpenContext(socket.toString(), clock, shared));
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
    DriverChoice choice = catalogue.choose(host.info(), Optional.ofNullable(driver));
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

  /** Serves until somebody asks for the end, or a server cannot go on. */
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
