package io.vferry.host.linux.user.server;

import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Capabilities;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DmaAccessMessage;
import io.vferry.host.linux.user.wire.DmaLayout;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The server's own commands, by which the device reaches memory that only the client has: one at a
 * time, each with its answer.
 *
 * <p>Over a second socket whoever asks reads the answer as well. Over the only socket somebody else
 * reads, who hands replies to {@link #take}. A client that does not answer in time loses its
 * connection: what it would say later belongs to nothing any more.
 */
final class MemoryConversation implements MemoryMessages {

  private final MessageConnection main;
  private final ServerSettings settings;
  private volatile @Nullable MessageConnection twin;
  private volatile int xferBytes = Capabilities.DEFAULT_MAX_DATA_XFER_SIZE;
  private volatile @Nullable String broken;
  private final Object turn = new Object();
  private int nextId;

  private record Waiting(MessageHeader command, CompletableFuture<Came> reply) {}

  private record Came(MessageHeader header, ByteBuffer payload) {}

  private volatile @Nullable Waiting waiting;

  MemoryConversation(MessageConnection main, ServerSettings settings) {
    this.main = main;
    this.settings = settings;
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
    if (broken == null) {
      broken = why;
    }
    Waiting now = waiting;
    if (now != null) {
      now.reply.completeExceptionally(new IllegalStateException(why));
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
    Waiting now = waiting;
    if (now == null || !answers(header, now.command)) {
      return false;
    }
    ByteBuffer copy =
        ByteBuffer.allocate(payload.remaining()).order(ByteOrder.nativeOrder()).put(payload).flip();
    return now.reply.complete(new Came(header, copy));
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
          ask(Command.DMA_READ, DmaAccessMessage.withoutData(layout, at, count), at, count);
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
      Came reply = ask(Command.DMA_WRITE, DmaAccessMessage.withData(layout, at, piece), at, count);
      try {
        // The old layout has no payload here, or a shorter one.
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

  /** Asks and waits; returns an answer that is no refusal. */
  private Came ask(Command command, Payload payload, long address, int count)
      throws MigrationException {
    Came reply;
    synchronized (turn) {
      if (broken != null) {
        throw new MigrationException(
            DeviceError.DEVICE_LOST, "the client's memory cannot be reached: " + broken);
      }
      MessageHeader header = MessageHeader.command(nextId++ & 0xffff, command, payload.sizeBytes());
      ByteBuffer message =
          ByteBuffer.allocateDirect(header.sizeBytes()).order(ByteOrder.nativeOrder());
      header.put(message);
      payload.put(message);
      message.flip();
      MessageConnection second = twin;
      reply = second == null ? overMain(header, message) : over(second, header, message);
    }
    if (reply.header.error()) {
      throw new MigrationException(
              DeviceError.IO_FAILED,
              "the client refuses %s of %d bytes at 0x%x".formatted(command, count, address))
          .withErrno(reply.header.effectiveErrno());
    }
    return reply;
  }

  private Came over(MessageConnection second, MessageHeader command, ByteBuffer message)
      throws MigrationException {
    try {
      second.send(List.of(), message);
      MessageConnection.Incoming incoming = second.receive(settings.dmaDeadlineNanos());
      MessageHeader header =
          MessageHeader.decode(incoming.header(), message.capacity() + xferBytes + 64);
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
      ByteBuffer body = incoming.body();
      return new Came(
          header,
          ByteBuffer.allocate(body.remaining()).order(ByteOrder.nativeOrder()).put(body).flip());
    } catch (ConnectionException e) {
      throw hangUp(
          e.reason() == ConnectionException.Reason.TIMED_OUT
              ? DeviceError.TIMEOUT
              : DeviceError.DEVICE_LOST,
          "the client's memory cannot be reached: " + e.getMessage());
    } catch (MalformedMessageException e) {
      throw hangUp(DeviceError.IO_FAILED, "the client answers wrongly: " + e.getMessage());
    }
  }

  private Came overMain(MessageHeader command, ByteBuffer message) throws MigrationException {
    Waiting mine = new Waiting(command, new CompletableFuture<>());
    waiting = mine;
    try {
      main.send(List.of(), message);
      return mine.reply.get(settings.dmaDeadlineNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw hangUp(
          DeviceError.TIMEOUT,
          "the client did not answer %s within %d ms"
              .formatted(
                  command.commandName(),
                  TimeUnit.NANOSECONDS.toMillis(settings.dmaDeadlineNanos())));
    } catch (ExecutionException | ConnectionException e) {
      throw hangUp(
          DeviceError.DEVICE_LOST, "the client's memory cannot be reached: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw hangUp(
          DeviceError.INTERRUPTED, "interrupted while the client was to answer for its memory");
    } finally {
      waiting = null;
    }
  }

  /** Ends the conversation, since nobody knows any more what the next bytes belong to. */
  private MigrationException hangUp(DeviceError code, String why) {
    end(why);
    main.close();
    return new MigrationException(code, why);
  }

  /** Returns why the conversation was ended from here, if it was. */
  @Nullable String broken() {
    return broken;
  }
}
