package io.vferry.host.linux.user.server;

import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Capabilities;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DmaAccessMessage;
import io.vferry.host.linux.user.wire.DmaLayout;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The server's own commands, by which the device reaches memory that only the client has: one at a
 * time, each with its answer.
 *
 * <p>Over a second socket whoever asks reads the answer as well. Over the only socket somebody else
 * reads, who hands replies to {@link #take}. A client that does not answer in time loses its
 * connection: what it would say later belongs to nothing any more. When that is, the clock tells.
 */
final class MemoryConversation implements MemoryMessages {

  private final MessageConnection main;
  private final ServerSettings settings;
  private final HostClock clock;
  private volatile @Nullable MessageConnection twin;
  private volatile int xferBytes = Capabilities.DEFAULT_MAX_DATA_XFER_SIZE;
  private final Object turn = new Object();
  private int nextId;

  /**
   * A question.
   *
   * @param endNanos when it has to be answered
   */
  private record Waiting(MessageHeader command, long endNanos, CompletableFuture<Came> reply) {}

  private record Came(MessageHeader header, ByteBuffer payload) {}

  /** Why nothing can be asked any more. */
  private record Ending(DeviceError code, String why) {

    MigrationException failure() {
      return new MigrationException(code, "the client's memory cannot be reached: " + why);
    }
  }

  private final AtomicReference<@Nullable Ending> ending = new AtomicReference<>();

  /** The question that is open; whoever takes it away decides how it ends. */
  private final AtomicReference<@Nullable Waiting> waiting = new AtomicReference<>();

  /**
   * Whether a task of the clock looks after the open question. One task serves all questions that
   * come before its time: a device asks thousands in a second, and each task of its own would wake
   * a thread.
   */
  private final AtomicBoolean watching = new AtomicBoolean();

  private final AtomicReference<HostClock.@Nullable Scheduled> watch = new AtomicReference<>();

  /**
   * Creates one.
   *
   * @param clock by which a client that does not answer is given up; its tasks must run even while
   *     devices wait here
   */
  MemoryConversation(MessageConnection main, ServerSettings settings, HostClock clock) {
    this.main = main;
    this.settings = settings;
    this.clock = clock;
  }

  /** Says how much the client takes at once, and over which socket it wants to be asked. */
  void agreed(Capabilities client, @Nullable MessageConnection second) {
    xferBytes = Math.min(client.effectiveMaxDataXferSize(), settings.maxDataXferSize());
    twin = second;
  }

  boolean overSecondSocket() {
    return twin != null;
  }

  /** Lets all who wait, and all who come later, fail. */
  void end(String why) {
    end(DeviceError.DEVICE_LOST, why);
  }

  private void end(DeviceError code, String why) {
    ending.compareAndSet(null, new Ending(code, why));
    Waiting now = waiting.get();
    if (now != null) {
      now.reply.completeExceptionally(new IllegalStateException(why));
    }
    HostClock.Scheduled task = watch.getAndSet(null);
    if (task != null) {
      task.cancel();
    }
    MessageConnection second = twin;
    if (second != null) {
      second.close();
    }
  }

  /**
   * Takes a reply that came over the only socket.
   *
   * @param payload copied
   * @return whether somebody waits for it
   */
  boolean take(MessageHeader header, ByteBuffer payload) {
    Waiting now = waiting.get();
    if (now == null || !answers(header, now.command)) {
      return false;
    }
    return now.reply.complete(came(header, payload));
  }

  private static Came came(MessageHeader header, ByteBuffer payload) {
    return new Came(
        header,
        ByteBuffer.allocate(payload.remaining())
            .order(ByteOrder.nativeOrder())
            .put(payload)
            .flip());
  }

  private static boolean answers(MessageHeader reply, MessageHeader command) {
    return reply.isReply()
        && reply.messageId() == command.messageId()
        && reply.command() == command.command();
  }

  @Override
  public void read(long address, ByteBuffer into) throws MigrationException {
    DmaLayout layout = settings.dmaLayout();
    long at = address;
    while (into.hasRemaining()) {
      int count = Math.min(xferBytes, into.remaining());
      Came reply =
          ask(
              Command.DMA_READ,
              DmaAccessMessage.withoutData(layout, at, count),
              ByteBuffer.allocate(0));
      try {
        DmaAccessMessage answer =
            DmaAccessMessage.decodeWithData(Command.DMA_READ, layout, reply.payload, count);
        check(answer, at, count);
        into.put(answer.data());
      } catch (MalformedMessageException e) {
        throw hangUp(DeviceError.IO_FAILED, "the client answers wrongly: " + e.getMessage());
      }
      at += count;
    }
  }

  @Override
  public void write(long address, ByteBuffer from) throws MigrationException {
    DmaLayout layout = settings.dmaLayout();
    long at = address;
    while (from.hasRemaining()) {
      int count = Math.min(xferBytes, from.remaining());
      ByteBuffer piece = from.slice(from.position(), count);
      Came reply = ask(Command.DMA_WRITE, DmaAccessMessage.withoutData(layout, at, count), piece);
      try {
        // That of QEMU 10.2 has no payload here.
        if (layout == DmaLayout.CURRENT) {
          check(
              DmaAccessMessage.decodeWithoutData(Command.DMA_WRITE, layout, reply.payload, count),
              at,
              count);
        }
      } catch (MalformedMessageException e) {
        throw hangUp(DeviceError.IO_FAILED, "the client answers wrongly: " + e.getMessage());
      }
      from.position(from.position() + count);
      at += count;
    }
  }

  private void check(DmaAccessMessage answer, long address, int count) throws MigrationException {
    if (answer.address() != address || answer.count() != count) {
      throw hangUp(
          DeviceError.IO_FAILED,
          "the client was asked for %d bytes at 0x%x, and answers for %d at 0x%x"
              .formatted(count, address, answer.count(), answer.address()));
    }
  }

  /**
   * Asks and waits; returns an answer that is no refusal.
   *
   * @param data what follows the fields; not copied
   */
  private Came ask(Command command, DmaAccessMessage fields, ByteBuffer data)
      throws MigrationException {
    Came reply;
    synchronized (turn) {
      MessageHeader header =
          MessageHeader.command(nextId++ & 0xffff, command, fields.sizeBytes() + data.remaining());
      ByteBuffer head =
          ByteBuffer.allocate(MessageHeader.BYTES + fields.sizeBytes())
              .order(ByteOrder.nativeOrder());
      header.put(head);
      fields.put(head);
      long endNanos = clock.nanoTime() + settings.dmaDeadlineNanos();
      reply = inTime(new Waiting(header, endNanos, new CompletableFuture<>()), head.flip(), data);
    }
    if (reply.header.error()) {
      throw new MigrationException(
              DeviceError.IO_FAILED,
              "the client refuses %s of %d bytes at 0x%x"
                  .formatted(command, fields.count(), fields.address()))
          .withErrno(reply.header.effectiveErrno());
    }
    return reply;
  }

  private Came inTime(Waiting mine, ByteBuffer... message) throws MigrationException {
    waiting.set(mine);
    watch();
    try {
      // After the question is there to be seen by who ends the conversation.
      Ending before = ending.get();
      if (before != null) {
        throw before.failure();
      }
      MessageConnection second = twin;
      return second == null ? overMain(mine, message) : over(second, mine.command, message);
    } catch (ConnectionException | ExecutionException e) {
      Ending over = ending.get();
      throw over != null
          ? over.failure()
          : hangUp(
              DeviceError.DEVICE_LOST, "the client's memory cannot be reached: " + e.getMessage());
    } catch (MalformedMessageException e) {
      throw hangUp(DeviceError.IO_FAILED, "the client answers wrongly: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw hangUp(
          DeviceError.INTERRUPTED, "interrupted while the client was to answer for its memory");
    } finally {
      waiting.compareAndSet(mine, null);
    }
  }

  private void watch() {
    if (watching.compareAndSet(false, true)) {
      lookIn(settings.dmaDeadlineNanos());
    }
  }

  private void lookIn(long nanos) {
    watch.set(clock.schedule(nanos, this::look));
  }

  private void look() {
    Waiting now = waiting.get();
    if (now == null) {
      watching.set(false);
      if (waiting.get() != null) {
        // It was asked just now, and found itself watched.
        watch();
      }
      return;
    }
    long leftNanos = now.endNanos - clock.nanoTime();
    if (leftNanos > 0) {
      lookIn(leftNanos);
    } else {
      watching.set(false);
      tooLate(now);
    }
  }

  /** Gives the client up if the question is still open. */
  private void tooLate(Waiting asked) {
    if (waiting.get() == asked && !asked.reply.isDone()) {
      hangUp(
          DeviceError.TIMEOUT,
          "the client did not answer %s within %d ms"
              .formatted(
                  asked.command.commandName(),
                  TimeUnit.NANOSECONDS.toMillis(settings.dmaDeadlineNanos())));
    }
  }

  private Came over(MessageConnection second, MessageHeader command, ByteBuffer... message)
      throws ConnectionException, MalformedMessageException, MigrationException {
    second.send(List.of(), message);
    MessageConnection.Incoming incoming = second.receive(MessageConnection.NO_LIMIT);
    MessageHeader header =
        MessageHeader.decode(incoming.header(), command.sizeBytes() + xferBytes + 64);
    if (!answers(header, command)) {
      throw hangUp(
          DeviceError.IO_FAILED,
          "the client was asked %s with number %d, and answers %s with number %d"
              .formatted(
                  command.commandName(),
                  command.messageId(),
                  header.commandName(),
                  header.messageId()));
    }
    return came(header, incoming.body());
  }

  private Came overMain(Waiting mine, ByteBuffer... message)
      throws ConnectionException, InterruptedException, ExecutionException {
    main.send(List.of(), message);
    return mine.reply.get();
  }

  /** Ends the conversation, since nobody knows any more what the next bytes belong to. */
  private MigrationException hangUp(DeviceError code, String why) {
    end(code, why);
    main.close();
    return new MigrationException(code, why);
  }

  /** Returns why the conversation was ended from here, if it was. */
  @Nullable String broken() {
    Ending over = ending.get();
    return over == null ? null : over.why;
  }
}
