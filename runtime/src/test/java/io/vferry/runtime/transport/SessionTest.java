package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.transport.ControlFrame.Kind;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole sessions over loopback sockets. */
@Timeout(120)
class SessionTest {

  private static final TransportSettings SETTINGS =
      TransportSettings.defaults().withConnections(3).withReceiveWindowBytes(4 << 20);

  private static final TransportSettings ONE_CONNECTION = SETTINGS.withConnections(1);

  /** For peers that hang. */
  private static final TransportSettings IMPATIENT =
      ONE_CONNECTION.withDeadlines(5_000, 50, 600, 500);

  private static final Security PLAIN = new Security.Plain();

  @TempDir static Path directory;
  private static Security.Tls sourceTls;
  private static Security.Tls destinationTls;

  @RegisterExtension final Ends ends = new Ends();

  @BeforeAll
  static void makeCredentials() throws Exception {
    TestCredentials source = TestCredentials.make(directory, "source.example", "EC");
    TestCredentials destination = TestCredentials.make(directory, "destination.example", "RSA");
    sourceTls =
        source.writeTo(directory.resolve("s"), destination, Optional.of("destination.example"));
    destinationTls =
        destination.writeTo(directory.resolve("d"), source, Optional.of("source.example"));
  }

  private record Pair(SourceSession source, DestinationSession destination) {}

  private Pair pair(TransportSettings settings, boolean tls) throws Exception {
    TransportListener listener = ends.listen(settings, tls ? destinationTls : PLAIN);
    SourceSession source = ends.connect(settings, tls ? sourceTls : PLAIN, listener);
    return new Pair(source, ends.closing(listener.accept(20_000)));
  }

  private static void assertFails(ThrowingCallable call, ErrorCode code, String text) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(MigrationException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageContaining(text);
  }

  /** What a destination does with its streams: puts them in order, checks and keeps them. */
  private static final class Store implements ChunkListener {
    private final Map<Integer, StreamDigest> digests = new ConcurrentHashMap<>();
    private final Map<Integer, ChunkReorderer> orders = new ConcurrentHashMap<>();
    private final Map<Long, Integer> memory = new ConcurrentHashMap<>();
    private final Map<Integer, Long> deviceBytes = new ConcurrentHashMap<>();
    private final LinkedBlockingQueue<Credit> late = new LinkedBlockingQueue<>();

