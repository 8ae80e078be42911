package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.user.client.VfioUserBackend;
import io.vferry.host.linux.user.socket.OpenFiles;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Our client against our server: each kind of simulated device moves from one to the other. */
@Timeout(60)
class ServedProfilesTest {

  /** Of the simulated devices. */
  private static final int EXPRESS_CONTROL = 0x68;

  @TempDir private Path directory;

  static Stream<String> profiles() {
    return new SimDeviceModel().names().stream();
  }

  /** A served device, and a client of it with the driver that knows only the protocol. */
  private final class Side implements AutoCloseable {
    final List<DeviceState> states = new ArrayList<>();
    final HostDevice served;
    final MigratableDevice driven;
    final UserServer server;
    final Thread thread;
    final HostDevice client;
    final MigratableDevice device;

    Side(String name, String model) throws Exception {
      SimClock clock = new SimClock(1);
      served =
          new SimDeviceModel()
              .create(DeviceAddress.parse("sim:" + model), new OpenContext(name, clock));
      driven = new SimMigrationDriver().attach(served);
      Path socket = directory.resolve(name);
      server =
          UserServer.listen(
              socket,
              new ServedDevice(name, served, Optional.of(driven)),
              ServerSettings.DEFAULT,
              new HandClock(),
              new ServerListener() {
                @Override
                public void moved(DeviceState from, DeviceState to) {
                  states.add(to);
                }
              });
      thread =
          new Thread(
              () -> {
                try {
                  server.run();
                } catch (MigrationException e) {
                  throw new IllegalStateException(e);
                }
              });
      thread.start();
      client =
          new VfioUserBackend()
              .open(
                  DeviceAddress.parse("vfio-user:" + socket),
                  new OpenContext(name, new SimClock(2)));
      device = new VfioMigrationDriver().attach(client);
    }

    /** Walks to a state; returns what the last arc gave. */
    ArcOutcome go(DeviceState target) throws MigrationException {
      Transition way = TransitionTable.of(device.features()).transition(device.state(), target);
      ArcOutcome outcome = ArcOutcome.done();
      for (Arc arc : ((Transition.Path) way).arcs()) {
        outcome = device.perform(arc);
      }
      return outcome;
    }

    @Override
    public void close() throws MigrationException {
      device.close();
      client.close();
      server.close();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      assertThat(driven.state()).isEqualTo(DeviceState.RUNNING);
      driven.close();
      served.close();
    }
  }

  private static void pump(SaveStream from, LoadStream to, SaveStream.Status until)
      throws MigrationException {
    ByteBuffer piece = ByteBuffer.allocateDirect(100_000);
    while (from.read(piece.clear()) != until) {
      to.write(piece.flip());
    }
  }

  /** A client that knows the device only by its socket stores into it without a message. */
  @Test
  void aStoreThroughAMappingIsSeenByTheDeviceAndArrives() throws Exception {
    assumeTrue(Libc.availability().available());
    long before = OpenFiles.count();
    String model = "xe?work=off&state=64KiB&local-memory=8KiB&seed=";
    try (Side source = new Side("src", model + 1);
        Side destination = new Side("dst", model + 2)) {
      Region here = source.client.region(0);
      assertThat(here.info().mappable()).isTrue();
      assertThat(here.mappableParts()).containsExactly(new MemoryRange(8192, 8192));
      assertThat(here.map(0, 4096)).as("registers").isEmpty();
      ByteBuffer stored = here.map(8192, 8192).orElseThrow();
      for (int at = 0; at < 8192; at++) {
        stored.put(at, (byte) (at * 31 + at / 256));
      }
      assertThat(read(source.served.region(0))).as("the device itself").isEqualTo(stored);
      assertThat(read(here)).as("by message").isEqualTo(stored);
      ByteBuffer there = destination.client.region(0).map(8192, 8192).orElseThrow();
      assertThat(there.getLong(0)).isZero();

      LoadStream to = ((ArcOutcome.Loading) destination.go(DeviceState.RESUMING)).stream();
      pump(
          ((ArcOutcome.Saving) source.go(DeviceState.STOP_COPY)).stream(),
          to,
          SaveStream.Status.END);
      destination.go(DeviceState.RUNNING);
      source.go(DeviceState.STOP);

      assertThat(there).as("through a mapping from before").isEqualTo(stored);
      assertThat(read(destination.served.region(0))).isEqualTo(stored);
    }
    assertThat(OpenFiles.count()).as("open files").isEqualTo(before);
  }

