package io.vferry.runtime.discovery;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/** A load stream behind a fence. It also sees to it that each write took all bytes. */
final class FencedLoadStream implements LoadStream {

  private final Fence fence;
  private final LoadStream stream;

  FencedLoadStream(Fence fence, LoadStream stream) {
    this.fence = fence;
    this.stream = stream;
  }

  @Override
  public void write(ByteBuffer from) throws MigrationException {
    int limit = from.limit();
    fence.run("write", () -> stream.write(from));
    if (from.position() != limit || from.limit() != limit) {
      throw fence.broken("write did not take all bytes");
    }
  }

  @Override
  public void close() {
    fence.runQuietly("close of a load stream", stream::close);
  }
}
