package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** This client and a server that behaves as libvfio-user's. */
class LibvfioUserTest {

  private static final int BAR_BYTES = 12_288;

  private static HostDevice open(LibvfioUser server, String parameters) throws MigrationException {
    return server.open(parameters);
  }

  private static LibvfioUser filled(Version version, int bytes) {
    LibvfioUser server = new LibvfioUser(version, bytes);
    for (int i = 0; i < bytes; i++) {
      server.bar[i] = (byte) (i * 31);
    }
    return server;
  }

  private static void drain(SaveStream stream, ByteBuffer into) throws MigrationException {
    while (stream.read(into) == SaveStream.Status.DATA) {
      assertThat(into.hasRemaining()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void movesADeviceThatSendsEverythingAgain(Version version) throws Exception {
    LibvfioUser from = filled(version, BAR_BYTES);
    LibvfioUser to = new LibvfioUser(version, BAR_BYTES);
    MigratableDevice source = new VfioMigrationDriver().attach(open(from, "?precopy-data=discard"));
    HostDevice opened = open(to, "?precopy-data=discard");
    MigratableDevice destination = new VfioMigrationDriver().attach(opened);
    assertThat(source.features()).isEqualTo(FeatureSet.STOP_COPY);
    assertThat(opened.info().properties()).containsEntry("precopy-data", "discard");

    source.perform(Arc.RUNNING_TO_STOP);
    SaveStream saved = ((ArcOutcome.Saving) source.perform(Arc.STOP_TO_STOP_COPY)).stream();
    ByteBuffer data = ByteBuffer.allocate(2 * BAR_BYTES);
    drain(saved, data);
    source.perform(Arc.STOP_COPY_TO_STOP);

    destination.perform(Arc.RUNNING_TO_STOP);
    ArcOutcome.Loading loading = (ArcOutcome.Loading) destination.perform(Arc.STOP_TO_RESUMING);
    loading.stream().write(data.flip());
    destination.perform(Arc.RESUMING_TO_STOP);
    // What was loaded can be read in STOP.
    ByteBuffer read = ByteBuffer.allocate(BAR_BYTES);
    opened.region(0).read(0, read);
    assertThat(read.array()).isEqualTo(from.bar);
    destination.perform(Arc.STOP_TO_RUNNING);
    assertThat(to.bar).isEqualTo(from.bar);
  }

  @Test
  void whatWasReadInPrecopyMakesItRefuseTheWhole() throws Exception {
    LibvfioUser from = filled(Version.JUNE, 100);
    MigratableDevice source = new VfioMigrationDriver().attach(open(from, ""));
    SaveStream saved = ((ArcOutcome.Saving) source.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    ByteBuffer data = ByteBuffer.allocate(300);
    drain(saved, data);
    source.perform(Arc.PRE_COPY_TO_STOP_COPY);
    drain(saved, data);

    MigratableDevice destination =
        new VfioMigrationDriver().attach(open(new LibvfioUser(Version.JUNE, 100), ""));
    destination.perform(Arc.RUNNING_TO_STOP);
    ArcOutcome.Loading loading = (ArcOutcome.Loading) destination.perform(Arc.STOP_TO_RESUMING);
    loading.stream().write(data.flip());
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class, () -> destination.perform(Arc.RESUMING_TO_STOP));
    assertThat(e.code()).isEqualTo(DeviceError.DATA_CORRUPT);
    assertThat(e.state()).contains(DeviceState.RESUMING);
  }

  @ParameterizedTest
  @EnumSource
  void isResetWhereverItIs(Version version) throws Exception {
    for (DeviceState state :
        new DeviceState[] {
          DeviceState.RUNNING,
          DeviceState.STOP,
          DeviceState.STOP_COPY,
          DeviceState.PRE_COPY,
          DeviceState.RESUMING
        }) {
      LibvfioUser server = filled(version, 64);
      HostDevice device = open(server, "");
      HostMigration migration = device.capability(HostMigration.class).orElseThrow();
      migration.setState(state);
      device.reset();
      assertThat(migration.state()).as("from %s", state).isEqualTo(DeviceState.RUNNING);
      assertThat(server.bar).as("from %s", state).containsOnly(0);
      assertThat(server.resets).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void isTakenOverFromAClientThatLeftItStopped(Version version) throws Exception {
    for (int left : new int[] {1, 3, 4, 6}) {
      LibvfioUser server = new LibvfioUser(version, 64);
      server.state = left;
      HostDevice device = open(server, "");
      assertThat(device.regions()).extracting(RegionInfo::index).containsExactly(0, 7);
      assertThat(server.state).isEqualTo(LibvfioUser.RUNNING);
      assertThat(server.resets).isEqualTo(1);
    }
    LibvfioUser kept = new LibvfioUser(version, 64);
    kept.state = 1;
    assertThatThrownBy(() -> open(kept, "?leftover=keep"))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("DEVICE_GET_INFO: EINVAL");
  }

  @Test
  void getsAsMuchAtOnceAsItTakes() throws Exception {
    byte[] data = new byte[100_000];
    Arrays.fill(data, (byte) 7);
    LibvfioUser plain = new LibvfioUser(Version.JUNE, data.length);
    load(plain, "", data);
    assertThat(plain.largestBody).isEqualTo((32 << 10) + 8);

    LibvfioUser tuned = new LibvfioUser(Version.JUNE, data.length);
    load(tuned, "?write-chunk=8KiB", data);
    assertThat(tuned.largestBody).isEqualTo((8 << 10) + 8);

    LibvfioUser tooMuch = new LibvfioUser(Version.JUNE, data.length);
    assertThatThrownBy(() -> load(tooMuch, "?write-chunk=64KiB", data))
        .isInstanceOf(MigrationException.class);

    LibvfioUser better =
        new LibvfioUser(Version.JUNE, data.length)
            .on(
                18,
                (message, files, usual) ->
                    message.remaining() - 16 > 36_600
                        ? List.of(LibvfioUser.reply(message, new byte[0]))
                        : usual.get());
    better.versionJson = "{\"capabilities\":{\"reassembly\":true}}";
    HostDevice device = open(better, "");
    HostMigration migration = device.capability(HostMigration.class).orElseThrow();
    MigrationData stream = migration.setState(DeviceState.RESUMING).orElseThrow();
    assertThat(stream.write(ByteBuffer.wrap(data))).isEqualTo(data.length);
  }

  private static void load(LibvfioUser server, String parameters, byte[] data)
      throws MigrationException {
    HostMigration migration =
        open(server, parameters).capability(HostMigration.class).orElseThrow();
    MigrationData stream = migration.setState(DeviceState.RESUMING).orElseThrow();
    ByteBuffer from = ByteBuffer.wrap(data);
    while (from.hasRemaining()) {
      stream.write(from);
    }
    migration.setState(DeviceState.RUNNING);
    assertThat(server.bar).isEqualTo(data);
  }

  @Test
  void aRefusedAccessLeavesTheConversationInStep() throws Exception {
    LibvfioUser server = filled(Version.JUNE, 64);
    HostDevice device = open(server, "");
    HostMigration migration = device.capability(HostMigration.class).orElseThrow();
    migration.setState(DeviceState.STOP_COPY);
    // Refused with a body, and without.
    assertThatThrownBy(() -> device.region(0).read(0, ByteBuffer.allocate(8)))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("REGION_READ: EINVAL");
    assertThat(migration.state()).isEqualTo(DeviceState.STOP_COPY);
    assertThat(migration.stopCopyBytes()).isEmpty();
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class, () -> migration.setState(DeviceState.PRE_COPY));
    assertThat(e.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(e.state()).contains(DeviceState.STOP_COPY);
  }

  @Test
  void doesNotKnowWhatIsLeftInPrecopyAndIsAskedOnce() throws Exception {
    LibvfioUser server = filled(Version.JUNE, 64);
    HostMigration migration = open(server, "").capability(HostMigration.class).orElseThrow();
    MigrationData data = migration.setState(DeviceState.PRE_COPY).orElseThrow();
    assertThat(data.precopy()).isEqualTo(new MigrationData.Precopy(0, 0, false));
    assertThat(data.precopy()).isEqualTo(new MigrationData.Precopy(0, 0, false));
    assertThat(server.commands).filteredOn(command -> command == 19).hasSize(1);
  }

  @Test
  void countsItsResets() throws MigrationException {
    HostDevice device = open(new LibvfioUser(Version.JUNE, 64), "");
    ResetCount count = device.capability(ResetCount.class).orElseThrow();
    assertThat(count.resets()).isZero();
    device.reset();
    device.reset();
    assertThat(count.resets()).isEqualTo(2);
    device.close();
  }
}
