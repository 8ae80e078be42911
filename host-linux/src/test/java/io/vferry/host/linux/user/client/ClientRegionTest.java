package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.client.LibvfioUser.Responder;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionWrite;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Accesses to a region: where each piece of a long one goes, and which are refused here. */
class ClientRegionTest {

  private static final int GET_REGION_INFO = 5;
  private static final int REGION_READ = 9;
  private static final int REGION_WRITE = 10;
  private static final int BYTES = 10_000;

  private final LibvfioUser server = new LibvfioUser(Version.JUNE, BYTES);

  private static byte[] pattern() {
    byte[] pattern = new byte[BYTES];
    for (int i = 0; i < BYTES; i++) {
      pattern[i] = (byte) (i * 31 + i / 256);
    }
    return pattern;
  }

  private LibvfioUser withFlags(int flags) {
    Responder describes =
        (message, files, usual) -> {
          byte[] usually = usual.get().get(0).bytes();
          if (message.getInt(24) == 0) {
            ByteBuffer.wrap(usually).order(ByteOrder.nativeOrder()).putInt(20, flags);
          }
          return List.of(new LibvfioUser.Answer(usually, List.of()));
        };
    return server.on(GET_REGION_INFO, describes);
  }

  private static void assertRefusedHere(MigrationException e, String text) {
    assertThat(e).isNotNull();
    assertThat(e.code()).isEqualTo(DeviceError.BAD_REQUEST);
    assertThat(e).hasMessageContaining(text);
  }

  @Test
  void eachPieceOfALongAccessGoesToItsPlace() throws Exception {
    Region region = server.open("?transfer=4KiB").region(0);
    region.write(0, ByteBuffer.wrap(pattern()));
    assertThat(server.bar).isEqualTo(pattern());
    ByteBuffer read = ByteBuffer.allocate(BYTES);
    region.read(0, read);
    assertThat(read.array()).isEqualTo(pattern());
    assertThat(server.largestBody).isEqualTo(16 + 4096);
  }

  @Test
  void onlyWhatTheServerAllowsIsAsked() throws Exception {
    Region readable = withFlags(1).open("").region(0);
    readable.read(0, ByteBuffer.allocate(4));
    server.commands.clear();
    assertRefusedHere(
        catchThrowableOfType(
            MigrationException.class, () -> readable.write(0, ByteBuffer.allocate(4))),
        "region 0 of /run/test.sock cannot be written");
    RegionWrite write = new RegionWrite(0, ByteBuffer.allocate(4));
    server.versionJson = "{\"capabilities\":{\"write_multiple\":true}}";
    Region several = server.open("").region(0);
    server.commands.clear();
    assertRefusedHere(
        catchThrowableOfType(
            MigrationException.class, () -> several.writeAll(List.of(write, write))),
        "region 0 of /run/test.sock cannot be written");
    Region writable = withFlags(2).open("").region(0);
    writable.write(0, ByteBuffer.allocate(4));
    server.commands.clear();
    assertRefusedHere(
        catchThrowableOfType(
            MigrationException.class, () -> writable.read(0, ByteBuffer.allocate(4))),
        "region 0 of /run/test.sock cannot be read");
    assertThat(server.commands).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    Errno.EACCES + ", ACCESS_DENIED",
    Errno.EPERM + ", ACCESS_DENIED",
    Errno.EBUSY + ", ACCESS_DENIED",
    Errno.ENODEV + ", DEVICE_LOST",
    Errno.ENXIO + ", DEVICE_LOST",
    Errno.EIO + ", IO_FAILED",
    Errno.EINVAL + ", IO_FAILED"
  })
  void aRefusalSaysWhatItMeans(int errno, DeviceError code) throws Exception {
    Responder refuses = (message, files, usual) -> List.of(LibvfioUser.refusal(message, errno));
    server.on(REGION_READ, refuses).on(REGION_WRITE, refuses);
    server.versionJson = "{\"capabilities\":{\"write_multiple\":true}}";
    // No PCI device, whose header would be read when it is opened.
    server.on(
        4,
        (message, files, usual) ->
            List.of(LibvfioUser.reply(message, LibvfioUser.ints(16, 1, 9, 0))));
    Region region = server.open("").region(0);
    ByteBuffer bytes = ByteBuffer.allocate(4);
    for (MigrationException e :
        List.of(
            catchThrowableOfType(MigrationException.class, () -> region.read(0, bytes)),
            catchThrowableOfType(MigrationException.class, () -> region.write(0, bytes)))) {
      assertThat(e.code()).isEqualTo(code);
      assertThat(e.errno()).hasValue(errno);
    }
    assertThat(bytes.position()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    // Offset, region and count of the reply to 4 bytes at 8.
    "8, 0, 3",
    "8, 0, 5",
    "8, 1, 4",
    "12, 0, 4"
  })
  void aServerThatWroteSomethingElseIsNotBelieved(long offset, int region, int count)
      throws Exception {
    server.on(
        REGION_WRITE,
        (message, files, usual) ->
            List.of(LibvfioUser.reply(message, LibvfioUser.ints((int) offset, 0, region, count))));
    Region first = server.open("").region(0);
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class, () -> first.write(8, ByteBuffer.allocate(4)));
    assertThat(e).isNotNull();
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(e).hasMessageContaining("REGION_WRITE: ");
  }
}
