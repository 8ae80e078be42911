package io.vferry.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * The same bytes from one thread to another over a bare socket: what the pipeline is held against.
 */
final class BareCopy {

  private static final int BUFFER_BYTES = 256 << 10;

  private BareCopy() {}

  /** Returns how long so many bytes take over one TCP connection, in nanoseconds. */
  static long plainNanos(long bytes) throws Exception {
    try (ServerSocketChannel server =
        ServerSocketChannel.open()
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      Thread writer =
          new Thread(
              () -> {
                try (SocketChannel out = SocketChannel.open(server.getLocalAddress())) {
                  ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
                  for (long left = bytes; left > 0; ) {
                    buffer.clear().limit((int) Math.min(left, BUFFER_BYTES));
                    left -= buffer.remaining();
                    while (buffer.hasRemaining()) {
                      out.write(buffer);
                    }
                  }
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      long began = System.nanoTime();
      writer.start();
      try (SocketChannel in = server.accept()) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        for (long got = 0; got < bytes; ) {
          buffer.clear();
          int count = in.read(buffer);
          if (count < 0) {
            throw new IllegalStateException("the copy ended early");
          }
          got += count;
        }
      }
      long took = System.nanoTime() - began;
      writer.join();
      return took;
    }
  }

  /** The same over the JDK's own TLS 1.3 socket. */
  static long tlsNanos(long bytes, Path keys) throws Exception {
    SSLContext context = PemContext.of(keys);
    try (SSLServerSocket server =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      restrict(server);
      Thread writer =
          new Thread(
              () -> {
                try (SSLSocket out =
                    (SSLSocket)
                        context
                            .getSocketFactory()
                            .createSocket(
                                InetAddress.getLoopbackAddress(), server.getLocalPort())) {
                  out.setEnabledProtocols(new String[] {"TLSv1.3"});
                  out.setEnabledCipherSuites(new String[] {"TLS_AES_128_GCM_SHA256"});
                  byte[] buffer = new byte[BUFFER_BYTES];
                  for (long left = bytes; left > 0; ) {
                    int length = (int) Math.min(left, BUFFER_BYTES);
                    out.getOutputStream().write(buffer, 0, length);
                    left -= length;
                  }
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      long began = System.nanoTime();
      writer.start();
      try (SSLSocket in = (SSLSocket) server.accept()) {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (long got = 0; got < bytes; ) {
          int count = in.getInputStream().read(buffer);
          if (count < 0) {
            throw new IllegalStateException("the copy ended early");
          }
          got += count;
        }
      }
      long took = System.nanoTime() - began;
      writer.join();
      return took;
    }
  }

  private static void restrict(SSLServerSocket server) {
    server.setNeedClientAuth(true);
    server.setEnabledProtocols(new String[] {"TLSv1.3"});
    server.setEnabledCipherSuites(new String[] {"TLS_AES_128_GCM_SHA256"});
  }
}
