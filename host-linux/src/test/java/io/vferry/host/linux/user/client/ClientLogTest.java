package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is asked of a server that logs, and what of its answers is believed. */
class ClientLogTest {

  private static final int PAGE = 4096;
  private static final int START = 6;
  private static final int STOP = 7;
  private static final int REPORT = 8;

  /** A server that logs, in pages of a size of its own, and found the same in each question. */
  private static final class Logging extends FakePeer {
    final List<String> asked = new ArrayList<>();
    long pageBytes = PAGE;
    int rangesToLog;
    int refusesStart;

    /** The numbers of the pages that were written, in each question anew. */
    int[] written = {};

    @Override
    void hear(ByteBuffer message, List<Fd> files) {
      byte[] body = new byte[message.limit() - HEADER_BYTES];
      message.get(HEADER_BYTES, body);
      ByteBuffer fields = ByteBuffer.wrap(body).order(ByteOrder.nativeOrder());
      switch (fields.getInt(4) & 0xffff) {
        case START -> {
          asked.add("start");
          rangesToLog = fields.getInt(16);
          if (refusesStart != 0) {
            say(LibvfioUser.refusal(message, refusesStart).bytes());
            return;
          }
          fields.putLong(8, pageBytes);
        }
        case STOP -> asked.add("stop");
        case REPORT -> {
          long pages = fields.getLong(16) / fields.getLong(24);
          asked.add("0x%x, %d pages".formatted(fields.getLong(8), pages));
          byte[] bitmap = new byte[(int) (pages + 63) / 64 * Long.BYTES];
          for (int page : written) {
            bitmap[page / 8] |= (byte) (1 << page % 8);
          }
          body = LibvfioUser.concat(body, bitmap);
        }
        default -> throw new IllegalStateException("not asked for");
      }
      say(LibvfioUser.message(message, 1, 0, body));
    }
  }

  private final Logging server = new Logging();

