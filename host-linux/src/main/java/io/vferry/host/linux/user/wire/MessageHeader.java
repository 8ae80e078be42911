package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.syscall.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The 16 bytes with which each message begins.
 *
 * @param messageId chosen by the sender of a command and repeated in its reply, 0 to 0xffff
 * @param command the number of the command, also in the reply, 0 to 0xffff; see {@link Command}
 * @param sizeBytes of header and payload together, at least {@link #BYTES}
 * @param flags type and options, as on the wire
 * @param errno the error of a reply that has {@link #error()}, else 0
 */
public record MessageHeader(int messageId, int command, int sizeBytes, int flags, int errno) {

  /** Size of a header. */
  public static final int BYTES = 16;

  private static final int MESSAGE_ID = 0;
  private static final int COMMAND = 2;
  private static final int SIZE = 4;
  private static final int FLAGS = 8;
  private static final int ERROR = 12;

  private static final int TYPE_MASK = 0xf;
  private static final int TYPE_COMMAND = 0;
  private static final int TYPE_REPLY = 1;
  private static final int NO_REPLY_FLAG = 0x10;
  private static final int ERROR_FLAG = 0x20;

  /** Error numbers beyond this are none of Linux. */
  private static final int LARGEST_ERRNO = 4096;

  /** Returns the header of a command. */
  public static MessageHeader command(int messageId, Command command, int payloadBytes) {
    return new MessageHeader(messageId, command.number(), BYTES + payloadBytes, TYPE_COMMAND, 0);
  }

  /** Returns the header of a command that wants no answer, not even to a failure. */
  public static MessageHeader commandWithoutReply(
      int messageId, Command command, int payloadBytes) {
    return new MessageHeader(
        messageId, command.number(), BYTES + payloadBytes, TYPE_COMMAND | NO_REPLY_FLAG, 0);
  }

  /** Returns the header of the reply to this command. */
  public MessageHeader reply(int payloadBytes) {
    return new MessageHeader(messageId, command, BYTES + payloadBytes, TYPE_REPLY, 0);
  }

  /** Returns the whole reply that refuses this command: it has no payload. */
  public MessageHeader refusal(int errno) {
    return new MessageHeader(messageId, command, BYTES, TYPE_REPLY | ERROR_FLAG, errno);
  }

  /** Whether this is a reply. */
  public boolean isReply() {
    return (flags & TYPE_MASK) == TYPE_REPLY;
  }

  /** Whether the sender of this command wants no answer. */
  public boolean noReply() {
    return (flags & NO_REPLY_FLAG) != 0;
  }

  /** Whether this reply says that the command failed; what follows the header is then not data. */
  public boolean error() {
    return (flags & ERROR_FLAG) != 0;
  }

  /** Returns the error of such a reply; what is no error number of Linux counts as EINVAL. */
  public int effectiveErrno() {
    return errno <= 0 || errno > LARGEST_ERRNO ? Errno.EINVAL : errno;
  }

  /** Returns the number of bytes that follow. */
  public int payloadBytes() {
    return sizeBytes - BYTES;
  }

  /** Returns the command's name, or its number if this version does not know it. */
  public String commandName() {
    return Command.ofNumber(command).map(Command::name).orElse("command " + command);
  }

  /**
   * Reads a header.
   *
   * @param bytes at least {@link #BYTES} remaining; its position does not move
   * @param largestMessageBytes the largest message this side takes
   * @throws MalformedMessageException if the size cannot be, or the type is neither command nor
   *     reply: where the next message begins is not known then. {@link #peek} still tells whom to
   *     answer
   */
  public static MessageHeader decode(ByteBuffer bytes, int largestMessageBytes)
      throws MalformedMessageException {
    MessageHeader header = peek(bytes);
    long size = Integer.toUnsignedLong(header.sizeBytes);
    if (size < BYTES || size > largestMessageBytes) {
      throw new MalformedMessageException(
          Errno.EINVAL,
          "%s claims to have %d bytes; a message has %d to %d"
              .formatted(header.commandName(), size, BYTES, largestMessageBytes));
    }
    int type = header.flags & TYPE_MASK;
    if (type != TYPE_COMMAND && type != TYPE_REPLY) {
      throw new MalformedMessageException(
          Errno.EINVAL,
          "%s is of type %d, neither command nor reply".formatted(header.commandName(), type));
    }
    return header;
  }

  /** Reads a header without judging it; its size can be negative. */
  public static MessageHeader peek(ByteBuffer bytes) {
    ByteBuffer in = bytes.slice().order(ByteOrder.nativeOrder());
    return new MessageHeader(
        in.getShort(MESSAGE_ID) & 0xffff,
        in.getShort(COMMAND) & 0xffff,
        in.getInt(SIZE),
        in.getInt(FLAGS),
        in.getInt(ERROR));
  }

  /** Writes the header at the position of a buffer in native order. */
  public void put(ByteBuffer out) {
    out.putShort((short) messageId)
        .putShort((short) command)
        .putInt(sizeBytes)
        .putInt(flags)
        .putInt(errno);
  }
}
