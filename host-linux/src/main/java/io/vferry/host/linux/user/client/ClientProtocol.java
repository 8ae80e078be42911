package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import java.util.Optional;

/**
 * What a client may say next, and what it makes of what it hears. One command waits for its reply
 * at a time: some servers take a command that comes while they wait for an answer of ours for that
 * answer (libvfio-user, {@code lib/libvfio-user.c}).
 */
final class ClientProtocol {

  private static final int LARGEST_ID = 0xffff;

  /** What a message is. */
  sealed interface Arrival {}

  /** The reply to the command that waits: done, or refused with an error number. */
  record Reply(Command command, int errno) implements Arrival {
    boolean refused() {
      return errno != 0;
    }
  }

  /** A command that the server may give. */
  record Order(Command command) implements Arrival {}

  /** A command that the server may not give; it is refused, and the conversation goes on. */
  record Nonsense(int errno) implements Arrival {}

  private record Outstanding(int id, Command command) {}

  private boolean versionAgreed;
  private int nextId;
  private Optional<Outstanding> outstanding = Optional.empty();

  /**
   * Creates one.
   *
   * @param versionAgreed whether the version is agreed on, as it is on a second connection
   */
  ClientProtocol(boolean versionAgreed) {
    this.versionAgreed = versionAgreed;
  }

  /**
   * Says a command.
   *
   * @return its header
   * @throws IllegalStateException if another one waits for its reply, or the version comes too late
   *     or too early
   */
  MessageHeader say(Command command, int payloadBytes) {
    if (outstanding.isPresent()) {
      throw new IllegalStateException(outstanding.get().command + " has no reply yet");
    }
    if (versionAgreed == (command == Command.VERSION)) {
      throw new IllegalStateException(command + " at this point of the conversation");
    }
    int id = nextId;
    nextId = (nextId + 1) & LARGEST_ID;
    outstanding = Optional.of(new Outstanding(id, command));
    return MessageHeader.command(id, command, payloadBytes);
  }

  /** Whether a command waits for its reply. */
  boolean waiting() {
    return outstanding.isPresent();
  }

  /**
   * Hears a message.
   *
   * @throws MalformedMessageException if no server says that at this point: nothing else it says
   *     can be believed then
   */
  Arrival hear(MessageHeader header) throws MalformedMessageException {
    return header.isReply() ? reply(header) : order(header);
  }

  private Arrival reply(MessageHeader header) throws MalformedMessageException {
    if (outstanding.isEmpty()) {
      throw broken("it replies to %s, which nobody asked".formatted(header.commandName()));
    }
    Outstanding asked = outstanding.get();
    if (header.messageId() != asked.id) {
      throw broken(
          "it replies to message %d; %s, which waits, is message %d"
              .formatted(header.messageId(), asked.command, asked.id));
    }
    if (header.command() != asked.command.number()) {
      throw broken("it replies to %s, not to %s".formatted(header.commandName(), asked.command));
    }
    outstanding = Optional.empty();
    if (header.error()) {
      return new Reply(asked.command, header.effectiveErrno());
    }
    if (asked.command == Command.VERSION) {
      versionAgreed = true;
    }
    return new Reply(asked.command, 0);
  }

  private Arrival order(MessageHeader header) throws MalformedMessageException {
    if (!versionAgreed) {
      throw broken("it sends %s before the version was agreed".formatted(header.commandName()));
    }
    return Command.ofNumber(header.command())
        .filter(Command::fromServer)
        .<Arrival>map(Order::new)
        .orElseGet(() -> new Nonsense(Errno.EOPNOTSUPP));
  }

  private static MalformedMessageException broken(String what) {
    return new MalformedMessageException(Errno.EPROTO, what);
  }
}
