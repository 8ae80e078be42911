package io.vferry.host.linux.user.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a peer could send to do harm. */
class HostileBytesTest {

  private static void refused(MessageLayoutTest.Decoder decoder, String text, String... bytes) {
    assertThatThrownBy(() -> decoder.decode(Hex.bytes(bytes)))
        .isInstanceOfSatisfying(
            MalformedMessageException.class, e -> assertThat(e.errno()).isEqualTo(22))
        .hasMessageContaining(text);
  }

  private static void refusedHeader(String text, String bytes) {
    assertThatThrownBy(() -> MessageHeader.decode(Hex.bytes(bytes), 1 << 20))
        .isInstanceOf(MalformedMessageException.class)
        .hasMessageContaining(text);
  }

  @Test
  void headers() {
    refusedHeader("claims to have 15 bytes", "0100 0900 0f000000 00000000 00000000");
    refusedHeader("claims to have 0 bytes", "0100 0900 00000000 00000000 00000000");
    refusedHeader("claims to have 1048577 bytes", "0100 0900 01001000 00000000 00000000");
    refusedHeader("claims to have 4294967295 bytes", "0100 0900 ffffffff 00000000 00000000");
    refusedHeader("type 2, neither", "0100 0900 10000000 02000000 00000000");
    assertThat(MessageHeader.peek(Hex.bytes("0100 0900 ffffffff 02000000 00000000")).messageId())
        .isEqualTo(1);
  }

  @Test
  void countsThatDoNotFitTheBytes() {
    refused(
        payload -> RegionAccessMessage.decodeWithData(Command.REGION_WRITE, payload, 1 << 20),
        "3 bytes of data were sent, 4 announced",
        "0000000000000000 00000000 04000000 010203");
    refused(
        payload -> RegionAccessMessage.decodeWithData(Command.REGION_WRITE, payload, 1 << 20),
        "is 4294967295, more than 1048576",
        "0000000000000000 00000000 ffffffff 010203");
    refused(
        payload ->
            DmaAccessMessage.decodeWithData(Command.DMA_READ, DmaLayout.CURRENT, payload, 1 << 20),
        "is 18446744073709551615, more than",
        "0000000000000000 ffffffffffffffff 010203");
    refused(
        RegionWriteMultiMessage::decode,
        "the number of writes is 768614336404564651",
        "abaaaaaaaaaaaa0a",
        "00".repeat(24));
    refused(RegionWriteMultiMessage::decode, "announced", "0100000000000000", "00".repeat(48));
    refused(
        RegionWriteMultiMessage::decode,
        "write 0 has no bytes",
        "0100000000000000",
        "00".repeat(24));
    refused(
        RegionWriteMultiMessage::decode,
        "the size of a write is 9",
        "0100000000000000 0000000000000000 00000000 09000000 0000000000000000");
    refused(
        LoggingStartFeature::decode,
        "the number of ranges is 4294967295",
        "0010000000000000 ffffffff 00000000",
        "00".repeat(32));
    refused(
        payload -> MigrationDataMessage.decodeWrite(payload, 1 << 20),
        "more than 1048576",
        "08000000 01001000");
    refused(
        payload -> MigrationDataMessage.decodeWrite(payload, 1 << 20),
        "argsz is 8, less than 11",
        "08000000 03000000 010203");
    refused(
        payload -> MigrationDataMessage.decodeReadReply(payload, 4),
        "is 5, more than 4",
        "0d000000 05000000 0102030405");
    refused(
        payload -> MigrationDataMessage.decodeReadReply(payload, 100),
        "is 6, more than 5",
        "0e000000 06000000 0102030405");
  }

  @Test
  void chainsOfCapabilities() {
    String fixed = "0f000000 00000000 20000000 0040000000000000 0000000000000000";
    // To itself, backwards, beyond the end, into the header.
    refused(RegionInfoMessage::decode, "at byte 32", "28000000", fixed, "0500 0100 20000000");
    refused(RegionInfoMessage::decode, "at byte 8", "28000000", fixed, "0500 0100 08000000");
    refused(RegionInfoMessage::decode, "at byte 33", "28000000", fixed, "0500 0100 21000000");
    refused(RegionInfoMessage::decode, "at byte -16", "28000000", fixed, "0500 0100 f0ffffff");
    refused(
        RegionInfoMessage::decode,
        "the number of parts that can be mapped is 268435456, more than 1",
        "40000000",
        fixed,
        "0100 0100 00000000 00000010 00000000",
        "00".repeat(16));
    refused(RegionInfoMessage::decode, "cut off", "28000000", fixed, "0100 0100 00000000");
    refused(RegionInfoMessage::decode, "cut off", "28000000", fixed, "0200 0100 00000000");
  }

