package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.MemoryFile;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client makes of a device's description, above all of the files that come with it. */
@EnabledOnOs(OS.LINUX)
class DiscoveryTest {

  private static final int GET_INFO = 4;
  private static final int GET_REGION_INFO = 5;
  private static final int GET_IRQ_INFO = 7;
  private static final int REGION_READ = 9;
  private static final int PAGE = 4096;
  private static final int READ_WRITE = 3;
  private static final int MMAP = 4;
  private static final int CAPS = 8;

  private final LibvfioUser server = new LibvfioUser(Version.JUNE, 64);
  private final List<Fd> sent = new ArrayList<>();
  private MemoryFile memory;

  @BeforeEach
  void create() throws Exception {
    memory = MemoryFile.create("bar", 8 * PAGE);
    for (int page = 0; page < 8; page++) {
      memory.slice(page * PAGE, PAGE).putInt(0, page);
    }
  }

  @AfterEach
  void close() {
    sent.forEach(Fd::close);
    memory.close();
  }

  /** Has region 0 described in this way, with the file that is its memory. */
  private void describe(int flags, long size, long offset, byte[] capabilities) {
    server.on(
        GET_REGION_INFO,
        (message, files, usual) -> {
          if (message.getInt(24) != 0) {
            return usual.get();
          }
          byte[] body = LibvfioUser.region(0, flags, size, offset, capabilities);
          Fd file = new Fd(memory.fd().duplicate());
          sent.add(file);
          return List.of(LibvfioUser.reply(message, body, file));
        });
  }

  /** The capability that only one part can be mapped. */
  private static byte[] sparse(int version, long offset, long size) {
    return ByteBuffer.allocate(32)
        .order(ByteOrder.nativeOrder())
        .putShort((short) 1)
        .putShort((short) version)
        .putInt(0)
        .putInt(1)
        .putInt(0)
        .putLong(offset)
        .putLong(size)
        .array();
  }

  private void assertFilesClosed() {
    assertThat(sent).isNotEmpty();
    assertThat(sent).allSatisfy(file -> assertThat(file.claim()).isNegative());
  }

  private static int pageAt(Region region, long offset) throws MigrationException {
    return region.map(offset, PAGE).orElseThrow().order(ByteOrder.nativeOrder()).getInt(0);
  }

  @Test
  void aRegionBeginsInItsFileWhereTheServerSays() throws Exception {
    describe(READ_WRITE | MMAP, 2 * PAGE, 3 * PAGE, new byte[0]);
    VfioUserDevice whole = server.open("");
    assertThat(pageAt(whole.region(0), 0)).isEqualTo(3);
    assertThat(pageAt(whole.region(0), PAGE)).isEqualTo(4);
    whole.close();
    describe(READ_WRITE | MMAP | CAPS, 4 * PAGE, 2 * PAGE, sparse(1, PAGE, PAGE));
    VfioUserDevice part = server.open("");
    assertThat(part.region(0).mappableParts()).containsExactly(new MemoryRange(PAGE, PAGE));
    assertThat(pageAt(part.region(0), PAGE)).isEqualTo(3);
    part.close();
    assertFilesClosed();
  }

  @Test
  void onlyWhatTheServerLetsMapIsMapped() throws Exception {
    describe(READ_WRITE, 2 * PAGE, 0, new byte[0]);
    VfioUserDevice device = server.open("");
    assertThat(device.region(0).info().mappable()).isFalse();
    device.close();
    assertFilesClosed();
  }

  @Test
  void aPartBeyondTheEndOfItsFileIsNotMapped() throws Exception {
    describe(READ_WRITE | MMAP, 2 * PAGE, 7 * PAGE, new byte[0]);
    VfioUserDevice device = server.open("");
    assertThat(device.region(0).info().mappable()).isFalse();
    describe(READ_WRITE | MMAP, 2 * PAGE, 6 * PAGE, new byte[0]);
    device = server.open("");
    assertThat(pageAt(device.region(0), PAGE)).as("up to its last byte").isEqualTo(7);
    device.close();
  }

  @Test
  void aCapabilityOfALaterVersionIsNotRead() throws Exception {
    describe(READ_WRITE | MMAP | CAPS, 4 * PAGE, 0, sparse(2, 64 * PAGE, PAGE));
    VfioUserDevice device = server.open("");
    assertThat(device.region(0).mappableParts()).containsExactly(new MemoryRange(0, 4 * PAGE));
    device.close();
  }

  @Test
  void aDescriptionThatNeverComesWholeLetsNothingBeMapped() throws Exception {
    server.on(
        GET_REGION_INFO,
        (message, files, usual) -> {
          if (message.getInt(24) != 0) {
            return usual.get();
          }
          Fd file = new Fd(memory.fd().duplicate());
          sent.add(file);
          // It claims to have more to say however much room it is given.
          int argsz = message.getInt(16) + 64;
          return List.of(
              LibvfioUser.reply(
                  message, LibvfioUser.ints(argsz, 15, 0, 0, 2 * PAGE, 0, 0, 0), file));
        });
    VfioUserDevice device = server.open("");
    assertThat(device.region(0).info().mappable()).isFalse();
    assertThat(sent).hasSize(2);
    device.close();
    assertFilesClosed();
  }

  @Test
  void filesOfARegionThatDoesNotExistAreClosed() throws Exception {
    describe(READ_WRITE | MMAP, 0, 0, new byte[0]);
    VfioUserDevice device = server.open("");
    assertThat(device.regions()).extracting(region -> region.index()).containsExactly(7);
    assertFilesClosed();
  }

  @Test
  void filesOfADescriptionThatIsNotBelievedAreClosed() {
    describe(READ_WRITE | MMAP | CAPS, PAGE, 0, sparse(1, PAGE, PAGE));
    MigrationException e = catchThrowableOfType(MigrationException.class, () -> server.open(""));
    assertThat(e).hasMessageContaining("outside of its 4096 bytes");
    assertFilesClosed();
  }

  @ParameterizedTest
  @ValueSource(ints = {GET_REGION_INFO, GET_IRQ_INFO})
  void whatTheServerFailsToDescribeIsNotTakenForMissing(int command) {
    describe(READ_WRITE | MMAP, PAGE, 0, new byte[0]);
    server.on(command, (message, files, usual) -> List.of(LibvfioUser.refusal(message, Errno.EIO)));
    MigrationException e = catchThrowableOfType(MigrationException.class, () -> server.open(""));
    assertThat(e).isNotNull();
    assertThat(e.code()).isEqualTo(DeviceError.OPEN_FAILED);
    assertThat(e.errno()).hasValue(Errno.EIO);
    if (command == GET_IRQ_INFO) {
      assertFilesClosed();
    }
  }

  @Test
  void whatIsNoPciDeviceHasNoConfigurationSpace() throws Exception {
    server.on(
        GET_INFO,
        (message, files, usual) ->
            List.of(LibvfioUser.reply(message, LibvfioUser.ints(16, 1, 9, 0))));
    VfioUserDevice device = server.open("");
    assertThat(device.info().bus()).isEqualTo("vfio-user");
    assertThat(server.commands).doesNotContain(REGION_READ);
  }

  @Test
  void aDeviceHasALogIfItsServerOffersOne() throws Exception {
    assertThat(server.open("").capability(DmaLog.class)).isEmpty();
    assertThat(server.open("?dma=messages").capability(DmaLog.class))
        .as("what comes by message is logged here")
        .isPresent();
  }
}
