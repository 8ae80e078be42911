package io.vferry.runtime.transport;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A connection that nothing protects. */
final class TcpLink implements Link {

  private final SocketChannel channel;
  private final String peer;

  /**
   * Takes charge of a connected channel in blocking mode.
   *
   * @param peer its other end, for messages
   */
  TcpLink(SocketChannel channel, String peer) throws IOException {
    this.channel = channel;
    this.peer = peer;
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  @Override
  public long read(ByteBuffer[] into) throws IOException {
    return into.length == 1 ? channel.read(into[0]) : channel.read(into);
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) throws IOException {
    return channel.write(from, offset, length);
  }

  @Override
  public void shutdownOutput() throws IOException {
    channel.shutdownOutput();
  }

  @Override
  public String peer() {
    return peer;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      System.getLogger(TcpLink.class.getName())
          .log(System.Logger.Level.DEBUG, "closing the connection to " + peer, e);
    }
  }
}
