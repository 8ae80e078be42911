package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks a server, one question after the other, whichever thread asks.
 *
 * <p>As long as the server has nothing to say by itself on this connection, whoever asks hears the
 * answer itself, which saves a change of threads. Once it may give orders, which is when the device
 * has memory, {@link #listen} has a thread hear everything.
 */
final class ClientChannel implements AutoCloseable {

  /** Says whether somebody still wants an answer. */
  @FunctionalInterface
  interface Wanted {
    /** Throws if nobody does. */
    void check() throws MigrationException;
  }

  /**
   * A question that was asked.
   *
   * @param endNanos when it has to be answered
   */
  private record Asked(Command command, Conversation.Question<?> question, long endNanos) {}

  /** How often one who waits looks whether the answer is still wanted. */
  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final String server;
  private final Conversation conversation;
  private final long deadlineNanos;
  private final LongSupplier nanoTime;

  /** One question at a time. */
  private final Object asking = new Object();

  /** Who hears what. */
  private final Map<Thread, Conversation> threads = new HashMap<>();

  private boolean listening;

  /** What nobody waits for any more and is not known to be answered. */
  private @Nullable Asked late;

  /**
   * Creates a channel.
   *
   * @param deadlineNanos how long the server may take to answer
   */
  ClientChannel(
      String server, Conversation conversation, long deadlineNanos, LongSupplier nanoTime) {
    this.server = server;
    this.conversation = conversation;
    this.deadlineNanos = deadlineNanos;
    this.nanoTime = nanoTime;
  }

  /**
   * Asks and waits for the answer.
   *
   * @throws KernelError if the server refuses
   * @throws MigrationException {@code DEVICE_LOST} if it does not answer, or not as it should
   */
  <T> T ask(Request request, ReplyReader<T> reader) throws KernelError, MigrationException {
    return ask(request, reader, () -> {});
  }

  /**
   * Asks and waits for the answer as long as somebody wants it. One that comes later is thrown
   * away; nothing else is asked before it is there, and the server has no more time for it than it
   * had.
   *
   * @param wanted throws if nobody wants it any more; asked now and then
   */
  <T> T ask(Request request, ReplyReader<T> reader, Wanted wanted)
      throws KernelError, MigrationException {
    synchronized (asking) {
      conversation.checkGoing();
      Asked before = late;
      if (before != null) {
        await(before, wanted);
        late = null;
      }
      Conversation.Question<T> question = conversation.say(request, reader);
      await(new Asked(request.command(), question, nanoTime.getAsLong() + deadlineNanos), wanted);
      return conversation.answer(question, request);
    }
  }

  private void await(Asked asked, Wanted wanted) throws MigrationException {
    Conversation.Question<?> question = asked.question;
    boolean interrupted = false;
    try {
      while (!question.answered()) {
        wanted.check();
        long left = asked.endNanos - nanoTime.getAsLong();
        if (left <= 0) {
          throw tooLate(asked.command);
        }
        long slice = Math.min(left, SLICE_NANOS);
        if (!listening) {
          conversation.hear(slice);
          continue;
        }
        conversation.checkGoing();
        try {
          question.await(slice);
        } catch (InterruptedException e) {
          // The answer comes, or the time ends; a question cannot be taken back.
          interrupted = true;
        }
      }
    } catch (MigrationException e) {
      question.abandon();
      late = asked;
      throw e;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private MigrationException tooLate(Command command) {
    MigrationException failure =
        new MigrationException(
                DeviceError.DEVICE_LOST,
                "the conversation with vfio-user server %s is over: it did not answer %s within %d ms; raise deadline= if it needs longer"
                    .formatted(server, command, TimeUnit.NANOSECONDS.toMillis(deadlineNanos)))
            .withCondition(DeviceCondition.LOST);
    conversation.end(failure);
    return failure;
  }

  /** Has a thread hear what the server says by itself on this connection, from now on. */
  void listen() {
    synchronized (asking) {
      if (!listening) {
        listening = true;
        start("vfio-user-" + server, conversation);
      }
    }
  }

  /** Has a thread take the orders that come over a second connection; one without is no more. */
  void listenTo(Conversation second) {
    start("vfio-user-orders-" + server, second);
  }

  private synchronized void start(String name, Conversation from) {
    Thread thread =
        new Thread(
            () -> {
              try {
                while (true) {
                  from.hear(MessageConnection.NO_LIMIT);
                }
              } catch (MigrationException e) {
                // Who asks is told. Without the second connection the device cannot work either.
                conversation.end(e);
              }
            },
            name);
    thread.setDaemon(true);
    threads.put(thread, from);
    thread.start();
  }

  /** Ends the conversation. When this returns no order is being carried out any more. */
  @Override
  public void close() {
    MigrationException closed =
        new MigrationException(
                DeviceError.SESSION_CLOSED,
                "the device at vfio-user server %s was closed".formatted(server))
            .withCondition(DeviceCondition.UNKNOWN);
    conversation.end(closed);
    List<Thread> ending;
    synchronized (this) {
      threads.values().forEach(from -> from.end(closed));
      ending = List.copyOf(threads.keySet());
    }
    boolean interrupted = false;
    for (Thread thread : ending) {
      while (thread != Thread.currentThread() && thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
