package io.vferry.host.linux.user.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.user.wire.RegionCapability.Area;
import io.vferry.host.linux.user.wire.RegionCapability.FdArea;
import io.vferry.host.linux.user.wire.RegionCapability.SparseMmap;
import io.vferry.host.linux.user.wire.RegionCapability.SparseMmapFds;
import io.vferry.host.linux.user.wire.RegionIoFdsMessage.Layout;
import io.vferry.host.linux.user.wire.RegionIoFdsMessage.Part;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Action;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Data;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The bytes of each message, written by hand from the specification, little endian. */
class MessageLayoutTest {

  /** Reads one kind of payload. */
  interface Decoder {
    Payload decode(ByteBuffer payload) throws MalformedMessageException;
  }

  private static Arguments message(String name, Decoder decoder, Payload value, String... bytes) {
    return Arguments.of(name, decoder, value, Hex.bytes(bytes));
  }

  static Stream<Arguments> messages() {
    return Stream.of(
        message(
            "DMA_MAP",
            DmaMapMessage::decode,
            new DmaMapMessage(3, 0x1000, 0x1_0000_0000L, 0x20_0000),
            "20000000 03000000",
            "0010000000000000 0000000001000000 0000200000000000"),
        message(
            "DMA_UNMAP",
            DmaUnmapMessage::decode,
            new DmaUnmapMessage(24, 0, 0x1_0000_0000L, 0x20_0000),
            "18000000 00000000 0000000001000000 0000200000000000"),
        message(
            "DEVICE_GET_INFO",
            DeviceInfoMessage::decodeReply,
            new DeviceInfoMessage(3, 9, 5),
            "10000000 03000000 09000000 05000000"),
        message(
            "DEVICE_GET_REGION_INFO, question",
            RegionInfoMessage.Question::decode,
            new RegionInfoMessage.Question(32, 7),
            "20000000 00000000 07000000 00000000 0000000000000000 0000000000000000"),
        message(
            "DEVICE_GET_REGION_INFO",
            RegionInfoMessage::decode,
            RegionInfoMessage.of(3, 0, 0x4000, 0, List.of()),
            "20000000 03000000 00000000 00000000 0040000000000000 0000000000000000"),
        message(
            "DEVICE_GET_REGION_INFO with two capabilities",
            RegionInfoMessage::decode,
            RegionInfoMessage.of(
                7,
                2,
                0x4000,
                0x1000,
                List.of(
                    new SparseMmap(List.of(new Area(0, 0x1000), new Area(0x2000, 0x1000))),
                    new RegionCapability.Type(0x8000_1234, 5))),
            "60000000 0f000000 02000000 20000000 0040000000000000 0010000000000000",
            "0100 0100 50000000 02000000 00000000",
            "0000000000000000 0010000000000000 0020000000000000 0010000000000000",
            "0200 0100 00000000 34120080 05000000"),
        message(
            "DEVICE_GET_REGION_INFO with several files",
            RegionInfoMessage::decode,
            RegionInfoMessage.of(
                7,
                2,
                0x4000,
                0,
                List.of(new SparseMmapFds(List.of(new FdArea(0x1000, 0x3000, 0x1000, 1))))),
            "50000000 0f000000 02000000 20000000 0040000000000000 0000000000000000",
            "1000 0100 00000000 01000000 00000000",
            "0010000000000000 0030000000000000 0010000000000000 01000000 00000000"),
        message(
            "DEVICE_GET_REGION_IO_FDS, question",
            RegionIoFdsMessage.Question::decode,
            new RegionIoFdsMessage.Question(56, 1),
            "38000000 00000000 01000000 00000000"),
        message(
            "DEVICE_GET_REGION_IO_FDS",
            RegionIoFdsMessage::decode,
            RegionIoFdsMessage.of(
                1, Layout.SPECIFICATION, List.of(new Part(0x10, 4, 2, 0, 1, 0, 0, 0x55))),
            "38000000 00000000 01000000 01000000",
            "1000000000000000 0400000000000000 02000000 00000000 01000000 00000000",
            "5500000000000000"),
        message(
            "DEVICE_GET_REGION_IO_FDS of libvfio-user",
            RegionIoFdsMessage::decode,
            RegionIoFdsMessage.of(
                1, Layout.LIBVFIO_USER, List.of(new Part(0x10, 4, 2, 2, 1, 3, 0x40, 0x55))),
            "40000000 00000000 01000000 01000000",
            "1000000000000000 0400000000000000 02000000 02000000 01000000 03000000",
            "4000000000000000 5500000000000000"),
        message(
            "DEVICE_GET_IRQ_INFO",
            IrqInfoMessage::decode,
            new IrqInfoMessage(1, 2, 32),
            "10000000 01000000 02000000 20000000"),
        message(
            "DEVICE_SET_IRQS with event counters",
            SetIrqsMessage::decode,
            SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 1, 3),
            "14000000 24000000 02000000 01000000 03000000"),
        message(
            "DEVICE_SET_IRQS that chooses vectors",
            SetIrqsMessage::decode,
            new SetIrqsMessage(Data.BOOL, Action.UNMASK, 0, 0, 2, Hex.bytes("0100")),
            "16000000 12000000 00000000 00000000 02000000 01 00"),
        message(
            "REGION_READ",
            payload -> RegionAccessMessage.decodeWithoutData(Command.REGION_READ, payload, 1 << 20),
            RegionAccessMessage.withoutData(0x104, 7, 4),
            "0401000000000000 07000000 04000000"),
        message(
            "REGION_WRITE",
            payload -> RegionAccessMessage.decodeWithData(Command.REGION_WRITE, payload, 1 << 20),
            RegionAccessMessage.withData(0x104, 0, Hex.bytes("deadbeef")),
            "0401000000000000 00000000 04000000 deadbeef"),
        message(
            "DMA_READ",
            payload ->
                DmaAccessMessage.decodeWithoutData(
                    Command.DMA_READ, DmaLayout.CURRENT, payload, 1 << 20),
            DmaAccessMessage.withoutData(DmaLayout.CURRENT, 0x1000, 0x200),
            "0010000000000000 0002000000000000"),
        message(
            "DMA_WRITE",
            payload ->
                DmaAccessMessage.decodeWithData(
                    Command.DMA_WRITE, DmaLayout.CURRENT, payload, 1 << 20),
            DmaAccessMessage.withData(DmaLayout.CURRENT, 0x1000, Hex.bytes("aabb")),
            "0010000000000000 0200000000000000 aabb"),
        message(
            "DMA_READ of QEMU 10.2",
            payload ->
                DmaAccessMessage.decodeWithoutData(
                    Command.DMA_READ, DmaLayout.QEMU_10_2, payload, 1 << 20),
            DmaAccessMessage.withoutData(DmaLayout.QEMU_10_2, 0x1000, 0x200),
            "0010000000000000 00020000 00000000"),
        message(
            "DMA_WRITE of QEMU 10.2",
            payload ->
                DmaAccessMessage.decodeWithData(
                    Command.DMA_WRITE, DmaLayout.QEMU_10_2, payload, 1 << 20),
            DmaAccessMessage.withData(DmaLayout.QEMU_10_2, 0x1000, Hex.bytes("aabb")),
            "0010000000000000 02000000 aabb 00000000"),
        message(
            "REGION_WRITE_MULTI",
            RegionWriteMultiMessage::decode,
            new RegionWriteMultiMessage(
                List.of(
                    new RegionWriteMultiMessage.Write(8, 0, 4, 0x0403_0201L),
                    new RegionWriteMultiMessage.Write(0x10, 2, 1, 0xff))),
            "0200000000000000",
            "0800000000000000 00000000 04000000 0102030400000000",
            "1000000000000000 02000000 01000000 ff00000000000000"),
        message(
            "REGION_WRITE_MULTI, reply",
            payload -> RegionWriteMultiMessage.Done.decode(payload, 2),
            new RegionWriteMultiMessage.Done(2),
            "0200000000000000"),
        message(
            "DEVICE_FEATURE that sets the state to STOP_COPY",
            FeatureMessage::decode,
            FeatureMessage.of(FeatureMessage.SET | 2, new DeviceStateFeature(3, -1)),
            "10000000 02000200 03000000 ffffffff"),
        message(
            "migration flags",
            MigrationFlagsFeature::decode,
            new MigrationFlagsFeature(5),
            "0500000000000000"),
        message(
            "start of logging",
            LoggingStartFeature::decode,
            new LoggingStartFeature(
                4096, List.of(new LoggingStartFeature.Range(0x1_0000_0000L, 0x20_0000))),
            "0010000000000000 01000000 00000000 0000000001000000 0000200000000000"),
        message(
            "report of the log",
            LoggingReportFeature::decode,
            new LoggingReportFeature(0x1_0000_0000L, 0x2000, 4096, Hex.bytes("0300000000000000")),
            "0000000001000000 0020000000000000 0010000000000000 0300000000000000"),
        message(
            "MIG_DATA_READ",
            payload -> MigrationDataMessage.decodeRead(payload, 1 << 20),
            MigrationDataMessage.read(0x1000),
            "08100000 00100000"),
        message(
            "MIG_DATA_WRITE",
            payload -> MigrationDataMessage.decodeWrite(payload, 1 << 20),
            MigrationDataMessage.withData(Hex.bytes("010203")),
            "0b000000 03000000 010203"),
        message(
            "GET_PRECOPY_INFO",
            PrecopyInfoMessage::decode,
            new PrecopyInfoMessage(1, 0x1_0000_0000L, 0x2000),
            "18000000 01000000 0000000001000000 0020000000000000"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("messages")
  void isAsWrittenByHand(String name, Decoder decoder, Payload value, ByteBuffer bytes)
      throws MalformedMessageException {
    assertThat(Hex.of(value)).isEqualTo(bytes);
    assertThat(decoder.decode(bytes)).isEqualTo(value);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("messages")
  void eachPrefixIsRefused(String name, Decoder decoder, Payload value, ByteBuffer bytes) {
    for (int length = 0; length < bytes.capacity(); length++) {
      ByteBuffer cut = bytes.duplicate().limit(length);
      try {
        Payload decoded = decoder.decode(cut);
        // Data of any length are legal where the length stands elsewhere.
        assertThat(Hex.of(decoded)).as("first %d bytes", length).isNotEqualTo(bytes);
      } catch (MalformedMessageException e) {
        assertThat(e.errno()).isEqualTo(22);
      }
    }
  }

  @Test
  void headerOfCommandAndReply() throws MalformedMessageException {
    MessageHeader command = MessageHeader.command(0x1234, Command.REGION_READ, 16);
    ByteBuffer out = Hex.bytes("00".repeat(16));
    command.put(out);
    assertThat(out.flip()).isEqualTo(Hex.bytes("3412 0900 20000000 00000000 00000000"));
    assertThat(MessageHeader.decode(out, 100)).isEqualTo(command);
    assertThat(command.isReply()).isFalse();

    out = Hex.bytes("00".repeat(16));
    command.reply(20).put(out);
    assertThat(out.flip()).isEqualTo(Hex.bytes("3412 0900 24000000 01000000 00000000"));

    out = Hex.bytes("00".repeat(16));
    command.refusal(22).put(out);
    assertThat(out.flip()).isEqualTo(Hex.bytes("3412 0900 10000000 21000000 16000000"));
    MessageHeader refusal = MessageHeader.decode(out, 100);
    assertThat(refusal.isReply()).isTrue();
    assertThat(refusal.error()).isTrue();
    assertThat(refusal.effectiveErrno()).isEqualTo(22);

    out = Hex.bytes("00".repeat(16));
    MessageHeader.commandWithoutReply(1, Command.REGION_WRITE, 20).put(out);
    assertThat(out.flip()).isEqualTo(Hex.bytes("0100 0a00 24000000 10000000 00000000"));
    assertThat(MessageHeader.decode(out, 100).noReply()).isTrue();
  }

  @Test
  void errorsThatAreNoneCountAsInvalidArgument() {
    for (int errno : new int[] {0, -1, 4097, Integer.MIN_VALUE}) {
      assertThat(new MessageHeader(1, 9, 16, 0x21, errno).effectiveErrno()).isEqualTo(22);
    }
    assertThat(new MessageHeader(1, 9, 16, 0x21, 4096).effectiveErrno()).isEqualTo(4096);
  }

  @Test
  void versionWithAllThatCanBeSaid() throws MalformedMessageException {
    String json =
        "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,"
            + "\"max_dma_maps\":100,\"pgsizes\":4096,"
            + "\"twin_socket\":{\"supported\":true,\"fd_index\":0},\"write_multiple\":true,"
            + "\"reassembly\":true,\"migration\":{\"pgsize\":4096,\"max_bitmap_size\":268435456}}}\0";
    ByteBuffer bytes =
        Hex.bytes("0000 0100", "00".repeat(json.length()))
            .put(4, json.getBytes(StandardCharsets.UTF_8));
    VersionMessage all =
        new VersionMessage(
            0,
            1,
            new Capabilities(
                OptionalInt.of(8),
                OptionalLong.of(1 << 20),
                OptionalLong.of(100),
                OptionalLong.of(4096),
                Optional.of(new Capabilities.TwinSocket(true, OptionalInt.of(0))),
                Optional.of(true),
                Optional.of(
                    new Capabilities.MigrationLimits(
                        OptionalLong.of(4096), OptionalLong.of(256 << 20))),
                Optional.of(true)));
    assertThat(VersionMessage.decode(bytes)).isEqualTo(all);
    assertThat(Hex.of(all)).isEqualTo(bytes);
  }

  @Test
  void whatTheRepliesOfPeersLookLike() throws MalformedMessageException {
    // Padded: three bytes of stream in a reply with room for eight.
    assertThat(
            MigrationDataMessage.decodeReadReply(Hex.bytes("0b000000 03000000 aabbcc0000000000"), 8)
                .data())
        .isEqualTo(Hex.bytes("aabbcc"));
    assertThat(MigrationDataMessage.decodeWriteReply(Hex.bytes(), 3)).isEmpty();
    assertThat(MigrationDataMessage.decodeWriteReply(Hex.bytes("08000000 03000000"), 3))
        .hasValue(3);
    // A description that did not fit: the size to ask for, no flag of capabilities.
    RegionInfoMessage cut =
        RegionInfoMessage.decode(
            Hex.bytes("50000000 07000000 02000000 00000000 0040000000000000 0000000000000000"));
    assertThat(cut.truncated()).isTrue();
    assertThat(cut.argsz()).isEqualTo(0x50);
    // The kernel's way: the flag is set, the offset is 0.
    assertThat(
            RegionInfoMessage.decode(
                    Hex.bytes(
                        "50000000 0f000000 02000000 00000000 0040000000000000 0000000000000000"))
                .truncated())
        .isTrue();
    RegionInfoMessage whole =
        RegionInfoMessage.of(
            7, 2, 0x4000, 0, List.of(new SparseMmap(List.of(new Area(0, 0x1000)))));
    assertThat(whole.truncated()).isFalse();
    assertThat(whole.upTo(whole.argsz())).isSameAs(whole);
    assertThat(whole.upTo(whole.argsz() - 1).truncated()).isTrue();
    assertThat(Hex.of(whole.upTo(32)).remaining()).isEqualTo(32);
  }

  @Test
  void aReportIsTakenOnlyForTheQuestion() throws MalformedMessageException {
    LoggingReportFeature question = LoggingReportFeature.question(0x1000, 65 * 4096, 4096);
    assertThat(question.bitmapBytes()).isEqualTo(16);
    String fields = "0010000000000000 0010040000000000 0010000000000000";
    assertThat(question.decodeReply(Hex.bytes(fields, "01".repeat(24))).bitmap())
        .isEqualTo(Hex.bytes("01".repeat(16)));
    for (String bad :
        List.of(
            fields + "00".repeat(15),
            "0020000000000000 0010040000000000 0010000000000000" + "00".repeat(16),
            "0010000000000000 0020040000000000 0010000000000000" + "00".repeat(16),
            "0010000000000000 0010040000000000 0020000000000000" + "00".repeat(16))) {
      assertThat(catching(() -> question.decodeReply(Hex.bytes(bad)))).isNotNull();
    }
    assertThat(LoggingReportFeature.question(0, 0, 4096).bitmapBytes()).isEqualTo(Long.MAX_VALUE);
    assertThat(LoggingReportFeature.question(0, 1, 0).bitmapBytes()).isEqualTo(Long.MAX_VALUE);
    assertThat(LoggingReportFeature.question(0, 1, 3).bitmapBytes()).isEqualTo(Long.MAX_VALUE);
    assertThat(LoggingReportFeature.question(0, -1, 4096).bitmapBytes()).isEqualTo(1L << 49);
  }

  private interface Attempt {
    void run() throws MalformedMessageException;
  }

  private static MalformedMessageException catching(Attempt attempt) {
    try {
      attempt.run();
      return null;
    } catch (MalformedMessageException e) {
      return e;
    }
  }
}
