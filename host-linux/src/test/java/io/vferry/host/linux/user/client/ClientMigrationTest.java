package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.client.LibvfioUser.Responder;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** States and data of a migration, and what a server's refusals make of them. */
class ClientMigrationTest {

  private static final int DEVICE_FEATURE = 16;
  private static final int MIG_DATA_READ = 17;
  private static final int MIG_DATA_WRITE = 18;
  private static final int GET_PRECOPY_INFO = 19;
  private static final int DEVICE_STATE = 2;
  private static final int DATA_SIZE = 9;

  private final LibvfioUser server = new LibvfioUser(Version.JUNE, 64);
  private VfioUserDevice device;
  private HostMigration migration;

  private MigrationData in(DeviceState state) throws MigrationException {
    device = server.open("");
    migration = device.capability(HostMigration.class).orElseThrow();
    return migration.setState(state).orElseThrow();
  }

  private static Responder refusing(int errno) {
    return (message, files, usual) -> List.of(LibvfioUser.refusal(message, errno));
  }

  /** Answers one feature in another way. */
  private void onFeature(int feature, Responder responder) {
    server.on(
        DEVICE_FEATURE,
        (message, files, usual) ->
            (message.getInt(20) & 0xffff) == feature
                ? responder.answer(message, files, usual)
                : usual.get());
  }