  private static ByteBuffer read(Region region) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(8192);
    region.read(8192, bytes);
    return bytes.flip();
  }

  @ParameterizedTest
  @MethodSource("profiles")
  void moves(String profile) throws Exception {
    assumeTrue(Libc.availability().available());
    try (Side source = new Side("src", profile + "?work=off&state=1000KiB&seed=1");
        Side destination = new Side("dst", profile + "?work=off&state=1000KiB&seed=2")) {
      assertThat(source.device.features()).isEqualTo(source.driven.features());
      assertThat(source.client.info().vendorId()).isEqualTo(source.served.info().vendorId());
      assertThat(source.client.info().deviceId()).isEqualTo(source.served.info().deviceId());
      // Registers of the guest, mailbox, config space; those for migration are the driver's alone.
      assertThat(source.client.regions())
          .extracting(RegionInfo::index)
          .containsExactly(0, 4, RegionInfo.PCI_CONFIG);
      for (RegionInfo info : source.client.regions()) {
        assertThat(info.sizeBytes())
            .isEqualTo(source.served.region(info.index()).info().sizeBytes());
      }
      LoadStream to = ((ArcOutcome.Loading) destination.go(DeviceState.RESUMING)).stream();
      SaveStream from;
      if (source.device.features().preCopy()) {
        from = ((ArcOutcome.Saving) source.go(DeviceState.PRE_COPY)).stream();
        assertThat(
                source
                    .device
                    .capability(PrecopyProgress.class)
                    .orElseThrow()
                    .remaining()
                    .initialBytes())
            .isPositive();
        pump(from, to, SaveStream.Status.NOTHING_NOW);
        source.go(DeviceState.STOP_COPY);
      } else {
        from = ((ArcOutcome.Saving) source.go(DeviceState.STOP_COPY)).stream();
      }
      pump(from, to, SaveStream.Status.END);
      // Leaving RESUMING proves the data whole.
      destination.go(DeviceState.RUNNING);
      source.go(DeviceState.STOP);
      assertThat(destination.device.state()).isEqualTo(DeviceState.RUNNING);
      assertThat(source.states).contains(DeviceState.STOP_COPY, DeviceState.STOP);
      assertThat(destination.states).contains(DeviceState.RESUMING, DeviceState.RUNNING);
    }
  }

  /** As a guest does it whose monitor passes its writes of the config space on. */
  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      names = {"PRE_COPY", "STOP", "STOP_COPY", "RESUMING"})
  void aFunctionLevelResetEndsTheSessionOnBothSides(DeviceState state) throws Exception {
    assumeTrue(Libc.availability().available());
    long before = OpenFiles.count();
    try (Side side = new Side("src", "mlx5?work=off&state=100KiB&seed=1");
        Side destination = new Side("dst", "mlx5?work=off&state=100KiB&seed=2")) {
      ResetCount count = side.client.capability(ResetCount.class).orElseThrow();
      ArcOutcome old = side.go(state);
      Region config = side.client.region(RegionInfo.PCI_CONFIG);
      config.write(4, ByteBuffer.wrap(new byte[] {6, 0}));
      assertThat(count.resets()).isZero();
      config.write(EXPRESS_CONTROL, ByteBuffer.wrap(new byte[] {0x10, (byte) 0x88}));

      assertThat(count.resets()).isOne();
      assertThat(side.states).as("the server says so").endsWith(state, DeviceState.RUNNING);
      assertThat(side.driven.state()).isEqualTo(DeviceState.RUNNING);
      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      ByteBuffer command = ByteBuffer.allocate(2);
      config.read(4, command);
      assertThat(command.getShort(0)).isZero();

      SaveStream whole = ((ArcOutcome.Saving) side.go(DeviceState.STOP_COPY)).stream();
      ByteBuffer piece = ByteBuffer.allocateDirect(64);
      if (old instanceof ArcOutcome.Saving saving) {
        assertThatThrownBy(() -> saving.stream().read(piece))
            .isInstanceOf(MigrationException.class);
      } else if (old instanceof ArcOutcome.Loading loading) {
        assertThatThrownBy(() -> loading.stream().write(piece))
            .isInstanceOf(MigrationException.class);
      }
      LoadStream to = ((ArcOutcome.Loading) destination.go(DeviceState.RESUMING)).stream();
      pump(whole, to, SaveStream.Status.END);
      destination.go(DeviceState.RUNNING);
    }
    assertThat(OpenFiles.count()).as("open files").isEqualTo(before);
  }
}
