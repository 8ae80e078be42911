package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Optional;

/** Makes links of channels, and lets the two ends of a link get to know each other. */
final class Handshake {

  private final Optional<TlsCredentials> credentials;

  /**
   * Reads the credentials.
   *
   * @throws MigrationException {@code TRANSPORT_BAD_CREDENTIALS}
   */
  Handshake(Security security) throws MigrationException {
    this.credentials =
        security instanceof Security.Tls tls
            ? Optional.of(TlsCredentials.load(tls))
            : Optional.empty();
  }

  /** Puts a connected channel under the protection that was asked for; waits for the other side. */
  Link open(SocketChannel channel, boolean client, InetSocketAddress peer) throws IOException {
    String name = peer.getHostString() + ":" + peer.getPort();
    return credentials.isPresent()
        ? TlsLink.open(channel, name, credentials.get().engine(client, peer.getPort()))
        : new TcpLink(channel, name);
  }

  /**
   * Presents a connection to the destination.
   *
   * @throws MigrationException {@code TRANSPORT_HANDSHAKE_FAILED} if it is not welcome
   */
  static Hello.Answer greet(Link link, Hello hello) throws IOException, MigrationException {
    write(link, hello.encode());
    try {
      // A TLS alert is shorter than an answer.
      ByteBuffer start = read(link, Hello.TELLTALE_BYTES);
      Hello.checkNotTls(start);
      ByteBuffer header =
          ByteBuffer.allocate(Hello.Answer.HEADER_BYTES)
              .put(start)
              .put(read(link, Hello.Answer.HEADER_BYTES - Hello.TELLTALE_BYTES))
              .flip();
      int textBytes = Hello.Answer.textBytes(header);
      ByteBuffer whole =
          ByteBuffer.allocate(Hello.Answer.HEADER_BYTES + textBytes)
              .put(header)
              .put(read(link, textBytes))
              .flip();
      Hello.Answer answer = Hello.Answer.read(whole);
      if (!answer.welcome()) {
        throw failed("the destination %s refused: %s".formatted(link.peer(), answer.why()));
      }
      if (answer.windowBytes() < Chunk.MAX_LENGTH_BYTES) {
        throw failed(
            "the destination %s grants a window of %d bytes"
                .formatted(link.peer(), answer.windowBytes()));
      }
      return answer;
    } catch (Hello.Unreadable e) {
      throw failed("no agreement with %s: %s".formatted(link.peer(), e.getMessage()));
    }
  }

  private static MigrationException failed(String detail) {
    return new MigrationException(RuntimeError.TRANSPORT_HANDSHAKE_FAILED, detail);
  }

  /** Reads exactly so many bytes. */
  static ByteBuffer read(Link link, int bytes) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(bytes);
    ByteBuffer[] array = {into};
    while (into.hasRemaining()) {
      if (link.read(array) < 0) {
        throw new EOFException("it ends within the handshake");
      }
    }
    return into.flip();
  }

  /** Writes all bytes. */
  static void write(Link link, ByteBuffer from) throws IOException {
    ByteBuffer[] array = {from};
    while (from.hasRemaining()) {
      link.write(array, 0, 1);
    }
  }
}