  private ClientLog log(int bitmapBytes) {
    ClientChannel channel =
        new ClientChannel(
            "/run/logs.sock",
            Conversation.ofOrders("/run/logs.sock", server, (header, command, in, answers) -> {}),
            1_000_000_000,
            () -> 0);
    return new ClientLog("/run/logs.sock", channel, bitmapBytes, true);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2048, 3 * PAGE, -PAGE})
  void aPageSizeThatIsNoneIsNotBelieved(long pageBytes) throws Exception {
    server.pageBytes = pageBytes;
    ClientLog log = log(4096);
    MemoryRange range = new MemoryRange(0, 4 * PAGE);
    log.add(range, true);
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> log.start(List.of(range), PAGE));
    assertThat(e.code()).isEqualTo(DeviceError.DMA_LOG_FAILED);
    assertThat(e).hasMessageContaining("in pages of " + pageBytes + " bytes");
    assertThat(server.asked).as("it does not go on logging").containsExactly("start", "stop");
    server.pageBytes = 2 * PAGE;
    assertThat(log.start(List.of(range), PAGE)).as("larger pages are").isEqualTo(2 * PAGE);
  }

  @Test
  void piecesOfABitmapComeToTheirPlace() throws Exception {
    // 64 pages fit into one answer.
    ClientLog log = log(Long.BYTES);
    MemoryRange range = new MemoryRange(0x40_0000, 200 * PAGE);
    log.add(range, true);
    log.start(List.of(range), PAGE);
    server.asked.clear();
    server.written = new int[] {0, 7};
    DirtyBitmap found = new DirtyBitmap(range, PAGE);
    log.report(found);
    assertThat(server.asked)
        .containsExactly(
            "0x400000, 64 pages", "0x440000, 64 pages", "0x480000, 64 pages", "0x4c0000, 8 pages");
    assertThat(IntStream.range(0, 200).filter(found::isDirty))
        .containsExactly(0, 7, 64, 71, 128, 135, 192, 199);
  }

  private static IntStream dirty(DirtyBitmap bitmap) {
    return IntStream.range(0, (int) bitmap.pages()).filter(bitmap::isDirty);
  }

  @Test
  void theServersPageSizeIsTheOneThatCounts() throws Exception {
    server.pageBytes = 2 * PAGE;
    ClientLog log = log(4096);
    MemoryRange range = new MemoryRange(0x40_0000, 8 * PAGE);
    log.add(range, true);
    log.start(List.of(range), PAGE);
    server.asked.clear();
    server.written = new int[] {1};
    DirtyBitmap found = new DirtyBitmap(range, PAGE);
    log.report(found);
    assertThat(server.asked).containsExactly("0x400000, 4 pages");
    assertThat(dirty(found)).containsExactly(2, 3);
  }

  @Test
  void theLastPageEndsWithTheMapping() throws Exception {
    server.pageBytes = 2 * PAGE;
    ClientLog log = log(4096);
    // At the end of all addresses, where nothing follows.
    MemoryRange range = new MemoryRange(-3 * PAGE, 3 * PAGE);
    log.add(range, true);
    log.start(List.of(range), PAGE);
    server.written = new int[] {1};
    DirtyBitmap found = new DirtyBitmap(range, PAGE);
    log.report(found);
    assertThat(dirty(found)).containsExactly(2);
  }

  @Test
  void whatWasNotAskedForIsToldLater() throws Exception {
    ClientLog log = log(4096);
    MemoryRange range = new MemoryRange(0, 10 * PAGE);
    log.add(range, true);
    log.start(List.of(range), PAGE);
    log.written(new MemoryRange(PAGE, 8 * PAGE));
    DirtyBitmap part = new DirtyBitmap(new MemoryRange(3 * PAGE, 2 * PAGE), PAGE);
    log.report(part);
    assertThat(dirty(part)).containsExactly(0, 1);
    // What the server finds then is added to what is remembered.
    server.written = new int[] {0};
    log.report(new DirtyBitmap(new MemoryRange(9 * PAGE, PAGE), PAGE));
    server.written = new int[] {9};
    DirtyBitmap all = new DirtyBitmap(range, PAGE);
    log.report(all);
    assertThat(dirty(all)).containsExactly(0, 1, 2, 5, 6, 7, 8, 9);
    server.written = new int[] {};
    DirtyBitmap nothing = new DirtyBitmap(range, PAGE);
    log.report(nothing);
    assertThat(dirty(nothing)).isEmpty();
  }

  @Test
  void whatIsMappedWhileTheLogIsOnIsWrittenInEachReport() throws Exception {
    ClientLog log = log(4096);
    MemoryRange before = new MemoryRange(0, PAGE);
    MemoryRange later = new MemoryRange(PAGE, 2 * PAGE);
    log.add(before, true);
    log.start(List.of(before, later), PAGE);
    server.asked.clear();
    log.add(later, true);
    for (int i = 0; i < 3; i++) {
      DirtyBitmap all = new DirtyBitmap(new MemoryRange(0, 3 * PAGE), PAGE);
      log.report(all);
      assertThat(dirty(all)).as("report %d", i).containsExactly(1, 2);
    }
    log.stop();
    server.asked.clear();
    log.start(List.of(before, later), PAGE);
    DirtyBitmap all = new DirtyBitmap(new MemoryRange(0, 3 * PAGE), PAGE);
    log.report(all);
    assertThat(dirty(all)).isEmpty();
    assertThat(server.asked).containsExactly("start", "0x0, 1 pages", "0x1000, 2 pages");
  }

  @Test
  void moreRangesThanAMessageShouldHaveAreToldAsAll() throws Exception {
    List<MemoryRange> ranges = new ArrayList<>();
    for (int i = 0; i < 257; i++) {
      ranges.add(new MemoryRange(2L * i * PAGE, PAGE));
    }
    ClientLog log = log(4096);
    log.add(ranges.get(0), true);
    log.start(ranges, PAGE);
    assertThat(server.rangesToLog).as("none is all").isZero();
    log.stop();
    log.start(ranges.subList(0, 256), PAGE);
    assertThat(server.rangesToLog).isEqualTo(256);
  }

  @ParameterizedTest
  @CsvSource({
    Errno.ENOMEM + ", OUT_OF_RESOURCES",
    Errno.ENOSPC + ", OUT_OF_RESOURCES",
    Errno.E2BIG + ", OUT_OF_RESOURCES",
    Errno.EINVAL + ", DMA_LOG_FAILED"
  })
  void aLogThatDoesNotStartIsOff(int errno, DeviceError code) throws Exception {
    server.refusesStart = errno;
    ClientLog log = log(4096);
    MemoryRange range = new MemoryRange(0, PAGE);
    log.add(range, true);
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> log.start(List.of(range), PAGE));
    assertThat(e.code()).isEqualTo(code);
    assertThat(e.errno()).hasValue(errno);
    assertThat(
            catchThrowableOfType(
                    MigrationException.class, () -> log.report(new DirtyBitmap(range, PAGE)))
                .code())
        .isEqualTo(DeviceError.DMA_LOG_FAILED);
    log.stop();
    assertThat(server.asked).as("nothing has to be stopped").containsExactly("start");
  }

  @Test
  void aLogThatIsOnIsNotStarted() throws Exception {
    ClientLog log = log(4096);
    MemoryRange range = new MemoryRange(0, PAGE);
    log.add(range, true);
    log.start(List.of(range), PAGE);
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> log.start(List.of(range), PAGE));
    assertThat(e.code()).isEqualTo(DeviceError.WRONG_STATE);
    assertThat(server.asked).containsExactly("start");
  }
}
