package io.vferry.runtime.transport;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;

/** One way of a connection in memory. It never waits; it cuts bytes as its random source says. */
final class PipeLink implements Link {

  private static final int MIN_ROOM_BYTES = 1 << 20;

  private final ByteBuffer content;
  private final Random random;
  private final int longestStep;
  private boolean ended;
  private boolean closed;

  /**
   * Creates an empty pipe.
   *
   * @param longestStep the most bytes that one read or write moves
   */
  PipeLink(int capacityBytes, int longestStep, Random random) {
    this.content = ByteBuffer.allocate(capacityBytes).limit(0);
    this.longestStep = longestStep;
    this.random = random;
  }

  /** Adds bytes as if the other side had written them. */
  PipeLink feed(ByteBuffer bytes) {
    makeRoom(bytes.remaining());
    append(bytes);
    return this;
  }

  /** Takes out all bytes, as if the other side had read them. */
  ByteBuffer drain() {
    ByteBuffer all = ByteBuffer.allocate(content.remaining()).put(content).flip();
    content.limit(0);
    return all;
  }

  @Override
  public long read(ByteBuffer[] into) throws IOException {
    if (closed) {
      throw new IOException("closed");
    }
    if (!content.hasRemaining()) {
      return ended ? -1 : 0;
    }
    int step = step();
    int before = step;
    for (ByteBuffer buffer : into) {
      int count = Math.min(Math.min(step, buffer.remaining()), content.remaining());
      buffer.put(content.duplicate().limit(content.position() + count));
      content.position(content.position() + count);
      step -= count;
    }
    return before - step;
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) throws IOException {
    if (closed || ended) {
      throw new EOFException("closed");
    }
    makeRoom(content.capacity());
    int step = Math.min(step(), content.capacity() - content.limit());
    int before = step;
    for (int i = offset; i < offset + length; i++) {
      int count = Math.min(step, from[i].remaining());
      append(from[i].duplicate().limit(from[i].position() + count));
      from[i].position(from[i].position() + count);
      step -= count;
    }
    return before - step;
  }

  private void append(ByteBuffer bytes) {
    int end = content.limit();
    content.limit(end + bytes.remaining());
    content.put(end, bytes, bytes.position(), bytes.remaining());
  }

  /** Moves the content to the front, if that is cheap or needed. */
  private void makeRoom(int bytes) {
    if (!content.hasRemaining()) {
      content.position(0).limit(0);
    } else if (content.capacity() - content.limit() < Math.min(bytes, MIN_ROOM_BYTES)) {
      content.compact().flip();
    }
  }

  private int step() {
    return longestStep == Integer.MAX_VALUE ? longestStep : 1 + random.nextInt(longestStep);
  }

  @Override
  public void shutdownOutput() {
    ended = true;
  }

  @Override
  public String peer() {
    return "pipe";
  }

  @Override
  public void close() {
    closed = true;
  }
}
