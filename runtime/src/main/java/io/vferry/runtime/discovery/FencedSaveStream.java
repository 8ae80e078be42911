package io.vferry.runtime.discovery;

import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * A save stream behind a fence. It also holds the stream to its word: {@code DATA} without a byte
 * would spin for ever, and bytes with another status would be lost.
 */
final class FencedSaveStream implements SaveStream {

  private final Fence fence;
  private final SaveStream stream;

  FencedSaveStream(Fence fence, SaveStream stream) {
    this.fence = fence;
    this.stream = stream;
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    int position = into.position();
    int limit = into.limit();
    Status status = fence.call("read", () -> stream.read(into));
    int got = into.position() - position;
    if (into.limit() != limit || got < 0) {
      throw fence.broken("read left the buffer with other bounds");
    }
    if ((status == Status.DATA) != (got > 0)) {
      throw fence.broken("read gave " + got + " bytes and said " + status);
    }
    return status;
  }

  @Override
  public void close() {
    fence.runQuietly("close of a save stream", stream::close);
  }
}
