package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Decides when a chunk may go and on which connection.
 *
 * <p>The receiver's memory is one window for the whole session and not one for each connection: its
 * bound is then exactly what was configured, whatever the number of connections, and no part of it
 * lies idle beside a slow one. A chunk is queued only together with its credit, so whatever is
 * queued can be written without waiting for any other chunk to be consumed; that is why the
 * receiver may hold chunks back to restore an order and nobody ever waits in a circle. Credit comes
 * back over the control connection: both sides read that one anyway, so data connections carry
 * bytes one way only and need one thread at each end.
 */
final class ChunkDispatcher implements ChunkSender {

  /** The most bytes that wait for one connection; enough to keep its writer busy. */
  private static final long LANE_BYTES = 2 << 20;

  private static final long SLEEP_SLICE_NANOS = 50_000_000;

  /** A chunk with its bytes. */
  record Outgoing(Chunk chunk, ByteBuffer payload, Runnable released) {}

  /** What waits for one connection. */
  final class Lane {
    private final ArrayDeque<Outgoing> queue = new ArrayDeque<>();
    private final Condition work = lock.newCondition();
    private long openBytes;
    private long offered;
    private long completed;
    private long payloadBytes;
    private boolean dead;

    /** Moves chunks to be written into {@code batch}; returns whether there are any. */
    boolean take(List<Outgoing> batch, int mostChunks, int mostBytes) {
      lock.lock();
      try {
        int bytes = 0;
        while (!queue.isEmpty()
            && batch.size() < mostChunks
            && (batch.isEmpty() || bytes + queue.peek().chunk().lengthBytes() <= mostBytes)) {
          Outgoing next = queue.remove();
          bytes += next.chunk().lengthBytes();
          batch.add(next);
        }
        return !batch.isEmpty();
      } finally {
        lock.unlock();
      }
    }

    /** Says that chunks were written. */
    void completed(int chunks, long bytes) {
      lock.lock();
      try {
        openBytes -= bytes;
        completed += chunks;
        payloadBytes += bytes;
        room.signalAll();
      } finally {
        lock.unlock();
      }
    }

    /** Whether the queue is empty and nothing will come any more. */
    boolean drained() {
      lock.lock();
      try {
        return ending && queue.isEmpty();
      } finally {
        lock.unlock();
      }
    }

    /** Waits until there is something to write, or the end. */
    void awaitWork() throws InterruptedException {
      lock.lock();
      try {
        while (queue.isEmpty() && !ending && !failure.isSet()) {
          work.await();
        }
      } finally {
        lock.unlock();
      }
    }

