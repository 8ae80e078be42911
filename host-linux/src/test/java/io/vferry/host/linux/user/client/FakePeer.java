package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.ConnectionException.Reason;
import io.vferry.host.linux.user.socket.MessageConnection;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * A connection whose other end lives in the same thread: what is sent is answered at once, and a
 * receive with nothing to come times out at once.
 */
abstract class FakePeer implements MessageConnection {

  private static final int BODY = HEADER_BYTES;

  private record Message(byte[] bytes, List<Fd> files) {}

  private final Deque<Message> toCome = new ArrayDeque<>();
  private Arrived current = new Arrived(new Message(new byte[BODY], List.of()));
  private boolean closed;

  /** Takes a message as the client sends it, whole, in native order. */
  abstract void hear(ByteBuffer message, List<Fd> files);

  /** Lets a message come. */
  final void say(byte[] message, Fd... files) {
    toCome.add(new Message(message.clone(), List.of(files)));
  }

  final boolean closed() {
    return closed;
  }

  /** Whether the client took all that came. */
  final boolean allTaken() {
    return toCome.isEmpty();
  }

  @Override
  public final void send(List<Fd> files, ByteBuffer... parts) throws ConnectionException {
    checkOpen();
    if (parts.length > MOST_PARTS) {
      throw new IllegalArgumentException(parts.length + " parts of one message");
    }
    int length = 0;
    for (ByteBuffer part : parts) {
      length += part.remaining();
    }
    ByteBuffer whole = ByteBuffer.allocate(length).order(ByteOrder.nativeOrder());
    for (ByteBuffer part : parts) {
      whole.put(part.duplicate());
    }
    hear(whole.flip(), List.copyOf(files));
  }

  @Override
  public final Incoming receive(long waitNanos) throws ConnectionException {
    current.takeFiles().forEach(Fd::close);
    checkOpen();
    Message next = toCome.poll();
    if (next == null) {
      nothing(waitNanos);
      throw new ConnectionException(Reason.TIMED_OUT, "the other end does not answer in time");
    }
    current = new Arrived(next);
    return current;
  }

  /** Says that nothing comes in some time; a peer that does not throw breaks the connection. */
  void nothing(long waitNanos) throws ConnectionException {}

  private void checkOpen() throws ConnectionException {
    if (closed) {
      throw new ConnectionException(Reason.CLOSED, "the connection was closed");
    }
  }

  @Override
  public final void close() {
    closed = true;
    current.takeFiles().forEach(Fd::close);
    toCome.forEach(message -> message.files.forEach(Fd::close));
    toCome.clear();
  }

  private static final class Arrived implements Incoming {

    private final ByteBuffer header;
    private final ByteBuffer body;
    private List<Fd> files;

    Arrived(Message message) {
      ByteBuffer all = ByteBuffer.wrap(message.bytes).order(ByteOrder.nativeOrder());
      this.header = all.slice(0, BODY).order(ByteOrder.nativeOrder());
      this.body = all.slice(BODY, all.limit() - BODY).order(ByteOrder.nativeOrder());
      this.files = message.files;
    }

    @Override
    public ByteBuffer header() {
      return header;
    }

    @Override
    public int remainingBytes() {
      return body.remaining();
    }

    @Override
    public void read(ByteBuffer into) {
      if (into.remaining() > body.remaining()) {
        throw new IllegalArgumentException("more than there is");
      }
      int count = into.remaining();
      into.put(body.slice().limit(count));
      body.position(body.position() + count);
    }

    @Override
    public ByteBuffer body() {
      ByteBuffer rest = body.slice().order(ByteOrder.nativeOrder());
      body.position(body.limit());
      return rest;
    }

    @Override
    public List<Fd> takeFiles() {
      List<Fd> taken = files;
      files = List.of();
      return taken;
    }
  }
}
