package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the chunks of one data connection.
 *
 * <p>Bytes go from the link straight into the memory of their chunk. Each read also has room for
 * what comes after the payload: for the next header if chunks are long, for many small frames at
 * once if they are short, so that neither costs a system call more than it needs.
 */
final class ChunkReader implements Loop, Stallable {

  private static final int STAGE_BYTES = 64 << 10;

  /** From this length on, only the next header is read ahead. */
  private static final int LONG_CHUNK_BYTES = 32 << 10;

  private final int index;
  private final Link link;
  private final CreditLedger ledger;
  private final ChunkListener listener;
  private final SessionFailure failure;
  private final Progress progress;

  /** Bytes read ahead, from position to limit. */
  private final ByteBuffer stage = ByteBuffer.allocateDirect(STAGE_BYTES).limit(0);

  private final ByteBuffer[] stageOnly = {stage};
  private final ByteBuffer[] payloadAndStage = {stage, stage};
  private int stageGoal = STAGE_BYTES;
  private @Nullable Chunk chunk;
  private ChunkPool.@Nullable Lease lease;
  private boolean ended;
  private volatile long chunks;
  private volatile long payloadBytes;

  /**
   * Creates the reader of a connection.
   *
   * @param index of the connection, 1 for the first one
   */
  ChunkReader(
      int index,
      Link link,
      CreditLedger ledger,
      ChunkListener listener,
      HostClock clock,
      SessionFailure failure) {
    this.index = index;
    this.link = link;
    this.ledger = ledger;
    this.listener = listener;
    this.failure = failure;
    this.progress = new Progress(clock);
  }

  @Override
  public String name() {
    return "data-" + index + "-reader";
  }

  @Override
  public int doWork() throws IOException, MigrationException {
    if (failure.isSet()) {
      return FINISHED;
    }
    long count = read();
    if (count < 0) {
      if (!ended) {
        throw new EOFException(
            chunk != null || stage.hasRemaining()
                ? "it ends within a frame"
                : "it ends without having said so");
      }
      return FINISHED;
    }
    if (ended && count > 0) {
      throw new MigrationException(
          RuntimeError.TRANSPORT_VIOLATION,
          "%s sent bytes after the end of data connection %d".formatted(link.peer(), index));
    }
    if (count > 0) {
      progress.expected();
      while (!failure.isSet() && digest()) {
        // Each turn takes one frame out of what was read.
      }
    }
    if (chunk == null && !stage.hasRemaining()) {
      progress.idle();
    }
    return (int) Math.min(count, Integer.MAX_VALUE);
  }

  private long read() throws IOException {
    stage.compact();
    stage.limit(Math.max(stageGoal, Frame.HEADER_BYTES));
    try {
      if (lease == null) {
        return link.read(stageOnly);
      }
      payloadAndStage[0] = lease.buffer();
      return link.read(payloadAndStage);
    } finally {
      stage.flip();
    }
  }

  /** Goes on with the frame at hand; returns whether there may be another one in the stage. */
  private boolean digest() throws MigrationException {
    Chunk current = chunk;
    ChunkPool.Lease memory = lease;
    if (current == null || memory == null) {
      return begin();
    }
    ByteBuffer payload = memory.buffer();
    int staged = Math.min(stage.remaining(), payload.remaining());
    if (staged > 0) {
      payload.put(stage.duplicate().limit(stage.position() + staged));
      stage.position(stage.position() + staged);
    }
    if (payload.hasRemaining()) {
      return false;
    }
    payload.flip();
    if (Frame.crc32c(payload) != current.crc32c()) {
      throw new MigrationException(
          RuntimeError.TRANSPORT_CORRUPT,
          "the checksum of chunk %d of stream %d from %s is wrong"
              .formatted(current.sequence(), current.stream(), link.peer()));
    }
    chunk = null;
    lease = null;
    chunks = chunks + 1;
    payloadBytes = payloadBytes + current.lengthBytes();
    progress.idle();
    listener.chunk(current, payload, new Loan(ledger, memory));
    progress.expected();
    return true;
  }

  private boolean begin() throws MigrationException {
    if (ended || stage.remaining() < Frame.HEADER_BYTES) {
      if (ended && stage.hasRemaining()) {
        throw new MigrationException(
            RuntimeError.TRANSPORT_VIOLATION,
            "%s sent bytes after the end of data connection %d".formatted(link.peer(), index));
      }
      return false;
    }
    Optional<Chunk> next = Frame.read(stage, link.peer());
    if (next.isEmpty()) {
      ended = true;
      return true;
    }
    Chunk begun = next.get();
    lease = ledger.charge(begun, link.peer());
    chunk = begun;
    stageGoal = begun.lengthBytes() >= LONG_CHUNK_BYTES ? Frame.HEADER_BYTES : STAGE_BYTES;
    return true;
  }

  @Override
  public void awaitWork() {
    // The link waits.
  }

  @Override
  public void finished() {
    ChunkPool.Lease memory = lease;
    if (memory != null) {
      ledger.release(memory);
      lease = null;
      chunk = null;
    }
  }

  /** Whether the other side said that nothing more comes. */
  boolean ended() {
    return ended;
  }

  TransportCounters.Connection counters() {
    return new TransportCounters.Connection(chunks, payloadBytes);
  }

  @Override
  public long stalledNanos() {
    return progress.stalledNanos();
  }

  @Override
  public String stalledWhat() {
    return link.peer() + " stopped in the middle of a frame on data connection " + index;
  }

  /** The credit of one chunk. */
  private static final class Loan implements Credit {
    private final CreditLedger ledger;
    private ChunkPool.@Nullable Lease memory;

    private Loan(CreditLedger ledger, ChunkPool.Lease memory) {
      this.ledger = ledger;
      this.memory = memory;
    }

    @Override
    public void release() {
      ChunkPool.Lease due;
      synchronized (this) {
        due = memory;
        memory = null;
      }
      if (due == null) {
        throw new IllegalStateException("the credit was released before");
      }
      ledger.release(due);
    }
  }
}
