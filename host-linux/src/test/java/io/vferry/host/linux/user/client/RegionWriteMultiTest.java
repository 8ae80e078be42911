package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.Companions;
import io.vferry.host.linux.user.client.LibvfioUser.Responder;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionWrite;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Several writes of a region: one message where the server takes that, as many as writes else. */
class RegionWriteMultiTest {

  private static final int REGION_WRITE = 10;
  private static final int REGION_WRITE_MULTI = 15;
  private static final int EIO = 5;
  private static final String GRANTED = "{\"capabilities\":{\"write_multiple\":true}}";

  /** What the server was asked to write, "offset:length" each, and how. */
  private final List<String> said = new ArrayList<>();

  private final LibvfioUser server = new LibvfioUser(Version.JUNE, 4096);
  private Region region;

  private void open(String parameters) throws MigrationException {
    server.on(
        REGION_WRITE,
        (message, files, usual) -> {
          said.add("%x:%d".formatted(message.getLong(16), message.getInt(28)));
          return usual.get();
        });
    region = server.open(parameters).region(0);
  }

  /** Has the server take messages of several writes, and do the first so many of all. */
  private void grant(int does) {
    server.versionJson = GRANTED;
    int[] left = {does};
    Responder several =
        (message, files, usual) -> {
          int count = (int) message.getLong(16);
          assertThat(message.remaining()).isEqualTo(24 + count * 24);
          List<String> writes = new ArrayList<>();
          int done = 0;
          for (int i = 0; i < count; i++) {
            int at = 24 + i * 24;
            int length = message.getInt(at + 12);
            assertThat(message.getInt(at + 8)).isZero();
            writes.add("%x:%d".formatted(message.getLong(at), length));
            if (left[0] > 0) {
              left[0]--;
              done++;
              message.get(at + 16, server.bar, (int) message.getLong(at), length);
            }
          }
          said.add(writes.toString());
          return List.of(LibvfioUser.reply(message, LibvfioUser.ints(done, 0)));
        };
    server.on(REGION_WRITE_MULTI, several);
  }