  @Test
  void flagsOfInterrupts() {
    String rest = "00000000 00000000 00000000";
    refused(SetIrqsMessage::decode, "exactly one kind of data", "14000000 20000000", rest);
    refused(SetIrqsMessage::decode, "exactly one kind of data", "14000000 25000000", rest);
    refused(SetIrqsMessage::decode, "exactly one action", "14000000 01000000", rest);
    refused(SetIrqsMessage::decode, "exactly one action", "14000000 31000000", rest);
    refused(SetIrqsMessage::decode, "exactly one kind of data", "14000000 61000000", rest);
    refused(SetIrqsMessage::decode, "argsz is 21", "15000000 21000000", rest);
    refused(
        SetIrqsMessage::decode,
        "the number of vectors is 2049",
        "14000000 21000000 00000000 00000000 01080000");
    refused(
        SetIrqsMessage::decode,
        "0 bytes of data for the vectors were sent, 1 announced",
        "14000000 22000000 00000000 00000000 01000000");
  }

  @Test
  void partsOfRegions() {
    refused(
        RegionIoFdsMessage::decode,
        "the number of parts is 2, more than 1",
        "38000000 00000000 00000000 02000000",
        "00".repeat(40));
    refused(
        RegionIoFdsMessage::decode,
        "do not fit into argsz 48",
        "30000000 00000000 00000000 01000000",
        "00".repeat(40));
    refused(RegionIoFdsMessage.Question::decode, "flags", "10000000 01000000 00000000 00000000");
  }

  private static ByteBuffer version(String json) {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    return Hex.bytes("0000 0000", "00".repeat(text.length)).put(4, text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}                                         | no zero byte",
        "[]~                                        | it is no object",
        "{\"capabilities\":7}~                      | capabilities is no object",
        "{\"capabilities\":{\"max_msg_fds\":-1}}~   | max_msg_fds is -1",
        "{\"capabilities\":{\"max_msg_fds\":1.5}}~  | max_msg_fds is no whole number",
        "{\"capabilities\":{\"max_msg_fds\":\"1\"}}~ | max_msg_fds is no whole number",
        "{\"capabilities\":{\"max_data_xfer_size\":0}}~ | max_data_xfer_size is 0",
        "{\"capabilities\":{\"pgsizes\":99999999999999999999}}~ | cannot be read",
        "{\"capabilities\":{\"write_multiple\":1}}~ | neither true nor false",
        "{\"capabilities\":{\"twin_socket\":true}}~ | twin_socket is no object",
        "{\"capabilities\":{},\"capabilities\":{}}~ | cannot be read",
        "{\"capabilities\":{~                       | cannot be read",
        "{} {}~                                     | something follows",
      })
  void jsonThatIsNotAsSpecified(String json, String text) {
    assertThatThrownBy(() -> VersionMessage.decode(version(json.replace('~', '\0'))))
        .isInstanceOf(MalformedMessageException.class)
        .hasMessageContaining(text);
  }

  @Test
  void jsonThatIsDeepOrLong() {
    assertThatThrownBy(() -> VersionMessage.decode(version("{\"a\":" + "[".repeat(10_000) + "\0")))
        .isInstanceOf(MalformedMessageException.class);
    assertThatThrownBy(
            () -> VersionMessage.decode(version("{\"a\":\"" + "x".repeat(100_000) + "\"}\0")))
        .isInstanceOf(MalformedMessageException.class)
        .hasMessageContaining("more than 65536");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\0",
        "{}\0",
        "{\"capabilities\":{}}\0",
        "{\"capabilities\":{\"later\":{\"a\":[1,2]},\"other\":null},\"more\":1}\0",
        "{}\0 what follows the zero byte does not count\0"
      })
  void saysNothing(String json) throws MalformedMessageException {
    VersionMessage version = VersionMessage.decode(version(json));
    assertThat(version.capabilities()).isEqualTo(Capabilities.NONE);
    assertThat(version.capabilities().effectiveMaxMsgFds()).isEqualTo(1);
    assertThat(version.capabilities().effectiveMaxDataXferSize()).isEqualTo(1 << 20);
    assertThat(version.capabilities().effectiveTwinSocket()).isFalse();
  }
}
