package io.vferry.bench;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** The same bytes over a bare socket of this host, by the JDK's own channels. */
final class BareUnixSocket {

  private static final int PIECE_BYTES = 1 << 20;

  private BareUnixSocket() {}

  private interface End {
    void run(SocketChannel channel) throws IOException;
  }

  /** Runs one end in a thread and the other here; returns how long both took, in nanoseconds. */
  private static long nanos(Path directory, End far, End near) throws Exception {
    Path path = directory.resolve("bare.sock");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      Thread other =
          new Thread(
              () -> {
                try (SocketChannel channel = server.accept()) {
                  far.run(channel);
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      other.start();
      try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
        long began = System.nanoTime();
        near.run(channel);
        long took = System.nanoTime() - began;
        other.join();
        return took;
      }
    } finally {
      Files.deleteIfExists(path);
    }
  }

  /** Returns how long so many bytes take, in nanoseconds. */
  static long copyNanos(Path directory, long bytes) throws Exception {
    return nanos(
        directory,
        channel -> {
          ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
          for (long left = bytes; left > 0; ) {
            piece.clear().limit((int) Math.min(left, PIECE_BYTES));
            left -= piece.remaining();
            write(channel, piece);
          }
        },
        channel -> {
          ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
          for (long got = 0; got < bytes; ) {
            piece.clear();
            got += read(channel, piece);
          }
        });
  }

  /** Returns how long so many questions of 32 bytes with answers of 36 take, in nanoseconds. */
  static long pingPongNanos(Path directory, int rounds) throws Exception {
    return nanos(
        directory,
        channel -> {
          ByteBuffer question = ByteBuffer.allocateDirect(32);
          ByteBuffer answer = ByteBuffer.allocateDirect(36);
          for (int i = 0; i < rounds; i++) {
            fill(channel, question);
            write(channel, answer.clear());
          }
        },
        channel -> {
          ByteBuffer question = ByteBuffer.allocateDirect(32);
          ByteBuffer answer = ByteBuffer.allocateDirect(36);
          for (int i = 0; i < rounds; i++) {
            write(channel, question.clear());
            fill(channel, answer);
          }
        });
  }

  private static void write(SocketChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void fill(SocketChannel channel, ByteBuffer bytes) throws IOException {
    bytes.clear();
    while (bytes.hasRemaining()) {
      read(channel, bytes);
    }
  }

  private static int read(SocketChannel channel, ByteBuffer bytes) throws IOException {
    int count = channel.read(bytes);
    if (count < 0) {
      throw new IOException("the other end is gone");
    }
    return count;
  }
}