  private static Responder answeringPrecopy(int flags, long initial, long dirty) {
    return (message, files, usual) ->
        List.of(
            LibvfioUser.reply(
                message,
                ByteBuffer.allocate(24)
                    .order(ByteOrder.nativeOrder())
                    .putInt(24)
                    .putInt(flags)
                    .putLong(initial)
                    .putLong(dirty)
                    .array()));
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.ENOMSG, Errno.EAGAIN})
  void nothingNowIsNoFailure(int errno) throws Exception {
    MigrationData data = in(DeviceState.PRE_COPY);
    server.on(MIG_DATA_READ, refusing(errno));
    assertThat(data.read(ByteBuffer.allocate(8))).isZero();
    server.on(MIG_DATA_READ, refusing(Errno.EIO));
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> data.read(ByteBuffer.allocate(8)));
    assertThat(e.code()).isEqualTo(DeviceError.IO_FAILED);
  }

  @Test
  void whatWasNotTakenIsLeft() throws Exception {
    MigrationData data = in(DeviceState.RESUMING);
    int[] takes = {2};
    server.on(
        MIG_DATA_WRITE,
        (message, files, usual) ->
            List.of(LibvfioUser.reply(message, LibvfioUser.ints(8, takes[0]))));
    ByteBuffer from = ByteBuffer.allocate(5);
    assertThat(data.write(from)).isEqualTo(2);
    assertThat(from.remaining()).isEqualTo(3);
    takes[0] = 0;
    MigrationException e = catchThrowableOfType(MigrationException.class, () -> data.write(from));
    assertThat(e).as("no loop without end").isNotNull();
    assertThat(e.code()).isEqualTo(DeviceError.IO_FAILED);
    assertThat(e).hasMessageContaining("takes no more migration data");
    assertThat(from.remaining()).isEqualTo(3);
  }

  @Test
  void tellsWhatIsLeftInPrecopy() throws Exception {
    server.on(GET_PRECOPY_INFO, answeringPrecopy(1, 1000, 7));
    MigrationData data = in(DeviceState.PRE_COPY);
    assertThat(data.precopy()).isEqualTo(new MigrationData.Precopy(1000, 7, true));
    server.on(GET_PRECOPY_INFO, answeringPrecopy(0, 0, 8));
    assertThat(data.precopy()).isEqualTo(new MigrationData.Precopy(0, 8, false));
    server.on(GET_PRECOPY_INFO, refusing(Errno.EIO));
    for (int i = 0; i < 2; i++) {
      MigrationException e = catchThrowableOfType(MigrationException.class, data::precopy);
      assertThat(e).as("a failure is not 'nothing left'").isNotNull();
      assertThat(e.code()).isEqualTo(DeviceError.IO_FAILED);
    }
    migration.setState(DeviceState.STOP_COPY);
    server.commands.clear();
    MigrationException e = catchThrowableOfType(MigrationException.class, data::precopy);
    assertThat(e.code()).isEqualTo(DeviceError.WRONG_STATE);
    assertThat(server.commands).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "PRE_COPY, STOP_COPY, true",
    "PRE_COPY, RUNNING, false",
    "STOP_COPY, STOP, false",
    "RESUMING, STOP, false",
    "RESUMING, RUNNING, false"
  })
  void aSessionLastsAsLongAsItsStates(DeviceState opened, DeviceState then, boolean goesOn)
      throws Exception {
    MigrationData data = in(opened);
    migration.setState(then);
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class,
            () -> {
              if (opened == DeviceState.RESUMING) {
                data.write(ByteBuffer.allocate(4));
              } else {
                data.read(ByteBuffer.allocate(4));
              }
            });
    assertThat(e == null).isEqualTo(goesOn);
    if (e != null) {
      assertThat(e.code()).isEqualTo(DeviceError.SESSION_CLOSED);
    }
  }

  @Test
  void closingTheDeviceClosesTheSession() throws Exception {
    MigrationData data = in(DeviceState.PRE_COPY);
    device.close();
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> data.read(ByteBuffer.allocate(4)));
    assertThat(e.code()).isEqualTo(DeviceError.SESSION_CLOSED);
    assertThat(e).hasMessageContaining("the migration data of the device");
  }

  /** A server that does not do what it is told, and is somewhere else afterwards. */
  private void failTo(int now) {
    onFeature(
        DEVICE_STATE,
        (message, files, usual) -> {
          if ((message.getInt(20) & 0x20000) == 0) {
            return usual.get();
          }
          server.state = now;
          return List.of(LibvfioUser.refusal(message, Errno.EIO));
        });
  }

  @ParameterizedTest
  @CsvSource({
    "1, STOP, USABLE, false",
    "0, ERROR, NEEDS_RESET, false",
    "4, RESUMING, NEEDS_RESET, true"
  })
  void afterAFailedArcTheStateIsTheTruth(
      int now, DeviceState told, DeviceCondition condition, boolean goesOn) throws Exception {
    MigrationData data = in(DeviceState.RESUMING);
    failTo(now);
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class, () -> migration.setState(DeviceState.RUNNING));
    assertThat(e.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(e.state()).contains(told);
    assertThat(e.condition()).isEqualTo(condition);
    server.commands.clear();
    MigrationException after =
        catchThrowableOfType(MigrationException.class, () -> data.write(ByteBuffer.allocate(4)));
    assertThat(after == null).as("the session goes on").isEqualTo(goesOn);
    if (after != null) {
      assertThat(after.code()).isEqualTo(DeviceError.SESSION_CLOSED);
      assertThat(server.commands).isEmpty();
    }
  }

  @Test
  void outOfErrorLeadsOnlyAReset() throws Exception {
    in(DeviceState.PRE_COPY);
    server.state = 0;
    server.commands.clear();
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class, () -> migration.setState(DeviceState.RUNNING));
    assertThat(e.state()).contains(DeviceState.ERROR);
    assertThat(e.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(server.commands).as("only the state was asked").containsExactly(DEVICE_FEATURE);
  }

  @Test
  void aStateThatNobodyKnowsIsToldAsSuch() throws Exception {
    in(DeviceState.PRE_COPY);
    server.state = 8;
    MigrationException e = catchThrowableOfType(MigrationException.class, migration::state);
    assertThat(e).isNotNull();
    assertThat(e).hasMessageContaining("is in state 8, which this version does not know");
    assertThat(e.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
  }

  @Test
  void theSizeOfAStopCopyIsToldOrNotKnown() throws Exception {
    in(DeviceState.PRE_COPY);
    onFeature(
        DATA_SIZE,
        (message, files, usual) ->
            List.of(
                LibvfioUser.reply(
                    message,
                    LibvfioUser.concat(
                        LibvfioUser.slice(message, 16, 8), LibvfioUser.ints(0, 1)))));
    assertThat(migration.stopCopyBytes()).isEqualTo(OptionalLong.of(1L << 32));
    // A reply without the number: any doubt is told as much.
    onFeature(
        DATA_SIZE,
        (message, files, usual) ->
            List.of(LibvfioUser.reply(message, LibvfioUser.slice(message, 16, 8))));
    assertThat(migration.stopCopyBytes()).isEqualTo(OptionalLong.of(Long.MAX_VALUE));
    for (int unknown : Arrays.asList(Errno.ENOTTY, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOSYS)) {
      onFeature(DATA_SIZE, refusing(unknown));
      assertThat(migration.stopCopyBytes()).isEmpty();
    }
    onFeature(DATA_SIZE, refusing(Errno.EIO));
    assertThat(catchThrowableOfType(MigrationException.class, migration::stopCopyBytes).code())
        .isEqualTo(DeviceError.IO_FAILED);
  }
}
