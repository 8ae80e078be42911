package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Asks a server, one question after the other, whichever thread asks.
 *
 * <p>As long as the server has nothing to say by itself on this connection, whoever asks hears the
 * answer itself, which saves a change of threads. Once it may give orders, {@link #listen} has a
 * thread hear everything.
 */
final class ClientChannel implements AutoCloseable {

  private final String server;
  private final Conversation conversation;
  private final long deadlineNanos;
  private final LongSupplier nanoTime;

  /** One question at a time. */
  private final Object asking = new Object();

  /** Who hears what. */
  private final Map<Thread, Conversation> threads = new HashMap<>();

  private boolean listening;

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
    synchronized (asking) {
      Conversation.Question<T> question = conversation.say(request, reader);
      long end = nanoTime.getAsLong() + deadlineNanos;
      boolean interrupted = false;
      try {
        while (!question.answered()) {
          long left = end - nanoTime.getAsLong();
          if (left <= 0) {
            throw tooLate(request);
          }
          if (!listening) {
            conversation.hear(left);
            continue;
          }
          conversation.checkGoing();
          try {
            question.await(left);
          } catch (InterruptedException e) {
            // The answer comes, or the time ends; a question cannot be taken back.
            interrupted = true;
          }
        }
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
      return conversation.answer(question, request);
    }
  }

  private MigrationException tooLate(Request request) {
    MigrationException failure =
        new MigrationException(
                DeviceError.DEVICE_LOST,
                "the conversation with vfio-user server %s is over: it did not answer %s within %d ms; raise deadline= if it needs longer"
                    .formatted(
                        server, request.command(), TimeUnit.NANOSECONDS.toMillis(deadlineNanos)))
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
