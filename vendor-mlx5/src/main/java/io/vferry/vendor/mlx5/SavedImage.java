package io.vferry.vendor.mlx5;

import io.vferry.vendor.mlx5.stream.RecordHeader;
import java.nio.ByteBuffer;

/** A record that waits to be read: its header, then the image. One thread at a time. */
final class SavedImage {

  private final ByteBuffer head;
  private final ImageBuffer buffer;
  private final long imageBytes;
  private final boolean stopCopy;
  private long imageRead;

  /**
   * Creates a record.
   *
   * @param before what precedes the record in the stream
   * @param stopCopy whether the buffer is one of those for the stop-copy phase
   */
  SavedImage(ByteBuffer before, ImageBuffer buffer, long imageBytes, boolean stopCopy) {
    this.head =
        ByteBuffer.allocate(before.remaining() + RecordHeader.BYTES)
            .put(before)
            .put(RecordHeader.image(imageBytes).encode())
            .flip();
    this.buffer = buffer;
    this.imageBytes = imageBytes;
    this.stopCopy = stopCopy;
  }

  ImageBuffer buffer() {
    return buffer;
  }

  boolean stopCopy() {
    return stopCopy;
  }

  long unreadBytes() {
    return head.remaining() + imageBytes - imageRead;
  }

  void read(ByteBuffer into) {
    int fromHead = Math.min(head.remaining(), into.remaining());
    into.put(head.slice().limit(fromHead));
    head.position(head.position() + fromHead);
    int fromImage = (int) Math.min(imageBytes - imageRead, into.remaining());
    if (fromImage > 0) {
      buffer.memory().read(imageRead, into, fromImage);
      imageRead += fromImage;
    }
  }
}
