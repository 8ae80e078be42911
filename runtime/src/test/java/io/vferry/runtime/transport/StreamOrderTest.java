package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The digest and the order of streams whose chunks come in any order. */
class StreamOrderTest {

  private static final ByteBuffer NO_BYTES = ByteBuffer.allocate(0);

  private static Chunk chunk(long sequence) {
    return new Chunk(5, sequence, 0, 4096, (int) sequence * 31);
  }

  private static List<Chunk> chunks(int count) {
    return new ArrayList<>(LongStream.range(0, count).mapToObj(StreamOrderTest::chunk).toList());
  }

  private static byte[] digest(List<Chunk> chunks) throws MigrationException {
    StreamDigest digest = new StreamDigest(5);
    for (Chunk chunk : chunks) {
      digest.add(chunk);
    }
    return digest.finish();
  }

  private static void assertBroken(ThrowingCallable call, String text) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            MigrationException.class,
            e -> assertThat(e.code()).isEqualTo(RuntimeError.TRANSPORT_STREAM_BROKEN))
        .hasMessageContaining("stream 5: " + text);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void theOrderOfArrivalDoesNotMatter(long seed) throws MigrationException {
    List<Chunk> shuffled = chunks(500);
    Collections.shuffle(shuffled, new Random(seed));
    assertThat(digest(shuffled)).as("seed %d", seed).isEqualTo(digest(chunks(500)));

    List<Long> delivered = new ArrayList<>();
    ChunkReorderer order = new ChunkReorderer(5, (c, p, credit) -> delivered.add(c.sequence()));
    for (Chunk chunk : shuffled) {
      order.chunk(chunk, NO_BYTES, () -> {});
    }
    order.finish(500);
    assertThat(delivered).isEqualTo(LongStream.range(0, 500).boxed().toList());
  }

  @Test
  void eachPartOfAChunkCountsInTheDigest() throws MigrationException {
    byte[] right = digest(List.of(new Chunk(5, 0, 0, 10, 1)));
    assertThat(digest(List.of(new Chunk(5, 0, 0, 11, 1)))).isNotEqualTo(right);
    assertThat(digest(List.of(new Chunk(5, 0, 0, 10, 2)))).isNotEqualTo(right);
    assertThat(digest(List.of())).isNotEqualTo(right);
    StreamDigest low = new StreamDigest(0);
    StreamDigest high = new StreamDigest(0);
    low.add(new Chunk(0, 0, 0, 10, 1));
    high.add(new Chunk(0, 0, 4096, 10, 1));
    assertThat(low.finish()).isNotEqualTo(high.finish());
  }

  @Test
  void repeatedChunksAreRefused() throws MigrationException {
    StreamDigest digest = new StreamDigest(5);
    ChunkReorderer order = new ChunkReorderer(5, (c, p, credit) -> {});
    for (long sequence : new long[] {0, 2}) {
      digest.add(chunk(sequence));
      order.chunk(chunk(sequence), NO_BYTES, () -> {});
    }
    for (long sequence : new long[] {0, 2}) {
      assertBroken(() -> digest.add(chunk(sequence)), "chunk " + sequence + " came twice");
      assertBroken(
          () -> order.chunk(chunk(sequence), NO_BYTES, () -> {}),
          "chunk " + sequence + " came twice");
    }
  }

  @Test
  void gapsAtTheEndAreFound() throws MigrationException {
    StreamDigest digest = new StreamDigest(5);
    ChunkReorderer order = new ChunkReorderer(5, (c, p, credit) -> {});
    digest.add(chunk(1));
    order.chunk(chunk(1), NO_BYTES, () -> {});
    assertBroken(digest::finish, "chunk 0 is missing at the end");
    assertBroken(() -> order.finish(2), "2 chunks were sent, 0 arrived in order and 1 after a gap");
    order.chunk(chunk(0), NO_BYTES, () -> {});
    order.finish(2);
    assertBroken(() -> order.finish(3), "3 chunks were sent, 2 arrived in order");
  }

  @Test
  void chunksFarAheadAreRefused() throws MigrationException {
    StreamDigest digest = new StreamDigest(5);
    ChunkReorderer order = new ChunkReorderer(5, (c, p, credit) -> {});
    digest.add(chunk(StreamDigest.MAX_AHEAD));
    order.chunk(chunk(ChunkReorderer.MAX_AHEAD), NO_BYTES, () -> {});
    assertBroken(() -> digest.add(chunk(StreamDigest.MAX_AHEAD + 1L)), "chunk 1048577 came while");
    assertBroken(
        () -> order.chunk(chunk(Long.MAX_VALUE), NO_BYTES, () -> {}),
        "chunk 9223372036854775807 came while chunk 0 was due");
  }

  @Test
  void discardedChunksGiveTheirCreditBack() throws MigrationException {
    AtomicInteger released = new AtomicInteger();
    ChunkReorderer order = new ChunkReorderer(5, (c, p, credit) -> {});
    order.chunk(chunk(3), NO_BYTES, released::incrementAndGet);
    order.chunk(chunk(4), NO_BYTES, released::incrementAndGet);
    assertThat(released).hasValue(0);
    order.discard();
    order.discard();
    assertThat(released).hasValue(2);
  }
}
