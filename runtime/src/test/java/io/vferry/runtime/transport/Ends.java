package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.SystemHostClock;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Both ends of the transport over real sockets. After each test it closes them and finds out
 * whether a thread or a handle was left behind.
 */
final class Ends implements BeforeEachCallback, AfterEachCallback {

  private static final long JOIN_MILLIS = 20_000;
  private static final Path HANDLES = Path.of("/proc/self/fd");

  private final List<Thread> threads = new CopyOnWriteArrayList<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private SystemHostClock clock = newClock();
  private long socketsBefore;

  private static SystemHostClock newClock() {
    return new SystemHostClock(
        task -> {
          Thread thread = new Thread(task, "test-clock");
          thread.setDaemon(true);
          return thread;
        });
  }

  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    clock = newClock();
    threads.clear();
    open.clear();
    warmUp();
    socketsBefore = sockets();
  }

  /** The JDK opens sockets of its own when channels are first used, and keeps them. */
  private static void warmUp() throws IOException {
    try (ServerSocketChannel server = ServerSocketChannel.open().bind(loopback());
        SocketChannel one = SocketChannel.open(server.getLocalAddress());
        SocketChannel two = server.accept()) {
      write(one, ByteBuffer.allocate(1));
      readFully(two, ByteBuffer.allocate(1));
    }
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
    for (Thread thread : threads) {
      thread.join(JOIN_MILLIS);
      if (thread.isAlive()) {
        AssertionError left = new AssertionError("the thread " + thread.getName() + " was left");
        left.setStackTrace(thread.getStackTrace());
        throw left;
      }
    }
    clock.close();
    long after = sockets();
    if (after != socketsBefore) {
      throw new AssertionError(
          "there were %d sockets before the test and %d after it".formatted(socketsBefore, after));
    }
  }

  /** Counts this process's sockets, where the system can tell. */
  private static long sockets() throws IOException {
    if (!Files.isDirectory(HANDLES)) {
      return 0;
    }
    try (Stream<Path> handles = Files.list(HANDLES)) {
      return handles.filter(Ends::isTcpSocket).count();
    }
  }

  private static boolean isTcpSocket(Path handle) {
    try {
      return Files.readSymbolicLink(handle).toString().startsWith("socket:");
    } catch (IOException e) {
      // Handles come and go while they are listed.
      return false;
    }
  }

  HostClock clock() {
    return clock;
  }

  Thread thread(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    threads.add(thread);
    return thread;
  }

  <T extends AutoCloseable> T closing(T closeable) {
    open.add(closeable);
    return closeable;
  }

  static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  TransportListener listen(TransportSettings settings, Security security)
      throws MigrationException {
    return closing(TransportListener.bind(loopback(), settings, security, clock, this::thread));
  }

  SourceSession connect(TransportSettings settings, Security security, TransportListener to)
      throws MigrationException, InterruptedException {
    return closing(
        new TransportConnector(settings, security, clock, this::thread).connect(to.address()));
  }

  /** A source that a test plays itself, byte by byte. */
  final class RawSource implements AutoCloseable {
    final SocketChannel control;
    final SocketChannel data;

    RawSource(TransportListener to) {
      UUID session = new UUID(1, 2);
      control = dial(to);
      data = dial(to);
      greet(control, new Hello(Hello.VERSION, 0, 1, session));
      greet(data, new Hello(Hello.VERSION, 1, 1, session));
    }

    private void greet(SocketChannel channel, Hello hello) {
      try {
        Handshake.greet(new TcpLink(channel, "destination"), hello);
      } catch (IOException | MigrationException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void close() throws IOException {
      control.close();
      data.close();
    }
  }

  RawSource rawSource(TransportListener to) {
    return closing(new RawSource(to));
  }

  SocketChannel dial(TransportListener to) {
    try {
      return closing(SocketChannel.open(to.address()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes everything. */
  static void write(SocketChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Fills the buffer. */
  static void readFully(SocketChannel channel, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (channel.read(into) < 0) {
        throw new EOFException();
      }
    }
  }

  /** Reads until the other side closes; returns how many bytes came. */
  static long readToEnd(SocketChannel channel) {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    long total = 0;
    try {
      while (true) {
        buffer.clear();
        int count = channel.read(buffer);
        if (count < 0) {
          return total;
        }
        total += count;
      }
    } catch (IOException e) {
      // A reset ends a connection as well.
      return total;
    }
  }
}
