package io.vferry.host.linux.user.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Sizes that are right to the byte. */
class SizesTest {

  /** Whole words of 64 pages, as in struct vfio_device_feature_dma_logging_report of Linux 6.12. */
  @ParameterizedTest
  @CsvSource({"1, 8", "4096, 8", "4097, 8", "262144, 8", "262145, 16", "524288, 16", "524289, 24"})
  void aBitmapHasAWordForEach64Pages(long length, long bytes) {
    assertThat(LoggingReportFeature.question(0x1000, length, 4096).bitmapBytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @EnumSource(DmaLayout.class)
  void anAccessWithoutDataHasNothingBehindItsFields(DmaLayout layout) throws Exception {
    int size = layout.fieldsBytes() + layout.paddingBytes();
    ByteBuffer fields = ByteBuffer.allocate(size + 1).order(ByteOrder.nativeOrder());
    fields.putInt(Long.BYTES, 5);
    ByteBuffer exact = fields.duplicate().order(ByteOrder.nativeOrder()).limit(size);
    assertThat(DmaAccessMessage.decodeWithoutData(Command.DMA_WRITE, layout, exact, 16).count())
        .isEqualTo(5);
    for (int wrong : new int[] {-1, 1}) {
      ByteBuffer other = fields.duplicate().limit(size + wrong);
      assertThat(
              catchThrowableOfType(
                  MalformedMessageException.class,
                  () -> DmaAccessMessage.decodeWithoutData(Command.DMA_WRITE, layout, other, 16)))
          .as("%d bytes", other.remaining())
          .isNotNull();
    }
  }

  @Test
  void aReplyToAWriteOfAnotherSizeIsNotTaken() {
    ByteBuffer tooLong = ByteBuffer.allocate(17).order(ByteOrder.nativeOrder());
    assertThat(
            catchThrowableOfType(
                MalformedMessageException.class,
                () ->
                    DmaAccessMessage.decodeWithData(
                        Command.DMA_READ, DmaLayout.CURRENT, tooLong, 16)))
        .hasMessageContaining("1 bytes of data were sent, 0 announced");
  }

  @Test
  void argszIsAtLeastTheStructure() throws Exception {
    ByteBuffer mapping = ByteBuffer.allocate(32).order(ByteOrder.nativeOrder());
    assertThat(DmaMapMessage.decode(mapping.putInt(0, 32)).size()).isZero();
    ByteBuffer unmapping = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
    assertThat(DmaUnmapMessage.decode(unmapping.putInt(0, 24)).argsz()).isEqualTo(24);
    mapping.putInt(0, 31);
    unmapping.putInt(0, 23);
    assertThat(
            catchThrowableOfType(
                MalformedMessageException.class, () -> DmaMapMessage.decode(mapping)))
        .hasMessageContaining("argsz is 31, less than 32");
    assertThat(
            catchThrowableOfType(
                MalformedMessageException.class, () -> DmaUnmapMessage.decode(unmapping)))
        .hasMessageContaining("argsz is 23, less than 24");
    assertArgsz(DeviceInfoMessage::decodeReply, 16);
    assertArgsz(IrqInfoMessage::decode, 16);
    assertArgsz(PrecopyInfoMessage::decode, 24);
  }

  private static void assertArgsz(MessageLayoutTest.Decoder decoder, int least) throws Exception {
    ByteBuffer payload = ByteBuffer.allocate(least).order(ByteOrder.nativeOrder());
    decoder.decode(payload.putInt(0, least));
    payload.putInt(0, least - 1);
    assertThat(catchThrowableOfType(MalformedMessageException.class, () -> decoder.decode(payload)))
        .hasMessageContaining("argsz is %d, less than %d", least - 1, least);
  }
}
