package io.vferry.simulation;

import io.vferry.runtime.engine.PeerLink;
import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.MessageCodec;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.ChunkListener;
import io.vferry.runtime.transport.ChunkSender;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One control connection and several data connections between two sides, in memory: each connection
 * keeps its order, and which of them delivers next is drawn from the seed. It can be cut, and it
 * can be told to damage or to lose what it carries.
 */
final class SimulatedNetwork implements ChunkSender {

  private static final int CONNECTIONS = 3;
  private static final long WINDOW_BYTES = 1 << 20;

  private record Delivery(Chunk chunk, ByteBuffer payload) {}

  private final SplittableRandom random;
  private final List<Deque<Delivery>> data = new ArrayList<>();
  private final Deque<ByteBuffer> toDestination = new ArrayDeque<>();
  private final Deque<ByteBuffer> toSource = new ArrayDeque<>();
  private @Nullable ChunkListener listener;
  private Consumer<Message> destination = message -> {};
  private Consumer<Message> source = message -> {};
  private Consumer<Problem> lost = problem -> {};
  private Predicate<Chunk> losing = chunk -> false;
  private Runnable pump = () -> {};
  private long outstandingBytes;
  private boolean cut;
  private int delivered;
  private boolean lifted;
  private long limitedBytes;

  SimulatedNetwork(SplittableRandom random) {
    this.random = random;
    for (int i = 0; i < CONNECTIONS; i++) {
      data.add(new ArrayDeque<>());
    }
  }

  void connect(
      Consumer<Message> toSourceSide,
      Consumer<Message> toDestinationSide,
      ChunkListener chunks,
      Consumer<Problem> onLost) {
    source = toSourceSide;
    destination = toDestinationSide;
    listener = chunks;
    lost = onLost;
  }

  /** Says what else to step while a sender waits for credit. */
  void whileWaiting(Runnable step) {
    pump = step;
  }

  /** Drops chunks without a word, as a broken receiver would. */
  void lose(Predicate<Chunk> which) {
    losing = which;
  }

  PeerLink sourceLink() {
    return message -> toDestination.add(encoded(message));
  }

  PeerLink destinationLink() {
    return message -> toSource.add(encoded(message));
  }

  private ByteBuffer encoded(Message message) throws MigrationException {
    if (cut) {
      throw new MigrationException(RuntimeError.TRANSPORT_LOST, "the network was cut");
    }
    return MessageCodec.encode(message);
  }

  /** Cuts all connections: what is under way is lost, and both sides are told. */
  void cut() {
    if (!cut) {
      cut = true;
      toDestination.clear();
      toSource.clear();
      data.forEach(Deque::clear);
      lost.accept(Problem.of(RuntimeError.TRANSPORT_LOST, "the network was cut"));
    }
  }

  /** Returns how many control messages were delivered. */
  int delivered() {
    return delivered;
  }

  @Override
  public Chunk send(int stream, long sequence, long address, ByteBuffer payload, Runnable released)
      throws MigrationException, InterruptedException {
    int length = payload.remaining();
    try {
      while (outstandingBytes + length > WINDOW_BYTES && !cut) {
        if (!deliverChunk()) {
          pump.run();
        }
      }
      if (cut) {
        throw new MigrationException(RuntimeError.TRANSPORT_LOST, "the network was cut");
      }
      CRC32C crc = new CRC32C();
      crc.update(payload.duplicate());
      Chunk chunk = new Chunk(stream, sequence, address, length, (int) crc.getValue());
      ByteBuffer copy = ByteBuffer.allocateDirect(length).put(payload.duplicate()).flip();
      int connection =
          stream == Chunk.MEMORY_STREAM
              ? (int) ((address / Chunk.MEMORY_BLOCK_BYTES) % CONNECTIONS)
              : random.nextInt(CONNECTIONS);
      outstandingBytes += length;
      limitedBytes += lifted ? 0 : length;
      data.get(connection).add(new Delivery(chunk, copy));
      return chunk;
    } finally {
      released.run();
    }
  }

  @Override
  public void liftBandwidthLimit() {
    lifted = true;
  }

  /** Returns how many bytes were sent before the end of the bandwidth limit. */
  long limitedBytes() {
    return limitedBytes;
  }

  @Override
  public void flush() {}

  /** Delivers something if anything is under way. */
  boolean deliverOne() throws MigrationException {
    switch (random.nextInt(3)) {
      case 0:
        return deliver(toDestination, destination) || deliver(toSource, source) || deliverChunk();
      case 1:
        return deliver(toSource, source) || deliverChunk() || deliver(toDestination, destination);
      default:
        return deliverChunk() || deliver(toDestination, destination) || deliver(toSource, source);
    }
  }

  private boolean deliver(Deque<ByteBuffer> queue, Consumer<Message> side)
      throws MigrationException {
    ByteBuffer next = queue.poll();
    if (next == null) {
      return false;
    }
    delivered++;
    side.accept(MessageCodec.decode(next));
    return true;
  }

  private boolean deliverChunk() throws MigrationException {
    int first = random.nextInt(CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++) {
      Delivery next = data.get((first + i) % CONNECTIONS).poll();
      if (next != null) {
        int length = next.chunk().lengthBytes();
        ChunkListener known = listener;
        if (known == null || losing.test(next.chunk())) {
          outstandingBytes -= length;
        } else {
          known.chunk(next.chunk(), next.payload(), () -> outstandingBytes -= length);
        }
        return true;
      }
    }
    return false;
  }
}
