package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameTest {

  private static ByteBuffer header(Chunk chunk) {
    ByteBuffer header = ByteBuffer.allocate(Frame.HEADER_BYTES);
    Frame.putChunk(chunk, header);
    return header.flip();
  }

  @Test
  void aHeaderIsReadAsItWasWritten() throws MigrationException {
    Chunk chunk = new Chunk(0, Long.MAX_VALUE, 0xffff_ffff_ffe0_0000L, 1 << 20, -7);
    assertThat(Frame.read(header(chunk), "peer")).contains(chunk);
    ByteBuffer end = ByteBuffer.allocate(Frame.HEADER_BYTES);
    Frame.putEnd(end);
    assertThat(Frame.read(end.flip(), "peer")).isEqualTo(Optional.empty());
  }

  @Test
  void eachFlippedBitIsFound() {
    for (int bit = 0; bit < Frame.HEADER_BYTES * 8; bit++) {
      ByteBuffer header = header(new Chunk(3, 77, 0, 4096, 99));
      header.put(bit / 8, (byte) (header.get(bit / 8) ^ (1 << bit % 8)));
      assertThatThrownBy(() -> Frame.read(header, "peer"))
          .as("bit %d", bit)
          .isInstanceOf(MigrationException.class);
    }
  }

  /** The checksum is right in each case, as a hostile peer would make it. */
  @ParameterizedTest
  @CsvSource({
    "4, 1, 2, a frame of version 2",
    "5, 1, 9, a frame of type 9",
    "6, 2, 4096, stream 4096",
    "8, 4, 0, length 0",
    "8, 4, 1048577, length 1048577",
    "8, 4, -1, length -1",
    "16, 8, -1, sequence -1",
    "24, 8, 4096, address 0x1000",
    "12, 4, 1, a frame of version 1"
  })
  void valuesOutOfRangeAreRefused(int offset, int width, long value, String text) {
    ByteBuffer header = header(new Chunk(3, 77, 0, 4096, 99));
    switch (width) {
      case 1 -> header.put(offset, (byte) value);
      case 2 -> header.putShort(offset, (short) value);
      case 4 -> header.putInt(offset, (int) value);
      default -> header.putLong(offset, value);
    }
    header.putInt(36, Frame.crc32c(header.duplicate().limit(36)));
    assertThatThrownBy(() -> Frame.read(header, "10.0.0.1:7"))
        .isInstanceOfSatisfying(
            MigrationException.class,
            e -> assertThat(e.code()).isEqualTo(RuntimeError.TRANSPORT_VIOLATION))
        .hasMessageContaining("10.0.0.1:7 sent")
        .hasMessageContaining(text);
  }

  @Test
  void memoryDoesNotCrossTheBorderOfABlock() {
    assertThatThrownBy(() -> new Chunk(0, 0, (2 << 20) - 4096, 8192, 0))
        .hasMessageContaining("cross a border");
    assertThat(new Chunk(0, 0, (2 << 20) - 4096, 4096, 0).lengthBytes()).isEqualTo(4096);
  }
}
