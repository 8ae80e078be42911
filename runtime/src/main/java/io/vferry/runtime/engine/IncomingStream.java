package io.vferry.runtime.engine;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.migration.StreamSummary;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.StreamDigest;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Counts and digests the chunks of one stream that were taken, and compares them with its end. */
final class IncomingStream {

  private final StreamDigest digest;
  private final String title;
  private long chunks;
  private long bytes;
  private @Nullable StreamSummary expected;
  private boolean ended;

  /**
   * Creates the account of an empty stream.
   *
   * @param title what the stream carries, for messages
   */
  IncomingStream(int stream, String title) {
    this.digest = new StreamDigest(stream);
    this.title = title;
  }

  synchronized void taken(Chunk chunk) throws MigrationException {
    if (ended) {
      throw mismatch("a chunk came after its end");
    }
    digest.add(chunk);
    chunks++;
    bytes += chunk.lengthBytes();
  }

  synchronized void expect(StreamSummary summary) {
    expected = summary;
  }

  synchronized long bytes() {
    return bytes;
  }

  synchronized long chunks() {
    return chunks;
  }

  /**
   * Says whether all of the stream was taken.
   *
   * @return its number the first time it is whole; empty before and after
   * @throws MigrationException {@code DATA_MISMATCH} if what was taken is not what was sent
   */
  synchronized Optional<Integer> whole() throws MigrationException {
    StreamSummary end = expected;
    if (end == null || ended || chunks < end.chunks()) {
      return Optional.empty();
    }
    ended = true;
    if (chunks != end.chunks() || bytes != end.bytes()) {
      throw mismatch(
          "%d chunks with %d bytes were sent and %d with %d arrived"
              .formatted(end.chunks(), end.bytes(), chunks, bytes));
    }
    if (!ByteBuffer.wrap(digest.finish()).equals(end.digest())) {
      throw mismatch("its digest is not that of the data sent");
    }
    return Optional.of(end.stream());
  }

  private MigrationException mismatch(String what) {
    return new MigrationException(RuntimeError.DATA_MISMATCH, title + ": " + what);
  }
}
