package io.vferry.host.linux.user.socket;

import com.sun.jna.Native;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.user.socket.ConnectionException.Reason;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A stream socket of this host that carries messages.
 *
 * <p>Each message is sent by one {@code sendmsg} if the socket has room for it: some programs read
 * a body with a single call and take what has not arrived for missing. On the way in any division
 * is tolerated.
 *
 * <p>Time limits are the socket's own ({@code SO_RCVTIMEO}, {@code SO_SNDTIMEO}) and {@link #close}
 * ends waiting calls by {@code shutdown}, so that a round trip takes one call in each direction.
 */
public final class MessageSocket implements MessageConnection {

  /**
   * What a connection puts up with.
   *
   * @param largestMessageBytes the largest message that is received, header included
   * @param stallNanos how long the other end may take to send the rest of a message that it has
   *     begun, or to take one that is sent to it; a peer that sends a little now and then gets at
   *     most twice that
   */
  public record Limits(int largestMessageBytes, long stallNanos) {

    /** 64 MiB, more than anybody announces, and ten seconds. */
    public static final Limits DEFAULT = new Limits(64 << 20, TimeUnit.SECONDS.toNanos(10));

    /** Checks the figures. */
    public Limits {
      if (largestMessageBytes < HEADER_BYTES || stallNanos <= 0) {
        throw new IllegalArgumentException(largestMessageBytes + " bytes, " + stallNanos + " ns");
      }
    }
  }

  /** What is asked of the kernel; it gives no more than {@code net.core.wmem_max}. */
  private static final int BUFFER_BYTES = 8 << 20;

  /** Read beyond what is asked for, so that a short message takes one call. */
  private static final int AHEAD_BYTES = 16 << 10;

  /** Up to this length a part that is not direct memory is copied into a place that is kept. */
  private static final int KEPT_COPY_BYTES = 64 << 10;

  private static final int TIMEVAL_BYTES = 16;

  private final Fd fd;
  private final Limits limits;
  private volatile boolean closed;

  private final Object sending = new Object();
  private final SocketMessage out = new SocketMessage();
  private Argument copy = new Argument(4096);

  private final SocketMessage in = new SocketMessage();
  private final Argument ahead = new Argument(AHEAD_BYTES);
  private final ByteBuffer aheadBytes = ahead.bytes();
  private int aheadFrom;
  private int aheadTo;
  private long timeoutNanos = NO_LIMIT;

  /** Position in the stream of the next byte that is not received yet. */
  private long received;

  private final Deque<Batch> files = new ArrayDeque<>();
  private final Arriving arriving = new Arriving();

  /**
   * Files that came with one receive. The kernel ends a receive with the bytes that files were sent
   * with, so they belong to the message in which its last byte lies.
   */
  private record Batch(long lastByte, List<Fd> files) {}

  /** Takes over a connected socket. */
  public MessageSocket(Fd fd, Limits limits) {
    this.fd = fd;
    this.limits = limits;
    for (int buffer : new int[] {Libc.SO_SNDBUF, Libc.SO_RCVBUF}) {
      Argument size = new Argument(Integer.BYTES).putInt(0, BUFFER_BYTES);
      option(buffer, size);
    }
    option(Libc.SO_SNDTIMEO, timeval(limits.stallNanos));
  }

  private long option(int name, Argument value) {
    return option(fd, name, value);
  }

  private static long option(Fd fd, int name, Argument value) {
    long result =
        fd.call(
            number ->
                Libc.setsockopt(number, Libc.SOL_SOCKET, name, value.address(), value.sizeBytes()));
    value.keep();
    return result;
  }

  private static Argument timeval(long nanos) {
    Argument time = new Argument(TIMEVAL_BYTES);
    if (nanos == NO_LIMIT) {
      return time;
    }
    // Zero would mean no limit.
    long micros = Math.max(1, TimeUnit.NANOSECONDS.toMicros(nanos));
    return time.putLong(0, micros / 1_000_000).putLong(Long.BYTES, micros % 1_000_000);
  }

  /**
   * Connects to a socket in the file system.
   *
   * @throws KernelError {@code ENOENT} if there is none, {@code ECONNREFUSED} if nobody listens,
   *     {@code EAGAIN} if whoever listens accepts nobody within the time of a stall
   */
  public static MessageSocket connect(Path path, Limits limits) throws KernelError {
    Argument address = UnixAddress.of(path);
    Fd fd = new Fd(KernelError.check("socket", Fd.unixSocket()));
    try {
      option(fd, Libc.SO_SNDTIMEO, timeval(limits.stallNanos));
      long result = fd.call(number -> Libc.connect(number, address.address(), address.sizeBytes()));
      address.keep();
      KernelError.check("connect to " + path, result);
      return new MessageSocket(fd, limits);
    } catch (KernelError e) {
      fd.close();
      throw e;
    }
  }

