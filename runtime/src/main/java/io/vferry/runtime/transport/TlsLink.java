package io.vferry.runtime.transport;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;

/**
 * A connection under TLS, over a channel in blocking mode.
 *
 * <p>Records are gathered in one buffer, so that a chunk of 256 KiB costs one system call.
 * Decrypted bytes go straight to the caller; only of the last record of a read may a part have to
 * be kept. The end of the stream is not trusted: frames say themselves where a connection ends, so
 * a truncation is found without a TLS closure alert, and {@link #close} need not wait to send one.
 *
 * <p>The library tls-channel would do the same, but its jar (0.10.1) has no module name of its own,
 * so that no published module can require it, and it took more processor time for each byte.
 */
final class TlsLink implements Link {

  private static final int RECORDS_PER_WRITE = 17;
  private static final ByteBuffer[] NOTHING = {ByteBuffer.allocate(0)};

  /** A stranger may send no more than this before both sides have proved who they are. */
  private static final int MAX_HANDSHAKE_BYTES = 256 << 10;

  private final SocketChannel channel;
  private final TcpLink raw;
  private final SSLEngine engine;
  private final ReentrantLock writeLock = new ReentrantLock();

  /** Encrypted bytes to send, from 0 to position. */
  private final ByteBuffer toSend;

  /** Encrypted bytes received, from position to limit. */
  private final ByteBuffer received;

  /** Decrypted bytes for which a reader had no room, from position to limit. */
  private final ByteBuffer kept;

  private TlsLink(SocketChannel channel, String peer, SSLEngine engine) throws IOException {
    this.channel = channel;
    this.raw = new TcpLink(channel, peer);
    this.engine = engine;
    int record = engine.getSession().getPacketBufferSize();
    this.toSend = ByteBuffer.allocateDirect(RECORDS_PER_WRITE * record);
    this.received = ByteBuffer.allocateDirect(RECORDS_PER_WRITE * record).limit(0);
    this.kept = ByteBuffer.allocateDirect(engine.getSession().getApplicationBufferSize()).limit(0);
  }

  /**
   * Shakes hands; waits for the other side, until somebody closes the channel.
   *
   * @throws SSLException if the two sides do not trust or understand each other
   */
  static TlsLink open(SocketChannel channel, String peer, SSLEngine engine) throws IOException {
    TlsLink link = new TlsLink(channel, peer, engine);
    engine.beginHandshake();
    try {
      link.shakeHands();
    } catch (SSLException e) {
      link.sendAlert(e);
      throw e;
    }
    return link;
  }

