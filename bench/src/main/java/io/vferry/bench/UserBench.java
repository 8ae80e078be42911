package io.vferry.bench;

import io.vferry.host.linux.user.server.ServedDevice;
import io.vferry.host.linux.user.server.ServerListener;
import io.vferry.host.linux.user.server.ServerSettings;
import io.vferry.host.linux.user.server.UserServer;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.state.DeviceState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What vfio-user costs, client and server in one process: 1 GiB of migration data each way against
 * a bare copy, reads of a register and changes of state against a bare ping-pong, all over sockets
 * of this host. Medians; each run has its bare one beside it.
 */
final class UserBench {

  private static final long GIGABYTE = 1L << 30;
  private static final int PIECE_BYTES = 4 << 20;
  private static final int ROUNDS = 20_000;
  private static final int RUNS = 7;
  private static final String MEMORY = "memory";

  private final Path directory;
  private final HostDevice client;
  private final HostMigration migration;
  private final Region region;
  private final BlankDevice device;

  private UserBench(Path directory, HostDevice client, BlankDevice device)
      throws MigrationException {
    this.directory = directory;
    this.client = client;
    this.device = device;
    this.migration = client.capability(HostMigration.class).orElseThrow();
    this.region = client.region(0);
  }

  /** Something that takes time. */
  private interface Measured {
    long nanos() throws Exception;
  }

  /** Prints how much of the bare speed is reached, as the median of pairs. */
  private static void compare(String what, String unit, double amount, Measured bare, Measured ours)
      throws Exception {
    bare.nanos();
    ours.nanos();
    double[] ratios = new double[RUNS];
    double[] speeds = new double[RUNS];
    for (int run = 0; run < RUNS; run++) {
      long bareNanos = bare.nanos();
      long oursNanos = ours.nanos();
      ratios[run] = (double) oursNanos / bareNanos;
      speeds[run] = amount * 1e9 / oursNanos;
    }
    Arrays.sort(ratios);
    Arrays.sort(speeds);
    System.out.printf(
        "%s: %.0f %s; takes %.2f times as long as the bare one (%.2f to %.2f), that is %.2f of its"
            + " speed%n",
        what,
        speeds[RUNS / 2],
        unit,
        ratios[RUNS / 2],
        ratios[0],
        ratios[RUNS - 1],
        1 / ratios[RUNS / 2]);
  }

  private long saveNanos() throws Exception {
    try (MigrationData data = migration.setState(DeviceState.STOP_COPY).orElseThrow()) {
      ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
      long began = System.nanoTime();
      long got = 0;
      for (int count = 1; count > 0; got += count) {
        count = data.read(piece.clear());
      }
      long took = System.nanoTime() - began;
      if (got != GIGABYTE) {
        throw new IllegalStateException(got + " bytes came");
      }
      return took;
    } finally {
      migration.setState(DeviceState.RUNNING);
    }
  }

  private long loadNanos() throws Exception {
    try (MigrationData data = migration.setState(DeviceState.RESUMING).orElseThrow()) {
      ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
      long began = System.nanoTime();
      for (long sent = 0; sent < GIGABYTE; ) {
        piece.clear();
        while (piece.hasRemaining()) {
          sent += data.write(piece);
        }
      }
      long took = System.nanoTime() - began;
      if (device.loadedBytes() != GIGABYTE) {
        throw new IllegalStateException(device.loadedBytes() + " bytes arrived");
      }
      return took;
    } finally {
      migration.setState(DeviceState.RUNNING);
    }
  }

  private long readNanos() throws Exception {
    ByteBuffer register = ByteBuffer.allocateDirect(Integer.BYTES);
    long began = System.nanoTime();
    for (int i = 0; i < ROUNDS; i++) {
      region.read(0, register.clear());
    }
    return System.nanoTime() - began;
  }

  private long stateNanos() throws Exception {
    long began = System.nanoTime();
    for (int i = 0; i < ROUNDS / 2; i++) {
      migration.setState(DeviceState.STOP);
      migration.setState(DeviceState.RUNNING);
    }
    return System.nanoTime() - began;
  }

  private void run() throws Exception {
    double mebibytes = GIGABYTE >> 20;
    Measured copy = () -> BareUnixSocket.copyNanos(directory, GIGABYTE);
    Measured pingPong = () -> BareUnixSocket.pingPongNanos(directory, ROUNDS);
    compare("migration data read, 1 GiB", "MiB/s", mebibytes, copy, this::saveNanos);
    compare("migration data written, 1 GiB", "MiB/s", mebibytes, copy, this::loadNanos);
    compare("change of state", "a second", ROUNDS, pingPong, this::stateNanos);
    compare("register read", "a second", ROUNDS, pingPong, this::readNanos);
    client.dma().map(0, fileMemory(), DmaSpace.Direction.READ_WRITE);
    compare("register read, memory mapped", "a second", ROUNDS, pingPong, this::readNanos);
  }

  private ByteBuffer fileMemory() throws IOException {
    Path file = directory.resolve(MEMORY);
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
    }
  }

  public static void main(String[] args) throws Exception {
    Path directory = Files.createTempDirectory("vferry-user");
    Path socket = directory.resolve("bench.sock");
    BlankDevice device = new BlankDevice(GIGABYTE);
    SystemHostClock clients = new SystemHostClock(Thread::new);
    UserServer server =
        UserServer.listen(
            socket,
            new ServedDevice("bench", device, Optional.of(device)),
            ServerSettings.DEFAULT.withMaxDataXferSize(PIECE_BYTES),
            clients,
            ServerListener.SILENT);
    Thread serving =
        new Thread(
            () -> {
              try {
                server.run();
              } catch (MigrationException e) {
                throw new IllegalStateException(e);
              }
            });
    serving.start();
    Catalogue catalogue = Discovery.discover(List.of());
    DeviceAddress address = DeviceAddress.parse("vfio-user:" + socket + "?transfer=4MiB");
    try (SystemHostClock clock = new SystemHostClock(Thread::new);
        HostDevice client = catalogue.open(address, new OpenContext("bench", clock))) {
      new UserBench(directory, client, device).run();
    } finally {
      server.close();
      serving.join();
      clients.close();
      Files.deleteIfExists(directory.resolve(MEMORY));
      Files.deleteIfExists(directory);
    }
  }
}
