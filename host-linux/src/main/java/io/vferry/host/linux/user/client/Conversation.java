package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The conversation with a server over one connection. After a message that makes no sense, or a
 * failure of the connection, it is over: the connection is closed and everything fails.
 *
 * <p>One thread at a time calls {@link #say}, one at a time calls {@link #hear}, and they may be
 * two; any thread may {@link #end}.
 */
final class Conversation {

  /**
   * A question whose reply is awaited.
   *
   * @param <T> what the reply is read into
   */
  static final class Question<T> {

    /** Absent if nobody wants the answer any more. */
    private @Nullable ReplyReader<T> reader;

    private @Nullable T answer;
    private int errno;
    private boolean answered;

    private Question(ReplyReader<T> reader) {
      this.reader = reader;
    }

    synchronized boolean answered() {
      return answered;
    }

    /**
     * Has the answer thrown away when it comes. One that is being read is read to its end first: it
     * goes where the one who asked wanted to have it.
     */
    synchronized void abandon() {
      reader = null;
    }

    /** Waits until it is answered or the conversation is over, or for some time. */
    synchronized void await(long nanos) throws InterruptedException {
      if (!answered) {
        TimeUnit.NANOSECONDS.timedWait(this, nanos);
      }
    }

    private synchronized void read(MessageConnection.Incoming incoming)
        throws MalformedMessageException, ConnectionException {
      ReplyReader<T> wanted = reader;
      if (wanted != null) {
        answer = wanted.read(incoming);
      }
      answered = true;
      notifyAll();
    }

    private synchronized void refused(int why) {
      errno = why;
      answered = true;
      notifyAll();
    }

    private synchronized void wake() {
      notifyAll();
    }
  }

  private final String server;
  private final MessageConnection connection;
  private final OrderTaker orders;
  private final ClientProtocol protocol;

  /** Guarded by {@code this}, as is what the protocol remembers. */
  private @Nullable Question<?> asked;

  private volatile @Nullable MigrationException over;

  private Conversation(
      String server, MessageConnection connection, OrderTaker orders, ClientProtocol protocol) {
    this.server = server;
    this.connection = connection;
    this.orders = orders;
    this.protocol = protocol;
  }

  /**
   * Returns one that has not begun.
   *
   * @param server for messages
   */
  static Conversation over(String server, MessageConnection connection, OrderTaker orders) {
    return new Conversation(server, connection, orders, new ClientProtocol(false));
  }

  /** Returns one over a second connection, on which the server gives its orders. */
  static Conversation ofOrders(String server, MessageConnection connection, OrderTaker orders) {
    return new Conversation(server, connection, orders, new ClientProtocol(true));
  }

  /** Says a command. */
  <T> Question<T> say(Request request, ReplyReader<T> reader) throws MigrationException {
    checkGoing();
    Question<T> question = new Question<>(reader);
    ByteBuffer head;
    synchronized (this) {
      asked = question;
      head = request.head(protocol.say(request.command(), request.payloadBytes()));
    }
    // Not under the lock: the server may want something before it takes all of this.
    try {
      if (request.data().hasRemaining()) {
        connection.send(request.files(), head, request.data());
      } else {
        connection.send(request.files(), head);
      }
    } catch (ConnectionException e) {
      throw lost("%s cannot be said".formatted(request.command()), e);
    }
    return question;
  }

  /**
   * Hears one message and does what it wants. Returns without one if none came in time.
   *
   * @param waitNanos how long to wait for it
   */
  void hear(long waitNanos) throws MigrationException {
    checkGoing();
    try {
      MessageConnection.Incoming incoming = connection.receive(waitNanos);
      hear(incoming);
      incoming.takeFiles().forEach(Fd::close);
    } catch (MalformedMessageException e) {
      throw lost("it breaks the protocol: " + e.getMessage(), e);
    } catch (ConnectionException e) {
      if (e.reason() != ConnectionException.Reason.NOTHING_CAME) {
        throw lost(String.valueOf(e.getMessage()), e);
      }
    }
  }

  private void hear(MessageConnection.Incoming incoming)
      throws MalformedMessageException, ConnectionException {
    MessageHeader header = MessageHeader.decode(incoming.header(), Integer.MAX_VALUE);
    ClientProtocol.Arrival arrival;
    Question<?> question;
    synchronized (this) {
      question = asked;
      arrival = protocol.hear(header);
    }
    if (arrival instanceof ClientProtocol.Reply reply) {
      if (question == null) {
        throw new IllegalStateException(reply.command() + " waits, but nobody asked");
      }
      if (reply.refused()) {
        // A refusal can carry a body, which nobody reads.
        question.refused(reply.errno());
      } else {
        question.read(incoming);
      }
    } else if (arrival instanceof ClientProtocol.Order order) {
      orders.take(header, order.command(), incoming, connection);
    } else if (arrival instanceof ClientProtocol.Nonsense nonsense && !header.noReply()) {
      refuse(header, nonsense.errno(), connection);
    }
  }

  /** Answers a command of the server with an error. */
  static void refuse(MessageHeader header, int errno, MessageConnection answers)
      throws ConnectionException {
    ByteBuffer refusal = ByteBuffer.allocate(MessageHeader.BYTES).order(ByteOrder.nativeOrder());
    header.refusal(errno).put(refusal);
    answers.send(List.of(), refusal.flip());
  }

  /**
   * Returns what the server answered.
   *
   * @throws KernelError if it refused
   */
  <T> T answer(Question<T> question, Request request) throws KernelError {
    synchronized (question) {
      return answerOf(question, request);
    }
  }

  private static <T> T answerOf(Question<T> question, Request request) throws KernelError {
    if (question.errno != 0) {
      throw new KernelError(request.command().name(), question.errno);
    }
    T answer = question.answer;
    if (answer == null) {
      throw new IllegalStateException(request.command() + " was not answered");
    }
    return answer;
  }

  /** Throws the reason if it is over. */
  void checkGoing() throws MigrationException {
    MigrationException end = over;
    if (end != null) {
      throw new MigrationException(end.code(), end.detail(), end).withCondition(end.condition());
    }
  }

  private MigrationException lost(String what, Exception cause) {
    MigrationException lost =
        new MigrationException(
                DeviceError.DEVICE_LOST,
                "the conversation with vfio-user server %s is over: %s".formatted(server, what),
                cause)
            .withCondition(DeviceCondition.LOST);
    end(lost);
    return lost;
  }

  /** Ends it; whoever waits, and whoever comes later, gets the reason, the first one. */
  void end(MigrationException reason) {
    Question<?> waiting;
    synchronized (this) {
      if (over == null) {
        over = reason;
      }
      waiting = asked;
    }
    connection.close();
    if (waiting != null) {
      waiting.wake();
    }
  }
}
