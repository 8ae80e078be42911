package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Fd;
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
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The server's questions, with a client that answers while they are being sent. */
class MemoryConversationTest {

  private static final long BASE = 0x10000;

  /** A client that takes four bytes at once. */
  private static final Capabilities SMALL =
      new Capabilities(
          OptionalInt.of(8),
          OptionalLong.of(4),
          OptionalLong.empty(),
          OptionalLong.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  private final List<String> asked = new ArrayList<>();
  private final byte[] memory = "abcdefghijklmnop".getBytes(StandardCharsets.UTF_8);
  private boolean closed;
  private final MessageConnection client =
      new MessageConnection() {
        @Override
        public void send(List<Fd> files, ByteBuffer... parts) {
          ByteBuffer message = ByteBuffer.allocate(64).order(ByteOrder.nativeOrder());
          for (ByteBuffer part : parts) {
            message.put(part.duplicate());
          }
          answer(message.flip());
        }

        @Override
        public Incoming receive(long waitNanos) {
          throw new IllegalStateException("somebody else reads here");
        }

        @Override
        public void close() {
          closed = true;
        }
      };
  private final HandClock clock = new HandClock();
  private final MemoryConversation conversation =
      new MemoryConversation(client, ServerSettings.DEFAULT, clock);

  /** What passes between a question and its answer. */
  private Runnable meanwhile = () -> {};

  private void answer(ByteBuffer message) {
    MessageHeader header = MessageHeader.peek(message);
    boolean write = header.command() == Command.DMA_WRITE.number();
    ByteBuffer payload =
        message
            .slice(MessageHeader.BYTES, message.remaining() - MessageHeader.BYTES)
            .order(ByteOrder.nativeOrder());
    DmaAccessMessage question;
    try {
      question =
          write
              ? DmaAccessMessage.decodeWithData(
                  Command.DMA_WRITE, DmaLayout.CURRENT, payload, 1 << 20)
              : DmaAccessMessage.decodeWithoutData(
                  Command.DMA_READ, DmaLayout.CURRENT, payload, 1 << 20);
    } catch (MalformedMessageException e) {
      throw new AssertionError(e);
    }
    asked.add(
        "%s 0x%x+%d".formatted(write ? "write" : "read", question.address(), question.count()));
    int at = (int) (question.address() - BASE);
    Payload reply;
    if (write) {
      question.data().get(memory, at, question.count());
      reply = DmaAccessMessage.withoutData(DmaLayout.CURRENT, question.address(), question.count());
    } else {
      reply =
          DmaAccessMessage.withData(
              DmaLayout.CURRENT,
              question.address(),
              ByteBuffer.wrap(memory, at, question.count()).slice());
    }
    meanwhile.run();
    // Nobody waits for the answer any more once the conversation is over.
    assertThat(conversation.take(header.reply(reply.sizeBytes()), Talk.bytes(reply)))
        .isEqualTo(!closed);
  }

  private static final long DEADLINE = ServerSettings.DEFAULT.dmaDeadlineNanos();

  private void ask() throws MigrationException {
    conversation.read(BASE, ByteBuffer.allocate(4));
  }

  @Test
  void eachQuestionHasItsWholeTimeAndAllTogetherOneTask() throws Exception {
    ask();
    clock.pass(DEADLINE - 1);
    ask();
    ask();
    HandClock.Later task = clock.later.remove();
    assertThat(task.delayNanos).isEqualTo(DEADLINE);
    assertThat(clock.later).as("one task for all").isEmpty();
    // The time of the first is over while the last is open.
    meanwhile = task::now;
    ask();
    task = clock.later.remove();
    assertThat(task.delayNanos).as("what is left for the last").isEqualTo(DEADLINE - 1);
    assertThat(closed).isFalse();
    // That passes as well, with no question: the next one is looked after anew.
    meanwhile = () -> {};
    task.now();
    assertThat(clock.later).isEmpty();
    meanwhile = () -> clock.later.remove().now();
    MigrationException failure = catchThrowableOfType(MigrationException.class, this::ask);
    assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(failure).hasMessageContaining("did not answer DMA_READ within 10000 ms");
    assertThat(closed).isTrue();
  }

  @Test
  void afterTheEndNothingIsLookedAfter() throws Exception {
    ask();
    HandClock.Later task = clock.later.remove();
    conversation.end("the client is gone");
    assertThat(task.cancelled).isTrue();
    task.now();
    assertThat(closed).isFalse();
    assertThat(clock.later).isEmpty();
  }

  @Test
  void asksInPiecesThatTheClientTakes() throws Exception {
    conversation.agreed(SMALL, null);
    ByteBuffer read = ByteBuffer.allocate(10);
    conversation.read(BASE + 1, read);
    assertThat(new String(read.array(), StandardCharsets.UTF_8)).isEqualTo("bcdefghijk");
    conversation.write(BASE + 2, Talk.bytes("414243444546"));
    assertThat(new String(memory, StandardCharsets.UTF_8)).isEqualTo("abABCDEFijklmnop");
    assertThat(asked)
        .containsExactly(
            "read 0x10001+4",
            "read 0x10005+4",
            "read 0x10009+2",
            "write 0x10002+4",
            "write 0x10006+2");
  }

  @Test
  void nothingIsAskedAfterTheEnd() {
    conversation.agreed(SMALL, null);
    conversation.end("the client is gone");
    MigrationException failure =
        catchThrowableOfType(
            MigrationException.class, () -> conversation.read(BASE, ByteBuffer.allocate(1)));
    assertThat(failure.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(failure).hasMessageContaining("the client is gone");
    assertThat(asked).isEmpty();
    assertThat(closed).as("whoever ended it closes it").isFalse();
  }

  @Test
  void memoryOfAClientEndsWhereItEnds() throws Exception {
    conversation.agreed(SMALL, null);
    ClientMemory part = new ClientMemory(8, true, false, conversation, BASE + 4);
    ByteBuffer read = ByteBuffer.allocate(2);
    part.read(6, read);
    assertThat(read.array()).containsExactly('k', 'l');
    asked.clear();
    for (long offset : new long[] {-1, 7, 8, Long.MAX_VALUE}) {
      MigrationException failure =
          catchThrowableOfType(
              MigrationException.class, () -> part.read(offset, ByteBuffer.allocate(2)));
      assertThat(failure.code()).as("offset %d", offset).isEqualTo(DeviceError.BAD_REQUEST);
    }
    assertThat(
            catchThrowableOfType(
                MigrationException.class, () -> part.write(0, ByteBuffer.allocate(2))))
        .isNotNull();
    part.unmapped();
    assertThat(
            catchThrowableOfType(
                MigrationException.class, () -> part.read(0, ByteBuffer.allocate(2))))
        .isNotNull();
    assertThat(asked).isEmpty();
  }
}
