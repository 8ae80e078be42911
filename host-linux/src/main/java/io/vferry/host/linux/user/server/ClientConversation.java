package io.vferry.host.linux.user.server;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.socket.MessageSocket;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Carries messages between a socket and a session until one of them has enough.
 *
 * <p>As a rule one thread receives a command, lets the session answer it, and sends the answer.
 * Only when the device may wait for an answer of the client over the same socket, a second thread
 * carries out the commands, so that the first one can go on receiving.
 */
final class ClientConversation {

  /** What may wait for the second thread; more is an attack, since clients wait for answers. */
  private static final long LARGEST_QUEUE_BYTES = 64L << 20;

  private static final MessageSocket.Limits TWIN_LIMITS = MessageSocket.Limits.DEFAULT;

  private final MessageConnection connection;
  private final ServerSession session;
  private final MemoryConversation memory;

  private record Queued(MessageHeader header, ByteBuffer payload, List<ClientFile> files) {}

  private final BlockingQueue<Queued> queue = new LinkedBlockingQueue<>();
  private final AtomicLong queuedBytes = new AtomicLong();
  private @Nullable Thread worker;
  private volatile @Nullable String reason;

  ClientConversation(
      MessageConnection connection, ServerSession session, MemoryConversation memory) {
    this.connection = connection;
    this.session = session;
    this.memory = memory;
  }

  /** Talks until the end; returns why it ended, one sentence without a full stop. */
  String run() {
    try {
      while (reason == null) {
        step();
      }
    } catch (ConnectionException e) {
      if (e.header().isPresent()) {
        // So long that it is not even skipped: the last word to this client.
        sendQuietly(session.tooLong(MessageHeader.peek(e.header().get()), true));
      }
      end(String.valueOf(e.getMessage()));
    } finally {
      // What is said first is why it ended: what follows are consequences.
      String broken = memory.broken();
      if (broken != null) {
        reason = broken;
      }
      memory.end("the client is gone");
      stopWorker();
    }
    String why = reason;
    return why == null ? "it ended" : why;
  }

  private void end(String why) {
    if (reason == null) {
      reason = why;
    }
  }

  private void step() throws ConnectionException {
    MessageConnection.Incoming incoming = connection.receive(MessageConnection.NO_LIMIT);
    MessageHeader header;
    try {
      header = MessageHeader.decode(incoming.header(), Integer.MAX_VALUE);
    } catch (MalformedMessageException e) {
      sendQuietly(
          session.nonsense(MessageHeader.peek(incoming.header()), String.valueOf(e.getMessage())));
      end(String.valueOf(e.getMessage()));
      return;
    }
    if (header.isReply()) {
      if (header.sizeBytes() > session.largestMessageBytes()
          || !memory.take(header, incoming.body())) {
        end(
            "it answers %s with number %d, which nobody asked"
                .formatted(header.commandName(), header.messageId()));
      }
      return;
    }
    List<ClientFile> files = new ArrayList<>();
    for (Fd fd : incoming.takeFiles()) {
      files.add(new ReceivedFile(fd));
    }
    if (header.sizeBytes() > session.largestMessageBytes()) {
      files.forEach(ClientFile::close);
      send(session.tooLong(header, false));
      return;
    }
    ByteBuffer body;
    try {
      body = incoming.body();
    } catch (ConnectionException e) {
      files.forEach(ClientFile::close);
      throw e;
    }
    if (worker == null) {
      send(session.answer(header, body, files));
      if (!memory.overSecondSocket()) {
        memory.agreed(session.client(), null);
      }
      if (session.needsMessages() && !memory.overSecondSocket()) {
        worker = new Thread(this::work, "vferry-user-commands");
        worker.start();
      }
    } else {
      enqueue(header, body, files);
    }
  }

  private void enqueue(MessageHeader header, ByteBuffer body, List<ClientFile> files) {
    if (queuedBytes.addAndGet(header.sizeBytes()) > LARGEST_QUEUE_BYTES) {
      files.forEach(ClientFile::close);
      end("it sends command after command without waiting for an answer");
      return;
    }
    ByteBuffer copy =
        ByteBuffer.allocateDirect(body.remaining()).order(ByteOrder.nativeOrder()).put(body).flip();
    queue.add(new Queued(header, copy, files));
  }

  private void work() {
    try {
      while (true) {
        Queued next = queue.take();
        queuedBytes.addAndGet(-next.header.sizeBytes());
        try {
          send(session.answer(next.header, next.payload, next.files));
        } catch (ConnectionException e) {
          end(String.valueOf(e.getMessage()));
        }
        if (reason != null) {
          // Wakes the one who receives.
          connection.close();
          return;
        }
      }
    } catch (InterruptedException e) {
      // The conversation is over; what is left in the queue is thrown away by who stops this.
    }
  }

  private void stopWorker() {
    Thread other = worker;
    if (other == null) {
      return;
    }
    other.interrupt();
    boolean interrupted = false;
    while (other.isAlive()) {
      try {
        other.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    queue.forEach(queued -> queued.files.forEach(ClientFile::close));
    queue.clear();
  }

  private void send(Answer answer) throws ConnectionException {
    if (answer.twinSocket()) {
      sendWithTwin(answer);
    } else if (answer.message().hasRemaining()) {
      try {
        connection.send(answer.files(), answer.message());
      } finally {
        answer.files().forEach(Fd::close);
      }
    }
    answer.hangUp().ifPresent(this::end);
  }

  private void sendQuietly(Answer answer) {
    try {
      send(answer);
    } catch (ConnectionException e) {
      // It is over anyway.
    }
  }

  private void sendWithTwin(Answer answer) throws ConnectionException {
    List<Fd> pair;
    try {
      pair = MessageSocket.pair();
    } catch (KernelError e) {
      throw new ConnectionException(
          ConnectionException.Reason.FAILED,
          "no second socket can be made: " + Errno.text(e.errno()));
    }
    memory.agreed(session.client(), new MessageSocket(pair.get(0), TWIN_LIMITS));
    try {
      connection.send(List.of(pair.get(1)), answer.message());
    } finally {
      pair.get(1).close();
    }
  }

  /**
   * Begins a conversation over a connection and carries it to its end.
   *
   * @param clock as in {@link UserServer#listen}
   */
  static void over(
      MessageConnection connection,
      ServedDevice device,
      ServerSettings settings,
      HostClock clock,
      ServerListener listener)
      throws MigrationException {
    MemoryConversation memory = new MemoryConversation(connection, settings, clock);
    ServerSession session = new ServerSession(device, settings, memory, listener);
    String why;
    try {
      why = new ClientConversation(connection, session, memory).run();
    } finally {
      connection.close();
      session.close();
    }
    listener.disconnected(why, session.counters());
  }
}
