package io.vferry.runtime.transport;

import io.vferry.spi.host.HostClock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Writes the chunks of one data connection: header and payload in one gathering write. */
final class ChunkWriter implements Loop, Stallable {

  /** Chunks in one write, if they are small. */
  private static final int BATCH_CHUNKS = 64;

  private final int index;
  private final Link link;
  private final ChunkDispatcher.Lane lane;
  private final SessionFailure failure;
  private final Progress progress;
  private final ByteBuffer headers = ByteBuffer.allocateDirect(BATCH_CHUNKS * Frame.HEADER_BYTES);
  private final List<ChunkDispatcher.Outgoing> batch = new ArrayList<>(BATCH_CHUNKS);
  private final ByteBuffer[] buffers = new ByteBuffer[2 * BATCH_CHUNKS];
  private int bufferCount;
  private int written;
  private int released;
  private boolean endWritten;

  /**
   * Creates the writer of a connection.
   *
   * @param index of the connection, 1 for the first one
   */
  ChunkWriter(
      int index, Link link, ChunkDispatcher.Lane lane, HostClock clock, SessionFailure failure) {
    this.index = index;
    this.link = link;
    this.lane = lane;
    this.failure = failure;
    this.progress = new Progress(clock);
  }

  @Override
  public String name() {
    return "data-" + index + "-writer";
  }

  @Override
  public int doWork() throws IOException {
    if (failure.isSet()) {
      return FINISHED;
    }
    if (written == bufferCount && !fill()) {
      return endWritten ? FINISHED : 0;
    }
    long count = link.write(buffers, written, bufferCount - written);
    if (count > 0) {
      progress.expected();
    }
    while (written < bufferCount && !buffers[written].hasRemaining()) {
      written++;
    }
    release();
    if (written == bufferCount) {
      progress.idle();
      if (endWritten) {
        link.shutdownOutput();
        return FINISHED;
      }
    }
    return (int) Math.min(count, Integer.MAX_VALUE);
  }

  private boolean fill() {
    batch.clear();
    headers.clear();
    bufferCount = 0;
    written = 0;
    released = 0;
    if (!lane.take(batch, BATCH_CHUNKS, Chunk.DEFAULT_LENGTH_BYTES)) {
      if (endWritten || !lane.drained()) {
        return false;
      }
      Frame.putEnd(headers);
      buffers[bufferCount++] = headers.duplicate().flip();
      endWritten = true;
    }
    for (ChunkDispatcher.Outgoing outgoing : batch) {
      int start = headers.position();
      Frame.putChunk(outgoing.chunk(), headers);
      buffers[bufferCount++] = headers.duplicate().flip().position(start);
      buffers[bufferCount++] = outgoing.payload();
    }
    progress.expected();
    return true;
  }

  private void release() {
    int first = released;
    long bytes = 0;
    while (released < batch.size() && 2 * released + 2 <= written) {
      ChunkDispatcher.Outgoing done = batch.get(released++);
      bytes += done.chunk().lengthBytes();
      done.released().run();
    }
    if (released > first) {
      lane.completed(released - first, bytes);
    }
  }

  @Override
  public void awaitWork() throws InterruptedException {
    if (written == bufferCount) {
      lane.awaitWork();
    }
  }

  @Override
  public void finished() {
    List<ChunkDispatcher.Outgoing> queued = lane.abandon();
    while (released < batch.size()) {
      batch.get(released++).released().run();
    }
    queued.forEach(outgoing -> outgoing.released().run());
  }

  @Override
  public long stalledNanos() {
    return progress.stalledNanos();
  }

  @Override
  public String stalledWhat() {
    return link.peer() + " does not read from data connection " + index;
  }
}