    /** Returns what is left of the queue, to which nothing is added any more. */
    List<Outgoing> abandon() {
      lock.lock();
      try {
        dead = true;
        List<Outgoing> rest = List.copyOf(queue);
        queue.clear();
        room.signalAll();
        return rest;
      } finally {
        lock.unlock();
      }
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition room = lock.newCondition();
  private final List<Lane> lanes = new ArrayList<>();
  private final SessionFailure failure;
  private final TokenBucket bandwidth;
  private final HostClock clock;
  private final String peer;
  private final long windowBytes;
  private long creditBytes;
  private boolean ending;

  /**
   * Creates a dispatcher with all of the receiver's memory free.
   *
   * @param windowBytes the receiver's memory
   */
  ChunkDispatcher(
      int connections,
      long windowBytes,
      long maxBandwidthBytesPerSecond,
      HostClock clock,
      SessionFailure failure,
      String peer) {
    this.windowBytes = windowBytes;
    this.creditBytes = windowBytes;
    this.bandwidth = new TokenBucket(maxBandwidthBytesPerSecond, clock);
    this.clock = clock;
    this.failure = failure;
    this.peer = peer;
    for (int i = 0; i < connections; i++) {
      lanes.add(new Lane());
    }
    failure.whenSet(this::wakeAll);
  }

  /** Returns the queue of one connection. */
  Lane lane(int index) {
    return lanes.get(index);
  }

  @Override
  public Chunk send(int stream, long sequence, long address, ByteBuffer payload, Runnable released)
      throws MigrationException, InterruptedException {
    ByteBuffer bytes = payload.duplicate();
    Chunk chunk = new Chunk(stream, sequence, address, bytes.remaining(), Frame.crc32c(bytes));
    boolean queued = false;
    try {
      awaitBandwidth(chunk.lengthBytes());
      queue(new Outgoing(chunk, bytes, released));
      queued = true;
      return chunk;
    } finally {
      if (!queued) {
        released.run();
      }
    }
  }

  @Override
  public void liftBandwidthLimit() {
    bandwidth.lift();
  }

  private void awaitBandwidth(int lengthBytes) throws MigrationException, InterruptedException {
    long waitNanos = bandwidth.take(lengthBytes);
    while (waitNanos > 0 && bandwidth.limits()) {
      check();
      long slice = Math.min(waitNanos, SLEEP_SLICE_NANOS);
      clock.sleep(slice);
      waitNanos -= slice;
    }
  }

  private void queue(Outgoing outgoing) throws MigrationException, InterruptedException {
    int length = outgoing.chunk().lengthBytes();
    int cost = ChunkPool.sizeForLength(length);
    lock.lockInterruptibly();
    try {
      while (true) {
        check();
        Lane lane = laneFor(outgoing.chunk());
        // Nobody waits for a dead connection for long: the session is about to fail.
        boolean laneHasRoom = lane.openBytes == 0 || lane.openBytes + length <= LANE_BYTES;
        if (laneHasRoom && !lane.dead && creditBytes >= cost) {
          creditBytes -= cost;
          lane.openBytes += length;
          lane.offered++;
          lane.queue.add(outgoing);
          lane.work.signal();
          return;
        }
        room.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private Lane laneFor(Chunk chunk) {
    if (chunk.stream() == Chunk.MEMORY_STREAM) {
      // Fibonacci hashing: blocks at a regular distance still spread over the connections.
      long block = Long.divideUnsigned(chunk.address(), Chunk.MEMORY_BLOCK_BYTES);
      int hash = (int) ((block * 0x9E3779B97F4A7C15L) >>> 33);
      return lanes.get(hash % lanes.size());
    }
    Lane least = lanes.get(0);
    for (Lane lane : lanes) {
      if (lane.openBytes < least.openBytes) {
        least = lane;
      }
    }
    return least;
  }

  private void check() throws MigrationException {
    failure.check();
    lock.lock();
    try {
      if (ending) {
        throw new MigrationException(
            RuntimeError.TRANSPORT_CLOSED, "the session with " + peer + " is closed");
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void flush() throws MigrationException, InterruptedException {
    lock.lockInterruptibly();
    try {
      long[] targets = lanes.stream().mapToLong(lane -> lane.offered).toArray();
      for (int i = 0; i < targets.length; i++) {
        while (lanes.get(i).completed < targets[i]) {
          check();
          room.await();
        }
      }
      failure.check();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes credit that came back.
   *
   * @throws MigrationException {@code TRANSPORT_VIOLATION} if it is more than was used
   */
  void credit(long bytes) throws MigrationException {
    lock.lock();
    try {
      if (bytes <= 0 || bytes > windowBytes - creditBytes) {
        throw new MigrationException(
            RuntimeError.TRANSPORT_VIOLATION,
            "%s gave back %d bytes of credit, while %d were used"
                .formatted(peer, bytes, windowBytes - creditBytes));
      }
      creditBytes += bytes;
      room.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more chunks; what is queued is still written. */
  void end() {
    lock.lock();
    try {
      ending = true;
    } finally {
      lock.unlock();
    }
    wakeAll();
  }

  private void wakeAll() {
    lock.lock();
    try {
      room.signalAll();
      lanes.forEach(lane -> lane.work.signalAll());
    } finally {
      lock.unlock();
    }
  }

  TransportCounters counters() {
    lock.lock();
    try {
      return new TransportCounters(
          lanes.stream()
              .map(lane -> new TransportCounters.Connection(lane.completed, lane.payloadBytes))
              .toList());
    } finally {
      lock.unlock();
    }
  }
}
