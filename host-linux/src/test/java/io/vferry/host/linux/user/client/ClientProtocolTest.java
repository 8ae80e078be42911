package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import org.junit.jupiter.api.Test;

class ClientProtocolTest {

  private static final int REPLY = 1;
  private static final int REFUSED = 0x21;

  private final ClientProtocol protocol = new ClientProtocol(false);

  private static MessageHeader message(int id, int command, int flags, int errno) {
    return new MessageHeader(id, command, 16, flags, errno);
  }

  private void agree() throws MalformedMessageException {
    MessageHeader asked = protocol.say(Command.VERSION, 10);
    assertThat(asked).isEqualTo(MessageHeader.command(0, Command.VERSION, 10));
    protocol.hear(asked.reply(0));
  }

  @Test
  void beginsWithTheVersionAndSaysItOnce() throws Exception {
    assertThatThrownBy(() -> protocol.say(Command.DEVICE_RESET, 0))
        .isInstanceOf(IllegalStateException.class);
    agree();
    assertThatThrownBy(() -> protocol.say(Command.VERSION, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void asksOneThingAtATimeWithANewNumber() throws Exception {
    agree();
    for (int i = 1; i <= 0x10001; i++) {
      MessageHeader asked = protocol.say(Command.DEVICE_RESET, 0);
      assertThat(asked.messageId()).isEqualTo(i & 0xffff);
      assertThatThrownBy(() -> protocol.say(Command.DEVICE_RESET, 0))
          .isInstanceOf(IllegalStateException.class);
      assertThat(protocol.hear(asked.reply(0)))
          .isEqualTo(new ClientProtocol.Reply(Command.DEVICE_RESET, 0));
    }
  }

  @Test
  void knowsARefusal() throws Exception {
    agree();
    MessageHeader asked = protocol.say(Command.DEVICE_RESET, 0);
    assertThat(protocol.hear(message(asked.messageId(), 13, REFUSED, Errno.EBUSY)))
        .isEqualTo(new ClientProtocol.Reply(Command.DEVICE_RESET, Errno.EBUSY));
    // An error without a number, or with one that is none, is EINVAL.
    for (int errno : new int[] {0, -1, 4097}) {
      asked = protocol.say(Command.DEVICE_RESET, 0);
      assertThat(protocol.hear(message(asked.messageId(), 13, REFUSED, errno)))
          .isEqualTo(new ClientProtocol.Reply(Command.DEVICE_RESET, Errno.EINVAL));
    }
  }

  private void assertBroken(MessageHeader header, String text) {
    assertThatThrownBy(() -> protocol.hear(header))
        .isInstanceOf(MalformedMessageException.class)
        .hasMessageContaining(text);
  }

  @Test
  void believesNothingAfterAReplyToNothing() throws Exception {
    agree();
    assertBroken(message(0, 13, REPLY, 0), "replies to DEVICE_RESET, which nobody asked");
    MessageHeader asked = protocol.say(Command.DEVICE_RESET, 0);
    protocol.hear(asked.reply(0));
    assertBroken(asked.reply(0), "which nobody asked");
  }

  @Test
  void believesNothingAfterAWrongReply() throws Exception {
    agree();
    MessageHeader asked = protocol.say(Command.DEVICE_GET_INFO, 16);
    assertBroken(
        message(asked.messageId() + 1, 4, REPLY, 0),
        "replies to message 2; DEVICE_GET_INFO, which waits, is message 1");
    assertBroken(message(asked.messageId(), 5, REPLY, 0), "not to DEVICE_GET_INFO");
  }

  @Test
  void takesOrdersOnlyAfterTheVersion() throws Exception {
    assertBroken(message(9, 11, 0, 0), "before the version was agreed");
    agree();
    protocol.say(Command.DEVICE_RESET, 0);
    // In the middle of a question, with a number of its own.
    assertThat(protocol.hear(message(1, 11, 0, 0)))
        .isEqualTo(new ClientProtocol.Order(Command.DMA_READ));
    assertThat(protocol.hear(message(1, 12, 0x10, 0)))
        .isEqualTo(new ClientProtocol.Order(Command.DMA_WRITE));
    assertThat(protocol.hear(message(1, 9, 0, 0)))
        .isEqualTo(new ClientProtocol.Nonsense(Errno.EOPNOTSUPP));
    assertThat(protocol.hear(message(1, 77, 0, 0)))
        .isEqualTo(new ClientProtocol.Nonsense(Errno.EOPNOTSUPP));
  }
}
