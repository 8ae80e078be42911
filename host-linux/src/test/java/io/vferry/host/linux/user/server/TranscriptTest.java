package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A whole migration, byte for byte: what a client of libvfio-user's kind sends to two servers, and
 * what each has to answer. Written by hand from QEMU 10.2, {@code docs/interop/vfio-user.rst};
 * little endian.
 */
class TranscriptTest {

  private static final String HELLO =
      // {"capabilities":{"max_msg_fds":8}}
      "7b226361706162696c6974696573223a7b226d61785f6d73675f666473223a387d7d00";

  private static final String WELCOME =
      // {"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,
      "7b226361706162696c6974696573223a7b226d61785f6d73675f666473223a38"
          + "2c226d61785f646174615f786665725f73697a65223a31303438353736"
          // ,"max_dma_maps":65535,"pgsizes":4096
          + "2c226d61785f646d615f6d617073223a36353533352c22706773697a6573223a34303936";

  private final List<String> mistakes = new ArrayList<>();

  /** Sends a message written as bytes and compares the answer. */
  private void say(Talk talk, String what, String command, String reply, ClientFile... files) {
    ByteBuffer answer = talk.exchange(Talk.bytes(command), files);
    if (!answer.equals(Talk.bytes(reply))) {
      mistakes.add(what + " is answered " + hex(answer));
    }
  }

  private static String hex(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return HexFormat.of().formatHex(copy);
  }

