package io.vferry.compat.v1;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;

/**
 * Has a region read and written in accesses of many bytes, whatever pieces its user takes: a chunk
 * is one access if it is not longer than this holds. One thread at a time.
 */
final class WholeChunk {

  private final Region region;

  /** From position to limit: what is not yet taken of a chunk, or all that is not yet written. */
  private final ByteBuffer bytes;

  /** Where in the region the byte at the position, or the first one that is to be written, lies. */
  private long offset;

  WholeChunk(Region region, int longestBytes) {
    this.region = region;
    this.bytes = ByteBuffer.allocateDirect(longestBytes).limit(0);
  }

  /** Forgets what it holds; called before the device changes what lies in the region. */
  void forget() {
    bytes.limit(0);
  }

  /**
   * Reads a part of a chunk.
   *
   * @param endOffset where the chunk ends
   */
  void read(long from, long endOffset, ByteBuffer into) throws MigrationException {
    for (long at = from; into.hasRemaining(); ) {
      if (at != offset || !bytes.hasRemaining()) {
        long left = endOffset - at;
        if (into.remaining() >= Math.min(left, bytes.capacity())) {
          region.read(at, into);
          return;
        }
        bytes.limit((int) Math.min(left, bytes.capacity())).position(0);
        offset = at;
        region.read(at, bytes);
        bytes.flip();
      }
      int length = Math.min(into.remaining(), bytes.remaining());
      into.put(into.position(), bytes, bytes.position(), length);
      into.position(into.position() + length);
      bytes.position(bytes.position() + length);
      offset += length;
      at += length;
    }
  }

  /** Takes a part of a chunk to write it with what follows. */
  void write(long to, ByteBuffer from) throws MigrationException {
    if (to != offset + bytes.remaining()) {
      flush();
      offset = to;
    }
    while (from.hasRemaining()) {
      int length = Math.min(from.remaining(), bytes.capacity() - bytes.limit());
      int end = bytes.limit();
      bytes.limit(end + length).put(end, from, from.position(), length);
      from.position(from.position() + length);
      if (bytes.limit() == bytes.capacity()) {
        flush();
      }
    }
  }

  /** Writes what was taken. */
  void flush() throws MigrationException {
    if (!bytes.hasRemaining()) {
      return;
    }
    int length = bytes.remaining();
    try {
      region.write(offset, bytes);
    } finally {
      offset += length;
      bytes.position(0).limit(0);
    }
  }
}
