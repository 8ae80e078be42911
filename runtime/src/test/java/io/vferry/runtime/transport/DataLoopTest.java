package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The writer and the reader of a data connection, stepped in one thread over a pipe in memory. */
class DataLoopTest {

  private static final int WINDOW = 4 << 20;

  private final VirtualClock clock = new VirtualClock();
  private final SessionFailure failure = new SessionFailure();
  private final AtomicLong givenBack = new AtomicLong();
  private final CreditLedger ledger = new CreditLedger(WINDOW, givenBack::addAndGet);
  private final ChunkDispatcher dispatcher =
      new ChunkDispatcher(1, WINDOW, 0, clock, failure, "pipe");

  private static PipeLink pipe(int longestStep, long seed) {
    return new PipeLink(8 << 20, longestStep, new Random(seed));
  }

  private static PipeLink pipe() {
    return pipe(Integer.MAX_VALUE, 0);
  }

  private static ByteBuffer frame(Chunk chunk, byte[] payload) {
    ByteBuffer bytes = ByteBuffer.allocate(Frame.HEADER_BYTES + payload.length);
    Frame.putChunk(chunk, bytes);
    return bytes.put(payload).flip();
  }

  private static ByteBuffer frame(long sequence, byte[] payload) {
    return frame(
        new Chunk(1, sequence, 0, payload.length, Frame.crc32c(ByteBuffer.wrap(payload))), payload);
  }

  private ChunkReader reader(Link link, ChunkListener listener) {
    return new ChunkReader(1, link, ledger, listener, clock, failure);
  }