  @Test
  void aDeviceMoves() throws Exception {
    ScriptedDevice from = new ScriptedDevice();
    ScriptedDevice to = new ScriptedDevice();
    Talk.bytes("1122334455667788").get(from.bar, 0, 8);
    try (Talk source = Talk.with(from);
        Talk destination = Talk.with(to)) {
      for (Talk each : List.of(source, destination)) {
        ByteBuffer welcome =
            each.exchange(Talk.bytes("0100 0100 37000000 00000000 00000000 0000 0100", HELLO));
        // The tail says what else this server can do; what is here has to be there.
        assertThat(hex(welcome))
            .startsWith("01000100")
            .contains("0100000000000000" + "00000100" + WELCOME);
        say(
            each,
            "DEVICE_GET_INFO",
            "0200 0400 20000000 00000000 00000000 10000000 00000000 00000000 00000000",
            "0200 0400 20000000 01000000 00000000 10000000 03000000 09000000 05000000");
        say(
            each,
            "DEVICE_GET_REGION_INFO of BAR 0",
            "0300 0500 30000000 00000000 00000000 20000000 00000000 00000000 00000000"
                + "0000000000000000 0000000000000000",
            "0300 0500 30000000 01000000 00000000 20000000 03000000 00000000 00000000"
                + "0010000000000000 0000000000000000");
        say(
            each,
            "DEVICE_GET_IRQ_INFO of MSI-X",
            "0400 0700 20000000 00000000 00000000 10000000 00000000 02000000 00000000",
            "0400 0700 20000000 01000000 00000000 10000000 01000000 02000000 04000000");
        say(
            each,
            "DMA_MAP",
            "0500 0200 30000000 00000000 00000000 20000000 03000000 0000000000000000"
                + "0000010000000000 0000010000000000",
            "0500 0200 10000000 01000000 00000000",
            new FakeFile(0x10000));
        say(
            each,
            "DEVICE_FEATURE, get MIGRATION",
            "0600 1000 18000000 00000000 00000000 10000000 01000100",
            "0600 1000 20000000 01000000 00000000 10000000 01000100 0500000000000000");
      }
      say(
          source,
          "DEVICE_SET_IRQS",
          "0700 0800 24000000 00000000 00000000 14000000 24000000 02000000 00000000 01000000",
          "0700 0800 10000000 01000000 00000000",
          FakeFile.counter());
      say(
          source,
          "DMA logging, start",
          "0800 1000 38000000 00000000 00000000 28000000 06000200 0010000000000000 01000000"
              + "00000000 0000010000000000 0000010000000000",
          "0800 1000 38000000 01000000 00000000 28000000 06000200 0010000000000000 01000000"
              + "00000000 0000010000000000 0000010000000000");
      say(
          source,
          "PRE_COPY",
          "0900 1000 20000000 00000000 00000000 10000000 02000200 06000000 ffffffff",
          "0900 1000 20000000 01000000 00000000 10000000 02000200 06000000 ffffffff");
      say(
          source,
          "MIG_DATA_READ",
          "0a00 1100 18000000 00000000 00000000 10000000 08000000",
          // Four bytes are there now; the message has room for all that was asked for.
          "0a00 1100 20000000 01000000 00000000 0c000000 04000000 11223344 00000000");
      say(
          source,
          "MIG_DATA_READ with nothing there",
          "0b00 1100 18000000 00000000 00000000 0c000000 04000000",
          "0b00 1100 1c000000 01000000 00000000 08000000 00000000 00000000");
      from.written.add(new MemoryRange(0x11000, 4096));
      say(
          source,
          "DMA logging, report",
          "0c00 1000 30000000 00000000 00000000 28000000 08000100 0000010000000000"
              + "0000010000000000 0010000000000000",
          "0c00 1000 38000000 01000000 00000000 28000000 08000100 0000010000000000"
              + "0000010000000000 0010000000000000 0200000000000000");
      say(
          source,
          "STOP_COPY",
          "0d00 1000 20000000 00000000 00000000 10000000 02000200 03000000 ffffffff",
          "0d00 1000 20000000 01000000 00000000 10000000 02000200 03000000 ffffffff");
      say(
          source,
          "MIG_DATA_READ of the rest",
          "0e00 1100 18000000 00000000 00000000 10000000 08000000",
          "0e00 1100 20000000 01000000 00000000 0c000000 04000000 55667788 00000000");
      say(
          source,
          "MIG_DATA_READ at the end",
          "0f00 1100 18000000 00000000 00000000 0c000000 04000000",
          "0f00 1100 1c000000 01000000 00000000 08000000 00000000 00000000");
      say(
          destination,
          "RESUMING",
          "0700 1000 20000000 00000000 00000000 10000000 02000200 04000000 ffffffff",
          "0700 1000 20000000 01000000 00000000 10000000 02000200 04000000 ffffffff");
      say(
          destination,
          "MIG_DATA_WRITE",
          "0800 1200 1c000000 00000000 00000000 0c000000 04000000 11223344",
          "0800 1200 10000000 01000000 00000000");
      say(
          destination,
          "MIG_DATA_WRITE of the rest",
          "0900 1200 1c000000 00000000 00000000 0c000000 04000000 55667788",
          "0900 1200 10000000 01000000 00000000");
      say(
          destination,
          "STOP",
          "0a00 1000 20000000 00000000 00000000 10000000 02000200 01000000 ffffffff",
          "0a00 1000 20000000 01000000 00000000 10000000 02000200 01000000 ffffffff");
      say(
          destination,
          "REGION_READ in STOP",
          "0b00 0900 20000000 00000000 00000000 0000000000000000 00000000 08000000",
          "0b00 0900 28000000 01000000 00000000 0000000000000000 00000000 08000000"
              + "1122334455667788");
      say(
          destination,
          "RUNNING",
          "0c00 1000 20000000 00000000 00000000 10000000 02000200 02000000 ffffffff",
          "0c00 1000 20000000 01000000 00000000 10000000 02000200 02000000 ffffffff");
      say(
          destination,
          "REGION_READ of a region that is not there",
          "0d00 0900 20000000 00000000 00000000 0000000000000000 0a000000 04000000",
          "0d00 0900 10000000 21000000 16000000");
      say(
          source,
          "back to RUNNING",
          "1000 1000 20000000 00000000 00000000 10000000 02000200 02000000 ffffffff",
          "1000 1000 20000000 01000000 00000000 10000000 02000200 02000000 ffffffff");
      say(
          source,
          "DMA logging, stop",
          "1100 1000 18000000 00000000 00000000 08000000 07000200",
          "1100 1000 18000000 01000000 00000000 08000000 07000200");
      say(
          source,
          "DMA_UNMAP",
          "1200 0300 28000000 00000000 00000000 18000000 00000000 0000010000000000"
              + "0000010000000000",
          "1200 0300 28000000 01000000 00000000 18000000 00000000 0000010000000000"
              + "0000010000000000");
      say(
          source,
          "DEVICE_RESET",
          "1300 0d00 10000000 00000000 00000000",
          "1300 0d00 10000000 01000000 00000000");
    }
    assertThat(mistakes).isEmpty();
    assertThat(Arrays.copyOf(to.bar, 8)).isEqualTo(Arrays.copyOf(from.bar, 8));
  }
}