  private void shakeHands() throws IOException {
    long budget = MAX_HANDSHAKE_BYTES;
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case FINISHED, NOT_HANDSHAKING -> {
          return;
        }
        case NEED_TASK -> runTasks();
        case NEED_WRAP -> {
          wrap(NOTHING, 0, 1);
          send();
        }
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          // The record after the last one of the handshake may be data already, so it is kept.
          SSLEngineResult result = unwrap(NOTHING);
          if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
            int count = receive();
            if (count < 0) {
              throw new EOFException("it ends within the TLS handshake");
            }
            budget -= count;
            if (budget < 0) {
              throw new SSLException("the other side's TLS handshake does not end");
            }
          }
        }
      }
    }
  }

  /** Lets the other side know why it is refused, as far as it still listens. */
  private void sendAlert(SSLException why) {
    try {
      while (engine.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_WRAP) {
        if (wrap(NOTHING, 0, 1).bytesProduced() == 0) {
          break;
        }
        send();
      }
      channel.shutdownOutput();
      // Bytes not read when a socket is closed would make the kernel take back the alert.
      long left = MAX_HANDSHAKE_BYTES;
      while (left > 0) {
        received.clear();
        int count = channel.read(received);
        if (count < 0) {
          return;
        }
        left -= count;
      }
    } catch (IOException e) {
      why.addSuppressed(e);
    } finally {
      received.limit(0).position(0);
    }
  }

  private void runTasks() {
    Runnable task = engine.getDelegatedTask();
    while (task != null) {
      task.run();
      task = engine.getDelegatedTask();
    }
  }

  @Override
  public long read(ByteBuffer[] into) throws IOException {
    long count = drainKept(into);
    while (hasRoom(into)) {
      SSLEngineResult result = unwrap(into);
      count += result.bytesProduced() - kept.remaining();
      switch (result.getStatus()) {
        case OK -> {
          afterUnwrap(result);
          if (kept.hasRemaining()) {
            return count;
          }
        }
        case CLOSED -> {
          return count > 0 ? count : -1;
        }
        case BUFFER_UNDERFLOW -> {
          if (count > 0) {
            return count;
          }
          if (receive() < 0) {
            return -1;
          }
        }
        case BUFFER_OVERFLOW -> throw new SSLException("a TLS record is longer than allowed");
      }
    }
    return count;
  }

  private void afterUnwrap(SSLEngineResult result) throws IOException {
    switch (result.getHandshakeStatus()) {
      case NEED_TASK -> runTasks();
      case NEED_WRAP -> {
        // The answer to a key update. A writer that is at work sends it along with its own.
        if (writeLock.tryLock()) {
          try {
            wrap(NOTHING, 0, 1);
            send();
          } finally {
            writeLock.unlock();
          }
        }
      }
      case FINISHED, NOT_HANDSHAKING, NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
        // The next record decides.
      }
    }
  }

  private long drainKept(ByteBuffer[] into) {
    int before = kept.remaining();
    for (ByteBuffer buffer : into) {
      int count = Math.min(kept.remaining(), buffer.remaining());
      if (count > 0) {
        buffer.put(kept.duplicate().limit(kept.position() + count));
        kept.position(kept.position() + count);
      }
    }
    return before - kept.remaining();
  }

  private static boolean hasRoom(ByteBuffer[] into) {
    for (ByteBuffer buffer : into) {
      if (buffer.hasRemaining()) {
        return true;
      }
    }
    return false;
  }

  /** Decrypts one record into the buffers and, what is too much for them, into {@link #kept}. */
  private SSLEngineResult unwrap(ByteBuffer[] into) throws SSLException {
    ByteBuffer[] all = new ByteBuffer[into.length + 1];
    System.arraycopy(into, 0, all, 0, into.length);
    all[into.length] = kept;
    kept.compact();
    try {
      return engine.unwrap(received, all);
    } finally {
      kept.flip();
    }
  }

  private int receive() throws IOException {
    received.compact();
    try {
      return channel.read(received);
    } finally {
      received.flip();
    }
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) throws IOException {
    writeLock.lock();
    try {
      int record = engine.getSession().getPacketBufferSize();
      long consumed = 0;
      boolean more = true;
      while (more && toSend.remaining() >= record) {
        SSLEngineResult result = wrap(from, offset, length);
        if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
          throw new EOFException("the other side has ended the TLS connection");
        }
        consumed += result.bytesConsumed();
        more = hasRoom(from, offset, length) && result.bytesProduced() > 0;
      }
      send();
      return consumed;
    } finally {
      writeLock.unlock();
    }
  }

  private static boolean hasRoom(ByteBuffer[] from, int offset, int length) {
    for (int i = offset; i < offset + length; i++) {
      if (from[i].hasRemaining()) {
        return true;
      }
    }
    return false;
  }

  private SSLEngineResult wrap(ByteBuffer[] from, int offset, int length) throws SSLException {
    SSLEngineResult result = engine.wrap(from, offset, length, toSend);
    if (result.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NEED_TASK) {
      runTasks();
    }
    return result;
  }

  private void send() throws IOException {
    toSend.flip();
    try {
      while (toSend.hasRemaining()) {
        channel.write(toSend);
      }
    } finally {
      toSend.clear();
    }
  }

  @Override
  public void shutdownOutput() throws IOException {
    raw.shutdownOutput();
  }

  @Override
  public String peer() {
    return raw.peer();
  }

  @Override
  public void close() {
    raw.close();
  }
}
