package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

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
}