    @Override
    public void chunk(Chunk chunk, ByteBuffer payload, Credit credit) throws MigrationException {
      digests.computeIfAbsent(chunk.stream(), StreamDigest::new).add(chunk);
      if (chunk.stream() == 0) {
        memory.put(chunk.address(), payload.getInt(0));
        late.add(credit);
      } else {
        orders
            .computeIfAbsent(
                chunk.stream(),
                stream ->
                    new ChunkReorderer(
                        stream,
                        (c, p, due) -> {
                          deviceBytes.merge(stream, (long) p.remaining(), Long::sum);
                          late.add(due);
                        }))
            .chunk(chunk, payload, credit);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void manyStreamsArriveWholeAndInOrderThroughASmallWindow(boolean tls) throws Exception {
    Pair pair = pair(SETTINGS, tls);
    Store store = new Store();
    pair.destination.start(store);
    CountDownLatch sent = new CountDownLatch(4);
    Thread consumer =
        ends.thread(
            () -> {
              try {
                while (true) {
                  Credit credit = store.late.poll(5, TimeUnit.MILLISECONDS);
                  if (credit != null) {
                    credit.release();
                  } else if (sent.getCount() == 0) {
                    return;
                  }
                }
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    consumer.start();
    AtomicInteger released = new AtomicInteger();
    AtomicInteger chunks = new AtomicInteger();
    Map<Integer, StreamDigest> digests = new ConcurrentHashMap<>();
    Map<Integer, Long> bytes = new ConcurrentHashMap<>();
    List<FutureTask<Void>> senders = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int stream = i;
      FutureTask<Void> sender =
          new FutureTask<>(
              () -> {
                Random random = new Random(stream);
                ByteBuffer payload = ByteBuffer.allocateDirect(Chunk.MAX_LENGTH_BYTES);
                StreamDigest digest = new StreamDigest(stream);
                digests.put(stream, digest);
                for (int n = 0; n < 120; n++) {
                  // The payload is not changed until it was written, so each one is of its own.
                  int length = 1 + random.nextInt(n % 10 == 0 ? 1 << 20 : 60_000);
                  ByteBuffer own = payload.duplicate().limit(length);
                  long address = stream == 0 ? (n % 5) * (2L << 20) : 0;
                  if (stream == 0) {
                    own = ByteBuffer.allocate(length + 4).putInt(0, n);
                  }
                  digest.add(
                      pair.source
                          .chunks()
                          .send(stream, n, address, own, released::incrementAndGet));
                  bytes.merge(stream, (long) own.remaining(), Long::sum);
                  chunks.incrementAndGet();
                }
                pair.source.chunks().flush();
                return null;
              });
      senders.add(sender);
      ends.thread(sender).start();
    }
    for (FutureTask<Void> sender : senders) {
      sender.get(60, TimeUnit.SECONDS);
    }
    assertThat(released).hasValue(480);
    ends.thread(pair.source::close).start();
    assertThat(pair.destination.control().receive()).isEmpty();
    while (sent.getCount() > 0) {
      sent.countDown();
    }
    consumer.join();
    for (int stream = 0; stream < 4; stream++) {
      assertThat(store.digests.get(stream).finish()).isEqualTo(digests.get(stream).finish());
    }
    for (int stream = 1; stream < 4; stream++) {
      store.orders.get(stream).finish(120);
      assertThat(store.deviceBytes.get(stream)).isEqualTo(bytes.get(stream));
    }
    // The newest version of each block of memory is the one that stays.
    assertThat(store.memory)
        .isEqualTo(Map.of(0L, 115, 2L << 20, 116, 4L << 20, 117, 6L << 20, 118, 8L << 20, 119));
    assertThat(pair.destination.counters()).isEqualTo(pair.source.counters());
    assertThat(pair.destination.counters().connections())
        .hasSize(3)
        .allSatisfy(connection -> assertThat(connection.chunks()).isPositive());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void messagesGoBothWaysAndAGoodbyeEndsTheSessionOnBothSides(boolean tls) throws Exception {
    Pair pair = pair(SETTINGS, tls);
    byte[] big = new byte[ControlChannel.MAX_MESSAGE_BYTES];
    new Random(7).nextBytes(big);
    pair.source.control().send(big);
    pair.destination.control().send(new byte[] {1});
    assertThat(pair.destination.control().receive()).hasValue(big);
    assertThat(pair.source.control().receive()).hasValue(new byte[] {1});
    pair.destination.start((chunk, payload, credit) -> credit.release());
    pair.destination.control().send("bye".getBytes(StandardCharsets.UTF_8));
    pair.destination.close();
    assertThat(pair.source.control().receive()).isPresent();
    assertThat(pair.source.control().receive()).isEmpty();
    assertFails(
        () -> pair.source.chunks().send(1, 0, 0, ByteBuffer.allocate(1), () -> {}),
        RuntimeError.TRANSPORT_CLOSED,
        "is closed");
    assertFails(
        () -> pair.destination.control().receive(),
        RuntimeError.TRANSPORT_CLOSED,
        "was closed here");
  }

  @Test
  void whoWaitsIsWokenWhenTheSessionIsClosedHere() throws Exception {
    Pair pair = pair(SETTINGS, false);
    // Nobody reads, so the sender waits for credit.
    FutureTask<Void> sender =
        new FutureTask<>(
            () -> {
              for (int n = 0; ; n++) {
                pair.source.chunks().send(1, n, 0, ByteBuffer.allocate(1 << 20), () -> {});
              }
            });
    Thread sending = ends.thread(sender);
    sending.start();
    FutureTask<Optional<byte[]>> receiver =
        new FutureTask<>(() -> pair.destination.control().receive());
    Thread receiving = ends.thread(receiver);
    receiving.start();
    while (sending.getState() != Thread.State.WAITING
        || receiving.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    pair.destination.start((chunk, payload, credit) -> {});
    pair.source.close();
    assertThatThrownBy(() -> sender.get(30, TimeUnit.SECONDS)).hasMessageContaining("closed");
    assertThat(receiver.get(30, TimeUnit.SECONDS)).isEmpty();
  }

  @Test
  void aChunkThatIsRefusedEndsTheSessionWithTheReasonOnBothSides() throws Exception {
    Pair pair = pair(SETTINGS, false);
    pair.destination.start(
        (chunk, payload, credit) -> {
          throw new MigrationException(DeviceError.DATA_CORRUPT, "device nic0 spat it out");
        });
    AtomicInteger released = new AtomicInteger();
    pair.source.chunks().send(1, 0, 0, ByteBuffer.allocate(1), released::incrementAndGet);
    assertFails(
        () -> pair.source.control().receive(),
        RuntimeError.PEER_ABORTED,
        "VF-1004: device nic0 spat it out");
    assertFails(
        () -> pair.destination.control().receive(), DeviceError.DATA_CORRUPT, "nic0 spat it out");
    assertThat(released).hasValue(1);
  }

  @Test
  void anExceptionOfAListenerIsReportedAndKillsNobody() throws Exception {
    Pair pair = pair(SETTINGS, false);
    pair.destination.start(
        (chunk, payload, credit) -> {
          throw new IllegalStateException("bug");
        });
    pair.source.chunks().send(1, 0, 0, ByteBuffer.allocate(1), () -> {});
    assertFails(() -> pair.destination.control().receive(), RuntimeError.INTERNAL, "bug");
    assertFails(() -> pair.source.control().receive(), RuntimeError.PEER_ABORTED, "bug");
  }

  @Test
  void damagedBytesAreFoundAndToldToTheSender() throws Exception {
    TransportListener listener = ends.listen(ONE_CONNECTION, PLAIN);
    Ends.RawSource raw = ends.rawSource(listener);
    DestinationSession destination = ends.closing(listener.accept(20_000));
    destination.start((chunk, payload, credit) -> {});
    ByteBuffer frame = ByteBuffer.allocate(Frame.HEADER_BYTES + 10);
    Frame.putChunk(new Chunk(1, 0, 0, 10, 12345), frame);
    Ends.write(raw.data, frame.rewind());
    assertFails(
        () -> destination.control().receive(),
        RuntimeError.TRANSPORT_CORRUPT,
        "chunk 0 of stream 1 from 127.0.0.1");
    ByteBuffer told = ByteBuffer.allocate(ControlFrame.HEADER_BYTES);
    Ends.readFully(raw.control, told);
    while (ControlFrame.read(told.flip(), "destination").kind() == Kind.HEARTBEAT) {
      Ends.readFully(raw.control, told.clear());
    }
    assertThat(ControlFrame.read(told, "destination").kind()).isEqualTo(Kind.ABORT);
    Ends.readToEnd(raw.control);
    Ends.readToEnd(raw.data);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 20, 45})
  void aConnectionThatBreaksIsNamed(int bytesBefore) throws Exception {
    TransportListener listener = ends.listen(ONE_CONNECTION, PLAIN);
    Ends.RawSource raw = ends.rawSource(listener);
    DestinationSession destination = ends.closing(listener.accept(20_000));
    destination.start((chunk, payload, credit) -> {});
    ByteBuffer frame = ByteBuffer.allocate(Frame.HEADER_BYTES + 10);
    Frame.putChunk(new Chunk(1, 0, 0, 10, 12345), frame);
    Ends.write(raw.data, frame.rewind().limit(bytesBefore));
    raw.data.close();
    assertFails(
        () -> destination.control().receive(),
        RuntimeError.TRANSPORT_LOST,
        "(data-1-reader) broke: it ends "
            + (bytesBefore == 0 ? "without having said so" : "within a frame"));
  }

  @Test
  void aPeerThatFallsSilentIsTakenForDead() throws Exception {
    TransportListener listener = ends.listen(IMPATIENT, PLAIN);
    Ends.RawSource raw = ends.rawSource(listener);
    DestinationSession destination = ends.closing(listener.accept(20_000));
    destination.start((chunk, payload, credit) -> {});
    assertFails(
        () -> destination.control().receive(),
        RuntimeError.TRANSPORT_STALLED,
        "nothing was heard from 127.0.0.1");
    assertThat(Ends.readToEnd(raw.data)).isZero();
  }

  @Test
  void aPeerThatStopsReadingIsTakenForDead() throws Exception {
    TransportListener listener = ends.listen(IMPATIENT, PLAIN);
    Ends.RawSource raw = ends.rawSource(listener);
    DestinationSession destination = ends.closing(listener.accept(20_000));
    Thread beating =
        ends.thread(
            () -> {
              try {
                while (true) {
                  Ends.write(raw.control, ControlFrame.encode(Kind.HEARTBEAT, new byte[0]));
                }
              } catch (IOException e) {
                // The destination gave up, which is what this test waits for.
              }
            });
    beating.start();
    assertFails(
        () -> {
          while (true) {
            destination.control().send(new byte[ControlChannel.MAX_MESSAGE_BYTES]);
          }
        },
        RuntimeError.TRANSPORT_STALLED,
        "does not read from the control connection");
  }

  @Test
  void creditFromASourceIsRefused() throws Exception {
    TransportListener listener = ends.listen(ONE_CONNECTION, PLAIN);
    Ends.RawSource raw = ends.rawSource(listener);
    DestinationSession destination = ends.closing(listener.accept(20_000));
    Ends.write(raw.control, ControlFrame.encode(Kind.CREDIT, new byte[8]));
    assertFails(
        () -> destination.control().receive(),
        RuntimeError.TRANSPORT_VIOLATION,
        "gave back credit, but it is the sender");
  }
}
