package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.ConnectionException.Reason;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** How long an answer is waited for, in a time that passes only while it is. */
class ClientChannelTest {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private long now;

  /** A server that answers when it is its time. */
  private final class Slow extends FakePeer {
    final List<Integer> commands = new ArrayList<>();
    final List<Long> answersAt = new ArrayList<>();
    private final List<byte[]> answers = new ArrayList<>();

    @Override
    void hear(ByteBuffer message, List<Fd> files) {
      commands.add((int) message.getShort(2));
      answers.add(LibvfioUser.message(message, 1, 0, new byte[0]));
    }

    @Override
    void nothing(long waitNanos) throws ConnectionException {
      now += waitNanos;
      if (!answersAt.isEmpty() && !answers.isEmpty() && now >= answersAt.get(0)) {
        answersAt.remove(0);
        say(answers.remove(0));
      }
      throw new ConnectionException(Reason.NOTHING_CAME, "not yet");
    }
  }

  private final Slow server = new Slow();
  private final ClientChannel channel =
      new ClientChannel(
          "/run/slow.sock",
          Conversation.ofOrders("/run/slow.sock", server, (header, command, in, answers) -> {}),
          10 * SECOND,
          () -> now);

  private void ask(Command command, ClientChannel.Wanted wanted) throws Exception {
    channel.ask(Request.of(command, Payload.NONE), ReplyReader.NOTHING, wanted);
  }

  private ClientChannel.Wanted until(long nanos) {
    return () -> {
      if (now >= nanos) {
        throw new MigrationException(DeviceError.SESSION_CLOSED, "nobody wants it");
      }
    };
  }

  private MigrationException failure(Command command, ClientChannel.Wanted wanted) {
    return catchThrowableOfType(MigrationException.class, () -> ask(command, wanted));
  }

  @Test
  void anAnswerCountsUntilTheDeadline() throws Exception {
    server.answersAt.add(9 * SECOND);
    ask(Command.DEVICE_RESET, () -> {});
    assertThat(now).isBetween(9 * SECOND, 9 * SECOND + SECOND / 10);
    long begin = now;
    MigrationException e = failure(Command.DEVICE_RESET, () -> {});
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(now - begin).isEqualTo(10 * SECOND);
    assertThat(server.closed()).isTrue();
  }

  @Test
  void whoDoesNotWantItAnyMoreIsBackSoon() {
    MigrationException e = failure(Command.DEVICE_RESET, until(3 * SECOND));
    assertThat(e.code()).isEqualTo(DeviceError.SESSION_CLOSED);
    assertThat(now).isBetween(3 * SECOND, 3 * SECOND + SECOND / 10);
    assertThat(server.closed()).isFalse();
  }

  @Test
  void theNextQuestionIsAskedWhenTheLateAnswerIsThere() throws Exception {
    failure(Command.MIG_DATA_READ, until(3 * SECOND));
    server.answersAt.add(8 * SECOND);
    server.answersAt.add(12 * SECOND);
    ask(Command.DEVICE_RESET, () -> {});
    assertThat(now).isBetween(12 * SECOND, 12 * SECOND + SECOND / 10);
    assertThat(server.commands)
        .containsExactly(Command.MIG_DATA_READ.number(), Command.DEVICE_RESET.number());
  }

  @Test
  void theLateAnswerHasNoMoreTimeThanItHad() {
    failure(Command.MIG_DATA_READ, until(3 * SECOND));
    // Neither has one who gives up too.
    assertThat(failure(Command.GET_PRECOPY_INFO, until(5 * SECOND)).code())
        .isEqualTo(DeviceError.SESSION_CLOSED);
    MigrationException e = failure(Command.DEVICE_RESET, () -> {});
    assertThat(now).isEqualTo(10 * SECOND);
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(e.getMessage()).contains("did not answer MIG_DATA_READ");
    assertThat(server.commands).containsExactly(Command.MIG_DATA_READ.number());
    assertThat(failure(Command.DEVICE_RESET, () -> {}).getMessage()).contains("MIG_DATA_READ");
  }

  @Test
  void theFirstReasonIsTheOneThatIsTold() {
    MigrationException lost = failure(Command.DEVICE_RESET, () -> {});
    channel.close();
    MigrationException later = failure(Command.DEVICE_RESET, () -> {});
    assertThat(later.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(later.getMessage()).isEqualTo(lost.getMessage());
  }
}
