package io.vferry.runtime.engine;

import io.vferry.runtime.migration.StreamSummary;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.ChunkSender;
import io.vferry.runtime.transport.StreamDigest;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/** Numbers, counts and digests the chunks of one stream on their way out. One thread at a time. */
final class OutgoingStream {

  private final int stream;
  private final ChunkSender sender;
  private final StreamDigest digest;
  private long chunks;
  private volatile long bytes;

  OutgoingStream(int stream, ChunkSender sender) {
    this.stream = stream;
    this.sender = sender;
    this.digest = new StreamDigest(stream);
  }

  void send(long address, ByteBuffer payload, Runnable released)
      throws MigrationException, InterruptedException {
    int length = payload.remaining();
    Chunk sent = sender.send(stream, chunks, address, payload, released);
    chunks++;
    bytes += length;
    digest.add(sent);
  }

  long chunks() {
    return chunks;
  }

  long bytes() {
    return bytes;
  }

  StreamSummary summary() throws MigrationException {
    return new StreamSummary(
        stream, chunks, bytes, ByteBuffer.wrap(digest.finish()).asReadOnlyBuffer());
  }
}
