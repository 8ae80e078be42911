package io.vferry.vendor.mlx5.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RecordParserTest {

  /** Writes down what it is told. */
  private static final class Log implements RecordParser.Sink {
    final List<String> told = new ArrayList<>();

    @Override
    public void stopCopySize(long bytes) {
      told.add("size " + bytes);
    }

    @Override
    public void imageBegins(long bytes) {
      told.add("image " + bytes);
      told.add("");
    }

    @Override
    public void imageBytes(ByteBuffer from, int length) {
      StringBuilder text = new StringBuilder(told.remove(told.size() - 1));
      for (int i = 0; i < length; i++) {
        text.append((char) from.get());
      }
      told.add(text.toString());
    }

    @Override
    public void imageEnds() {
      told.add("end");
    }
  }

  private static final List<String> ALL =
      List.of("size 4096", "image 5", "abcde", "end", "image 3", "xyz", "end");

  private static ByteBuffer stream() {
    ByteBuffer bytes = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(12).putInt(1).putInt(1).putLong(4096).putInt(0);
    bytes
        .putLong(5)
        .putInt(0)
        .putInt(0)
        .put("abcde".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    bytes.putLong(2).putInt(1).putInt(99).putShort((short) 0);
    bytes
        .putLong(3)
        .putInt(0)
        .putInt(0)
        .put("xyz".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    return bytes.flip();
  }

  @Test
  void readsTheSameHoweverTheStreamIsCutIntoPieces() throws Exception {
    long seed = 31;
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 500; round++) {
      Log log = new Log();
      RecordParser parser = new RecordParser(log);
      ByteBuffer stream = stream();
      while (stream.hasRemaining()) {
        int length = Math.min(stream.remaining(), 1 + random.nextInt(20));
        ByteBuffer piece = stream.slice().limit(length);
        parser.take(piece);
        assertThat(piece.hasRemaining()).isFalse();
        stream.position(stream.position() + length);
      }
      parser.proveWhole();
      assertThat(log.told).as("seed %d, round %d", seed, round).isEqualTo(ALL);
    }
  }

  @Test
  void aStreamIsWholeOnlyBetweenRecordsAndAfterAnImage() throws Exception {
    int size = 28;
    int first = size + 16 + 5;
    int skipped = first + 16 + 2;
    ByteBuffer whole = stream();
    for (int length = 0; length <= whole.limit(); length++) {
      RecordParser parser = new RecordParser(new Log());
      parser.take(whole.slice().limit(length));
      boolean sound = length == first || length == skipped || length == whole.limit();
      MigrationException failure =
          catchThrowableOfType(MigrationException.class, parser::proveWhole);
      assertThat(failure == null).as("cut after %d bytes", length).isEqualTo(sound);
      if (failure != null) {
        assertThat(failure.code()).isEqualTo(DeviceError.DATA_CORRUPT);
      }
    }
  }
}
