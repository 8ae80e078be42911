package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.StreamInspector.Field;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class Mlx5StreamInspectorTest {

  /** How the kernel's driver begins a stream: the size of its buffer, then a first image. */
  private static final String KERNEL_START =
      "0800000000000000"
          + "01000000"
          + "01000000"
          + "0010800000000000"
          + "3412000000000000"
          + "00000000"
          + "00000000";

  private static ByteBuffer hex(String text, int more) {
    byte[] head = HexFormat.of().parseHex(text);
    return ByteBuffer.allocate(head.length + more).put(0, head);
  }

  private static ByteBuffer record(long size, int flags, int tag, int present) {
    ByteBuffer bytes = ByteBuffer.allocate(16 + present).order(ByteOrder.LITTLE_ENDIAN);
    return bytes.putLong(0, size).putInt(8, flags).putInt(12, tag);
  }

  private static MigrationException refusal(ByteBuffer stream) {
    return catchThrowableOfType(
        MigrationException.class, () -> new Mlx5StreamInspector().inspect(stream));
  }

  @Test
  void readsAStreamOfTheKernelsDriver() throws Exception {
    List<Field> fields = new Mlx5StreamInspector().inspect(hex(KERNEL_START, 0x1234));

    assertThat(fields)
        .containsExactly(
            new Field(0, 16, "record header", "STOP_COPY_SIZE, optional, 8 bytes"),
            new Field(16, 8, "stop-copy size", "8392704 bytes reserved by the source"),
            new Field(24, 16, "record header", "FW_DATA, mandatory, 4660 bytes"),
            new Field(40, 0x1234, "firmware image", "number 0, opaque"));
  }

  @Test
  void refusesAStreamCutAnywhereButBetweenRecords() throws Exception {
    ByteBuffer whole = hex(KERNEL_START, 0x1234);
    for (int length = 0; length < whole.capacity(); length++) {
      assertThat(refusal(whole.slice(0, length)).code())
          .as("cut after %d bytes", length)
          .isEqualTo(DeviceError.DATA_CORRUPT);
    }
  }

  @Test
  void refusesWhatTheKernelTakesAndShouldNot() {
    assertThat(refusal(record(0, 0, 0, 0)).detail()).contains("is an image of 0 bytes");
    assertThat(refusal(record(7, 1, 1, 7)).detail()).contains("STOP_COPY_SIZE of 7 bytes", "short");
  }

  @Test
  void skipsUnknownOptionalRecordsAndRefusesMandatoryOnes() throws Exception {
    ByteBuffer stream = ByteBuffer.allocate(16 + 5 + 16 + 3);
    stream.put(record(5, 1, 77, 5)).put(record(3, 0, 0, 3)).flip();

    assertThat(new Mlx5StreamInspector().inspect(stream))
        .extracting(Field::name)
        .containsExactly("record header", "unknown", "record header", "firmware image");
    assertThat(refusal(record(5, 0, 77, 5)).code()).isEqualTo(DeviceError.DATA_INCOMPATIBLE);
  }

  @Test
  void refusesLengthsThatNoCommandCanCarry() {
    for (long size : new long[] {1L << 32, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
      assertThat(refusal(record(size, 0, 0, 0)).code()).isEqualTo(DeviceError.DATA_TOO_LONG);
      assertThat(refusal(record(size, 1, 9, 0)).code()).isEqualTo(DeviceError.DATA_TOO_LONG);
    }
  }

  @Test
  void neverFailsInAnotherWayOnRandomBytes() {
    long seed = 20261122;
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 20_000; round++) {
      ByteBuffer bytes = ByteBuffer.allocate(random.nextInt(64)).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < bytes.capacity(); i++) {
        bytes.put(i, (byte) (random.nextInt(3) == 0 ? random.nextInt() : 0));
      }
      try {
        long end = 0;
        for (Field field : new Mlx5StreamInspector().inspect(bytes)) {
          assertThat(field.offset()).as("seed %d, round %d", seed, round).isEqualTo(end);
          end += field.lengthBytes();
        }
        assertThat(end).as("seed %d, round %d", seed, round).isEqualTo(bytes.capacity());
      } catch (MigrationException expected) {
        assertThat(expected.code()).isInstanceOf(DeviceError.class);
      }
    }
  }
}