  private static void stepAll(Loop loop) throws IOException, MigrationException {
    int work;
    do {
      work = loop.doWork();
    } while (work > 0);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatIsSentArrivesHoweverTheBytesAreCut(long seed) throws Exception {
    Random random = new Random(seed);
    PipeLink link = pipe(seed % 2 == 0 ? 100_000 : 1 + random.nextInt(200), seed);
    List<byte[]> sent = new ArrayList<>();
    List<byte[]> received = new ArrayList<>();
    List<Credit> credits = new ArrayList<>();
    AtomicInteger released = new AtomicInteger();
    ChunkWriter writer = new ChunkWriter(1, link, dispatcher.lane(0), clock, failure);
    ChunkReader reader =
        reader(
            link,
            (chunk, payload, credit) -> {
              assertThat(chunk.sequence()).isEqualTo(received.size());
              byte[] copy = new byte[payload.remaining()];
              payload.get(copy);
              received.add(copy);
              credits.add(credit);
            });
    for (int i = 0; i < 40; i++) {
      byte[] payload = new byte[1 + random.nextInt(i % 3 == 0 ? 40_000 : 300)];
      random.nextBytes(payload);
      sent.add(payload);
      Chunk chunk = dispatcher.send(1, i, 0, ByteBuffer.wrap(payload), released::incrementAndGet);
      assertThat(chunk.crc32c()).isEqualTo(Frame.crc32c(ByteBuffer.wrap(payload)));
      if (i % 4 == 0) {
        stepAll(writer);
        stepAll(reader);
      }
    }
    dispatcher.end();
    int work = 1;
    while (work > 0) {
      work = writer.doWork();
      stepAll(reader);
    }
    assertThat(work).isEqualTo(Loop.FINISHED);
    assertThat(reader.doWork()).isEqualTo(Loop.FINISHED);
    assertThat(released).as("seed %d", seed).hasValue(40);
    assertThat(received).hasSameSizeAs(sent);
    for (int i = 0; i < sent.size(); i++) {
      assertThat(received.get(i)).as("seed %d, chunk %d", seed, i).isEqualTo(sent.get(i));
    }
    assertThat(dispatcher.counters()).isEqualTo(new TransportCounters(List.of(reader.counters())));
    credits.forEach(Credit::release);
    assertThat(ledger.heldBytes()).isZero();
    assertThatThrownBy(() -> credits.get(0).release()).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aMillionTinyFramesTakeNoMoreMemoryThanTheWindow() throws Exception {
    PipeLink link = pipe();
    AtomicLong held = new AtomicLong();
    AtomicInteger count = new AtomicInteger();
    ChunkReader reader =
        reader(
            link,
            (chunk, payload, credit) -> {
              held.accumulateAndGet(ledger.heldBytes(), Math::max);
              count.incrementAndGet();
              credit.release();
            });
    ByteBuffer frame = frame(0, new byte[] {1});
    ByteBuffer thousand = ByteBuffer.allocate(frame.remaining() * 1000);
    for (int i = 0; i < 1000; i++) {
      thousand.put(frame.duplicate());
    }
    thousand.flip();
    for (int i = 0; i < 1000; i++) {
      link.feed(thousand.duplicate());
      stepAll(reader);
    }
    assertThat(count).hasValue(1_000_000);
    assertThat(held.get()).isEqualTo(4096);
  }

  @Test
  void whoSendsWithoutCreditIsFound() throws Exception {
    PipeLink link = pipe();
    AtomicInteger count = new AtomicInteger();
    ChunkReader reader = reader(link, (chunk, payload, credit) -> count.incrementAndGet());
    ByteBuffer tiny = frame(0, new byte[] {1});
    for (int i = 0; i < WINDOW / 4096; i++) {
      link.feed(tiny.duplicate());
    }
    stepAll(reader);
    assertThat(count).hasValue(WINDOW / 4096);
    link.feed(tiny.duplicate());
    assertThatThrownBy(() -> stepAll(reader))
        .isInstanceOfSatisfying(
            MigrationException.class,
            e -> assertThat(e.code()).isEqualTo(RuntimeError.TRANSPORT_VIOLATION))
        .hasMessageContaining("a chunk of 1 bytes with 0 of 4194304 bytes of credit left");
    assertThat(ledger.heldBytes()).isEqualTo(WINDOW);
  }

  @Test
  void creditComesBackInBatches() throws Exception {
    PipeLink link = pipe();
    List<Credit> credits = new ArrayList<>();
    ChunkReader reader = reader(link, (chunk, payload, credit) -> credits.add(credit));
    for (int i = 0; i < 64; i++) {
      link.feed(frame(i, new byte[16 << 10]));
    }
    stepAll(reader);
    for (Credit credit : credits.subList(0, 31)) {
      credit.release();
    }
    assertThat(givenBack).hasValue(0);
    credits.get(31).release();
    assertThat(givenBack).hasValue(512 << 10);
  }

  @Test
  void aDamagedPayloadIsFound() {
    PipeLink link = pipe();
    ByteBuffer frame = frame(9, new byte[100_000]);
    frame.put(Frame.HEADER_BYTES + 77_777, (byte) 1);
    ChunkReader reader =
        reader(link.feed(frame), (chunk, payload, credit) -> failure.set(unexpected()));
    assertThatThrownBy(() -> stepAll(reader))
        .isInstanceOfSatisfying(
            MigrationException.class,
            e -> assertThat(e.code()).isEqualTo(RuntimeError.TRANSPORT_CORRUPT))
        .hasMessageContaining("chunk 9 of stream 1 from pipe");
    assertThat(failure.isSet()).isFalse();
    reader.finished();
    assertThat(ledger.heldBytes()).isZero();
  }

  private static MigrationException unexpected() {
    return new MigrationException(RuntimeError.INTERNAL, "a damaged chunk was delivered");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 39, 40, 41, 5000})
  void aTruncatedConnectionIsFound(int bytes) {
    PipeLink link = pipe();
    link.feed(frame(0, new byte[10_000]).limit(bytes));
    link.shutdownOutput();
    ChunkReader reader = reader(link, (chunk, payload, credit) -> credit.release());
    assertThatThrownBy(() -> stepAll(reader))
        .isInstanceOf(EOFException.class)
        .hasMessage(bytes == 0 ? "it ends without having said so" : "it ends within a frame");
    reader.finished();
    assertThat(ledger.heldBytes()).isZero();
  }

  @Test
  void bytesAfterTheEndAreRefused() {
    PipeLink link = pipe();
    ByteBuffer end = ByteBuffer.allocate(Frame.HEADER_BYTES + 1);
    Frame.putEnd(end);
    link.feed(end.rewind());
    assertThatThrownBy(() -> stepAll(reader(link, (chunk, payload, credit) -> {})))
        .hasMessageContaining("sent bytes after the end");
  }

  @Test
  void aPeerThatStopsWithinAFrameIsStalledAndBetweenFramesIsNot() throws Exception {
    PipeLink link = pipe();
    ChunkReader reader = reader(link, (chunk, payload, credit) -> credit.release());
    ByteBuffer frame = frame(0, new byte[1000]);
    link.feed(frame.duplicate());
    stepAll(reader);
    clock.advance(1_000_000);
    assertThat(reader.stalledNanos()).isZero();
    link.feed(frame.duplicate().limit(500));
    stepAll(reader);
    clock.advance(2_000_000);
    stepAll(reader);
    assertThat(reader.stalledNanos()).isEqualTo(2_000_000);
    link.feed(frame.duplicate().position(500));
    stepAll(reader);
    assertThat(reader.stalledNanos()).isZero();
  }

  @Test
  void aWriterWhosePeerDoesNotReadIsStalled() throws Exception {
    PipeLink full = new PipeLink(10_000, Integer.MAX_VALUE, new Random(0));
    ChunkWriter writer = new ChunkWriter(1, full, dispatcher.lane(0), clock, failure);
    AtomicInteger released = new AtomicInteger();
    dispatcher.send(1, 0, 0, ByteBuffer.allocate(20_000), released::incrementAndGet);
    dispatcher.send(1, 1, 0, ByteBuffer.allocate(20_000), released::incrementAndGet);
    stepAll(writer);
    clock.advance(5_000_000);
    stepAll(writer);
    assertThat(writer.stalledNanos()).isEqualTo(5_000_000);
    full.drain();
    stepAll(writer);
    assertThat(writer.stalledNanos()).isZero();
    assertThat(released).hasValue(0);
    writer.finished();
    assertThat(released).hasValue(2);
  }

  @Test
  void badArgumentsSendNothingAndReleaseNothing() {
    AtomicInteger released = new AtomicInteger();
    assertThatThrownBy(
            () -> dispatcher.send(1, 0, 0, ByteBuffer.allocate(0), released::incrementAndGet))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(released).hasValue(0);
    failure.set(new MigrationException(RuntimeError.TRANSPORT_LOST, "gone"));
    assertThatThrownBy(
            () -> dispatcher.send(1, 0, 0, ByteBuffer.allocate(1), released::incrementAndGet))
        .hasMessageContaining("gone");
    assertThat(released).hasValue(1);
  }

  @Test
  void creditThatWasNeverUsedIsRefused() throws Exception {
    assertThatThrownBy(() -> dispatcher.credit(1)).hasMessageContaining("while 0 were used");
    dispatcher.send(1, 0, 0, ByteBuffer.allocate(1), () -> {});
    dispatcher.credit(4096);
    assertThatThrownBy(() -> dispatcher.credit(Long.MAX_VALUE)).hasMessageContaining("while 0");
    assertThatThrownBy(() -> dispatcher.credit(-1)).hasMessageContaining("while 0");
  }

  @Test
  void theBandwidthLimitHoldsForEachSender() throws Exception {
    ChunkDispatcher slow = new ChunkDispatcher(1, 64 << 20, 20 << 20, clock, failure, "pipe");
    List<ChunkDispatcher.Outgoing> batch = new ArrayList<>();
    for (int i = 0; i < 160; i++) {
      slow.send(1, i, 0, ByteBuffer.allocate(256 << 10), () -> {});
      batch.clear();
      slow.lane(0).take(batch, 1, 1 << 20);
      slow.lane(0).completed(1, 256 << 10);
    }
    // 40 MiB less a burst of 1 MiB at 20 MiB/s.
    assertThat(clock.nanoTime()).isBetween(1_949_000_000L, 1_951_000_000L);
  }

  @Test
  void theEndOfTheBandwidthLimitFreesWhoWaitsForIt() throws Exception {
    ChunkDispatcher slow = new ChunkDispatcher(1, 64 << 20, 1 << 20, clock, failure, "pipe");
    clock.schedule(100_000_000, slow::liftBandwidthLimit);
    List<ChunkDispatcher.Outgoing> batch = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      slow.send(1, i, 0, ByteBuffer.allocate(256 << 10), () -> {});
      batch.clear();
      slow.lane(0).take(batch, 1, 1 << 20);
      slow.lane(0).completed(1, 256 << 10);
    }
    // 5 MiB at 1 MiB/s, but for the end of the limit after 0.1 s, seen at the next slice of 50 ms.
    assertThat(clock.nanoTime()).isBetween(100_000_000L, 150_000_000L);
  }

  @Test
  void oneBlockOfMemoryAlwaysTakesTheSameConnection() throws Exception {
    ChunkDispatcher many = new ChunkDispatcher(4, 64 << 20, 0, clock, failure, "pipe");
    int[] lanes = new int[4];
    for (int block = 0; block < 400; block++) {
      int used = -1;
      for (int page = 0; page < 3; page++) {
        long address = block * (2L << 20) + page * (900L << 10);
        many.send(0, block * 3L + page, address, ByteBuffer.allocate(8), () -> {});
        for (int lane = 0; lane < 4; lane++) {
          List<ChunkDispatcher.Outgoing> batch = new ArrayList<>();
          if (many.lane(lane).take(batch, 10, 1 << 20)) {
            many.lane(lane).completed(batch.size(), 8);
            assertThat(used == -1 || used == lane).as("block %d", block).isTrue();
            used = lane;
          }
        }
      }
      lanes[used]++;
    }
    assertThat(IntStream.of(lanes).boxed()).allMatch(count -> count > 80 && count < 120);
  }
}