  private static RegionWrite write(long offset, int... bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes.length);
    for (int value : bytes) {
      buffer.put((byte) value);
    }
    return new RegionWrite(offset, buffer.flip());
  }

  private static List<RegionWrite> words(int count) {
    List<RegionWrite> words = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      words.add(write(4L * i, i, i >> 8, 1, 2));
    }
    return words;
  }

  private byte[] bar(int from, int length) {
    return Arrays.copyOfRange(server.bar, from, from + length);
  }

  @Test
  void isOneMessageByteByByte() throws MigrationException {
    Transcript transcript =
        new Transcript(
            """
            # VERSION 0.0, 187 bytes
            > 0000 0100 bb000000 00000000 00000000  0000 0000
              "{\\"capabilities\\":{\\"max_msg_fds\\":253,\\"max_data_xfer_size\\":1048576,"
              "\\"twin_socket\\":{\\"supported\\":true},\\"write_multiple\\":true,\\"reassembly\\":true,"
              "\\"migration\\":{\\"pgsize\\":4096}}}" 00
            < 0000 0100 3e000000 01000000 00000000  0000 0000
              "{\\"capabilities\\":{\\"write_multiple\\":true}}" 00
            # DEVICE_FEATURE, get MIGRATION: it has none
            > 0100 1000 18000000 00000000 00000000  10000000 01000100
            < 0100 1000 10000000 21000000 16000000
            # probe DMA_LOGGING_START: it has none
            > 0200 1000 18000000 00000000 00000000  08000000 06000600
            < 0200 1000 10000000 21000000 16000000
            # DEVICE_GET_INFO: one region, no interrupt
            > 0300 0400 20000000 00000000 00000000  10000000 00000000 00000000 00000000
            < 0300 0400 20000000 01000000 00000000  10000000 01000000 01000000 00000000
            # DEVICE_GET_REGION_INFO 0: 4096 bytes to be read and written
            > 0400 0500 30000000 00000000 00000000
              20000000 00000000 00000000 00000000 0000000000000000 0000000000000000
            < 0400 0500 30000000 01000000 00000000
              20000000 03000000 00000000 00000000 0010000000000000 0000000000000000
            # REGION_WRITE_MULTI, 3 writes: 4 bytes at 0x20, 1 at 0x0, 8 at 0xff8 of region 0
            > 0500 0f00 60000000 00000000 00000000  0300000000000000
              2000000000000000 00000000 04000000 0102030400000000
              0000000000000000 00000000 01000000 ff00000000000000
              f80f000000000000 00000000 08000000 1112131415161718
            # all three are done
            < 0500 0f00 18000000 01000000 00000000  0300000000000000
            """);
    DeviceAddress address = DeviceAddress.parse("vfio-user:/run/device.sock");
    VfioUserDevice device =
        VfioUserBackend.open(
            address, ClientParameters.of(address), NoClock.INSTANCE, Companions.NONE, transcript);
    device
        .region(0)
        .writeAll(
            List.of(
                write(0x20, 1, 2, 3, 4),
                write(0, 0xff),
                write(0xff8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18)));
    transcript.assertOver();
  }

  @Test
  void isSeveralMessagesToAServerThatDoesNotSayItTakesOne() throws MigrationException {
    open("");
    assertThat(region.writesAtOnce()).isEqualTo(1);
    region.writeAll(words(3));
    assertThat(said).containsExactly("0:4", "4:4", "8:4");
    assertThat(bar(4, 4)).containsExactly(1, 0, 1, 2);
  }

  @Test
  void oneWriteAloneIsAnOrdinaryOne() throws MigrationException {
    grant(0);
    open("");
    region.writeAll(words(1));
    region.writeAll(List.of());
    assertThat(said).containsExactly("0:4");
  }

  @Test
  void aMessageHoldsNoMoreThanQemuSends() throws MigrationException {
    grant(Integer.MAX_VALUE);
    open("");
    assertThat(region.writesAtOnce()).isEqualTo(200);
    region.writeAll(words(401));
    assertThat(said).hasSize(3);
    assertThat(said.get(0)).startsWith("[0:4, ").endsWith(", 31c:4]");
    assertThat(said.get(1)).startsWith("[320:4, ").endsWith(", 63c:4]");
    assertThat(said.get(2)).isEqualTo("640:4");
    assertThat(bar(0x640, 4)).containsExactly(400 & 0xff, 1, 1, 2);
  }

  @Test
  void aMessageHoldsNoMoreThanTheServerTakes() throws MigrationException {
    grant(Integer.MAX_VALUE);
    server.versionJson = "{\"capabilities\":{\"write_multiple\":true,\"max_data_xfer_size\":80}}";
    open("");
    // 8 bytes before the first, 24 each.
    assertThat(region.writesAtOnce()).isEqualTo(3);
    region.writeAll(words(4));
    assertThat(said).containsExactly("[0:4, 4:4, 8:4]", "c:4");
  }

  @Test
  void whatTheServerDidNotDoIsAskedForByItselfForTheReason() throws MigrationException {
    grant(2);
    open("");
    server.on(
        REGION_WRITE,
        (message, files, usual) -> {
          said.add("%x:%d".formatted(message.getLong(16), message.getInt(28)));
          return List.of(LibvfioUser.refusal(message, EIO));
        });
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> region.writeAll(words(5)));
    assertThat(e.code()).isEqualTo(DeviceError.IO_FAILED);
    assertThat(e.errno()).hasValue(EIO);
    assertThat(e.getMessage()).contains("offset 8 of region 0 of /run/test.sock cannot be written");
    assertThat(said).containsExactly("[0:4, 4:4, 8:4, c:4, 10:4]", "8:4");
    assertThat(bar(4, 4)).containsExactly(1, 0, 1, 2);
    assertThat(bar(8, 12)).containsOnly(0);
  }

  @Test
  void whatTheServerDoesThenIsDoneOnceAndInOrder() throws MigrationException {
    grant(2);
    open("");
    region.writeAll(words(5));
    // The third was done by itself, the fourth was not done again, and neither was the fifth.
    assertThat(said)
        .containsExactly("[0:4, 4:4, 8:4, c:4, 10:4]", "8:4", "[c:4, 10:4]", "c:4", "10:4");
    assertThat(bar(16, 4)).containsExactly(4, 0, 1, 2);
  }

  @Test
  void aMessageThatIsRefusedAsAWholeIsNotRepeated() throws MigrationException {
    grant(0);
    server.on(REGION_WRITE_MULTI, (message, files, usual) -> List.of(LibvfioUser.refusal(message)));
    open("");
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> region.writeAll(words(5)));
    assertThat(e.code()).isEqualTo(DeviceError.IO_FAILED);
    assertThat(e.getMessage())
        .contains("5 writes from offset 0 of region 0 of /run/test.sock on were refused");
    assertThat(said).isEmpty();
  }

  @Test
  void aWriteThatCannotBeIsRefusedAfterThoseBeforeIt() throws MigrationException {
    grant(Integer.MAX_VALUE);
    open("");
    List<RegionWrite> writes = new ArrayList<>(words(2));
    writes.add(write(4096 - 3, 1, 2, 3, 4));
    writes.addAll(words(1));
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> region.writeAll(writes));
    assertThat(e.code()).isEqualTo(DeviceError.BAD_REQUEST);
    assertThat(said).containsExactly("[0:4, 4:4]");
    MigrationException before =
        catchThrowableOfType(
            MigrationException.class, () -> region.writeAll(List.of(write(-1, 1), write(0, 1))));
    assertThat(before.code()).isEqualTo(DeviceError.BAD_REQUEST);
    assertThat(said).hasSize(1);
  }

  @Test
  void aServerThatDidMoreThanItWasAskedIsNotBelieved() throws MigrationException {
    grant(0);
    server.on(
        REGION_WRITE_MULTI,
        (message, files, usual) -> List.of(LibvfioUser.reply(message, LibvfioUser.ints(3, 0))));
    open("");
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> region.writeAll(words(2)));
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(e.getMessage()).contains("the number of writes done is 3, more than 2");
  }

  @Test
  void bytesGoAsTheyLie() throws MigrationException {
    grant(Integer.MAX_VALUE);
    open("");
    ByteBuffer big =
        ByteBuffer.allocate(8).order(ByteOrder.BIG_ENDIAN).putLong(0, 0x0102030405060708L);
    region.writeAll(List.of(new RegionWrite(8, big), new RegionWrite(16, big.slice(2, 3))));
    assertThat(bar(8, 8)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    assertThat(bar(16, 4)).containsExactly(3, 4, 5, 0);
    assertThat(big.position()).isZero();
  }
}