  /** Creates two sockets that are connected with each other; whoever asks owns them. */
  public static List<Fd> pair() throws KernelError {
    Argument two = new Argument(2 * Integer.BYTES);
    int result =
        Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0, two.address());
    if (result < 0) {
      throw new KernelError("socketpair", Native.getLastError());
    }
    return List.of(new Fd(two.getInt(0)), new Fd(two.getInt(Integer.BYTES)));
  }

  @Override
  public void send(List<Fd> files, ByteBuffer... parts) throws ConnectionException {
    if (files.size() > MOST_FILES) {
      throw new IllegalArgumentException(files.size() + " files with one message");
    }
    synchronized (sending) {
      out.clear();
      place(parts);
      int[] numbers = SocketMessage.claim(files);
      if (numbers.length > 0 && numbers[0] < 0) {
        throw failed("send to", -numbers[0]);
      }
      try {
        long sent = out.send(fd, numbers);
        while (sent >= 0 && out.advance(sent)) {
          // The files went with the first byte.
          sent = out.send(fd, new int[0]);
        }
        if (sent < 0) {
          throw failed("send to", (int) -sent);
        }
      } finally {
        SocketMessage.release(files);
        for (ByteBuffer part : parts) {
          Reference.reachabilityFence(part);
        }
        copy.keep();
      }
    }
  }

  /** Says where the parts are; those the kernel cannot reach are copied one after the other. */
  private void place(ByteBuffer[] parts) {
    int toCopy = 0;
    for (ByteBuffer part : parts) {
      toCopy += part.isDirect() ? 0 : part.remaining();
    }
    if (toCopy > copy.sizeBytes()) {
      copy = new Argument(Math.max(toCopy, Math.min(KEPT_COPY_BYTES, 2 * copy.sizeBytes())));
    }
    ByteBuffer room = copy.bytes();
    for (ByteBuffer part : parts) {
      int length = part.remaining();
      if (part.isDirect()) {
        out.add(Argument.addressOf(part), length);
      } else {
        out.add(copy.address() + room.position(), length);
        room.put(part.duplicate());
      }
    }
  }

  @Override
  public Incoming receive(long waitNanos) throws ConnectionException {
    arriving.finish();
    long begun = 0;
    while (aheadTo - aheadFrom < HEADER_BYTES) {
      moveAheadToFront();
      boolean first = aheadTo == 0;
      if (!first && begun == 0) {
        begun = System.nanoTime();
      }
      in.clear();
      in.add(ahead.address() + aheadTo, AHEAD_BYTES - aheadTo);
      aheadTo += transferred(first ? waitNanos : limits.stallNanos, 0, !first);
      ahead.keep();
      if (aheadTo < HEADER_BYTES) {
        checkStall(begun);
      }
    }
    arriving.begin();
    return arriving;
  }

  private void moveAheadToFront() {
    if (aheadFrom > 0) {
      aheadBytes.limit(aheadTo).position(aheadFrom);
      aheadBytes.compact().clear();
      aheadTo -= aheadFrom;
      aheadFrom = 0;
    }
  }

  /** A peer that sends a byte now and then must not hold the connection for ever. */
  private void checkStall(long begun) throws ConnectionException {
    if (begun != 0 && System.nanoTime() - begun > limits.stallNanos) {
      throw new ConnectionException(Reason.TIMED_OUT, "the other end sends its message too slowly");
    }
  }

  /** Receives once and keeps the files. */
  private int transferred(long waitNanos, int flags, boolean inMessage) throws ConnectionException {
    if (waitNanos != timeoutNanos) {
      option(Libc.SO_RCVTIMEO, timeval(waitNanos));
      timeoutNanos = waitNanos;
    }
    long count = in.receive(fd, flags);
    if (count == -Errno.EAGAIN && !inMessage && !closed) {
      throw new ConnectionException(
          Reason.NOTHING_CAME, "the other end sent nothing in the time it was waited for");
    }
    if (count < 0) {
      throw failed(inMessage ? "receive the rest of a message from" : "receive from", (int) -count);
    }
    received += count;
    keep(in.files());
    if (in.filesLost()) {
      throw new ConnectionException(
          Reason.BAD_MESSAGE,
          "files that came with a message were lost: too many of them, or too many open files in this process (ulimit -n)");
    }
    if (closed) {
      throw closedHere();
    }
    if (count == 0) {
      throw new ConnectionException(
          Reason.PEER_GONE,
          inMessage
              ? "the other end closed the connection in the middle of a message"
              : "the other end closed the connection");
    }
    return (int) count;
  }

  private void keep(List<Fd> came) {
    synchronized (files) {
      if (closed) {
        came.forEach(Fd::close);
      } else if (!came.isEmpty()) {
        files.add(new Batch(received - 1, came));
      }
    }
  }

  /** Takes the files of all messages that end at or before a position of the stream. */
  private List<Fd> takeFiles(long end) {
    synchronized (files) {
      List<Fd> taken = new ArrayList<>();
      while (!files.isEmpty() && files.getFirst().lastByte < end) {
        taken.addAll(files.removeFirst().files);
      }
      return taken;
    }
  }

  private ConnectionException failed(String doing, int errno) {
    if (closed) {
      return closedHere();
    }
    KernelError e = new KernelError(doing + " the other end", errno);
    return switch (errno) {
      case Errno.EAGAIN ->
          new ConnectionException(Reason.TIMED_OUT, "the other end does not answer in time", e);
      case Errno.EPIPE, Errno.ECONNRESET ->
          new ConnectionException(Reason.PEER_GONE, "the other end closed the connection", e);
      default ->
          new ConnectionException(
              Reason.FAILED, doing + " the other end failed: " + Errno.text(errno), e);
    };
  }

  private static ConnectionException closedHere() {
    return new ConnectionException(Reason.CLOSED, "the connection was closed");
  }

  @Override
  public void close() {
    closed = true;
    fd.call(number -> Libc.shutdown(number, Libc.SHUT_RDWR));
    fd.close();
    takeFiles(Long.MAX_VALUE).forEach(Fd::close);
  }

  /** The message that is being received. */
  private final class Arriving implements Incoming {

    private final ByteBuffer header =
        ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.nativeOrder());

    /** Memory for bodies that are longer than what is read ahead. */
    private Argument large = new Argument(0);

    private int remaining;

    /** Position in the stream behind the message. */
    private long end;

    private long begun;

    /** Takes the header from what was read ahead. */
    void begin() throws ConnectionException {
      header.clear();
      take(header, HEADER_BYTES);
      header.flip();
      int size = header.getInt(SIZE_OFFSET);
      if (size < HEADER_BYTES || size > limits.largestMessageBytes) {
        throw new ConnectionException(
            "the other end sends a message of %s bytes; the least is %d, the most %d"
                .formatted(
                    Integer.toUnsignedString(size), HEADER_BYTES, limits.largestMessageBytes),
            header);
      }
      remaining = size - HEADER_BYTES;
      end = received - (aheadTo - aheadFrom) + remaining;
      begun = System.nanoTime();
    }

    /** Throws away what nobody read. */
    void finish() throws ConnectionException {
      while (remaining > 0) {
        fillAhead(Math.min(remaining, AHEAD_BYTES));
        int gone = Math.min(remaining, aheadTo - aheadFrom);
        aheadFrom += gone;
        remaining -= gone;
      }
      MessageSocket.this.takeFiles(end).forEach(Fd::close);
    }

    private void take(ByteBuffer into, int count) {
      into.put(aheadBytes.limit(aheadFrom + count).position(aheadFrom));
      aheadBytes.clear();
      aheadFrom += count;
    }

    @Override
    public ByteBuffer header() {
      return header;
    }

    @Override
    public int remainingBytes() {
      return remaining;
    }

    @Override
    public void read(ByteBuffer into) throws ConnectionException {
      if (into.remaining() > remaining) {
        throw new IllegalArgumentException(
            into.remaining() + " bytes of a body that has " + remaining + " left");
      }
      int there = Math.min(into.remaining(), aheadTo - aheadFrom);
      take(into, there);
      remaining -= there;
      while (into.hasRemaining()) {
        if (into.isDirect()) {
          readDirect(into);
        } else {
          int count = Math.min(into.remaining(), AHEAD_BYTES);
          fillAhead(count);
          take(into, count);
          remaining -= count;
        }
      }
    }

    private void readDirect(ByteBuffer into) throws ConnectionException {
      in.clear();
      in.add(Argument.addressOf(into), into.remaining());
      int count;
      try {
        count = transferred(limits.stallNanos, Libc.MSG_WAITALL, true);
      } finally {
        Reference.reachabilityFence(into);
      }
      into.position(into.position() + count);
      remaining -= count;
      if (into.hasRemaining()) {
        checkStall(begun);
      }
    }

    /** Receives until so many bytes were read ahead. */
    private void fillAhead(int count) throws ConnectionException {
      if (aheadFrom + count > AHEAD_BYTES || aheadFrom == aheadTo) {
        moveAheadToFront();
      }
      while (aheadTo - aheadFrom < count) {
        in.clear();
        in.add(ahead.address() + aheadTo, AHEAD_BYTES - aheadTo);
        aheadTo += transferred(limits.stallNanos, 0, true);
        ahead.keep();
        if (aheadTo - aheadFrom < count) {
          checkStall(begun);
        }
      }
    }

    @Override
    public ByteBuffer body() throws ConnectionException {
      int count = remaining;
      if (count <= AHEAD_BYTES) {
        fillAhead(count);
        ByteBuffer body = aheadBytes.slice(aheadFrom, count).order(ByteOrder.nativeOrder());
        aheadFrom += count;
        remaining = 0;
        return body;
      }
      if (count > large.sizeBytes()) {
        large = new Argument(count);
      }
      ByteBuffer body = large.bytes().limit(count);
      read(body);
      return body.flip();
    }

    @Override
    public List<Fd> takeFiles() {
      return MessageSocket.this.takeFiles(end);
    }
  }
}
