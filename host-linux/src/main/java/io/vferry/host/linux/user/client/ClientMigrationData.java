package io.vferry.host.linux.user.client;

import io.vferry.host.linux.MigrationDataErrors;
import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MigrationDataMessage;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.host.linux.user.wire.PrecopyInfoMessage;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.OptionalInt;

/**
 * The data of one session, asked for and sent piece by piece. {@link #close} ends a call that waits
 * for the server's answer; the answer is thrown away when it comes. A message that the server does
 * not take as a whole is sent to its end or until the deadline: half of one cannot be taken back.
 */
final class ClientMigrationData implements MigrationData {

  private final String server;
  private final ClientChannel channel;
  private final int readBytes;
  private final int writeBytes;

  /** Whether the server knows {@code GET_PRECOPY_INFO}, as far as is known. */
  private boolean tellsPrecopy;

  private volatile DeviceState deviceIn;
  private volatile boolean closed;

  ClientMigrationData(
      String server,
      ClientChannel channel,
      Agreement agreement,
      boolean preCopy,
      DeviceState deviceIn) {
    this.server = server;
    this.channel = channel;
    this.readBytes = agreement.readBytes();
    this.writeBytes = agreement.writeBytes();
    this.tellsPrecopy = preCopy;
    this.deviceIn = deviceIn;
  }

  /** Is told where the device is; returns whether the session goes on there. */
  boolean goesOnIn(DeviceState now) {
    if (deviceIn.saving() ? !now.saving() : now != deviceIn) {
      closed = true;
    } else {
      deviceIn = now;
    }
    return !closed;
  }

  @Override
  public int read(ByteBuffer into) throws MigrationException {
    if (!into.hasRemaining()) {
      throw new MigrationException(DeviceError.BAD_REQUEST, "a read needs room for a byte");
    }
    checkOpen();
    int wanted = Math.min(into.remaining(), readBytes);
    ByteBuffer here = into.duplicate().limit(into.position() + wanted);
    int count;
    try {
      count =
          channel.ask(
              Request.of(Command.MIG_DATA_READ, MigrationDataMessage.read(wanted)),
              incoming -> read(incoming, here),
              this::checkOpen);
    } catch (KernelError e) {
      checkOpen();
      if (e.errno() == Errno.ENOMSG || e.errno() == Errno.EAGAIN) {
        return 0;
      }
      throw e.as(
          DeviceError.IO_FAILED,
          "migration data of the device at vfio-user server %s cannot be read".formatted(server));
    }
    into.position(into.position() + count);
    return count;
  }

  /** How much there is, is in the message; its own length can be that of the question. */
  private static int read(MessageConnection.Incoming incoming, ByteBuffer into)
      throws MalformedMessageException, ConnectionException {
    int length = incoming.remainingBytes();
    if (length < MigrationDataMessage.FIELDS_BYTES) {
      throw new MalformedMessageException(
          Errno.EPROTO, "MIG_DATA_READ: %d bytes were sent, without a size".formatted(length));
    }
    ByteBuffer fields =
        ByteBuffer.allocate(MigrationDataMessage.FIELDS_BYTES).order(ByteOrder.nativeOrder());
    incoming.read(fields);
    long size = Integer.toUnsignedLong(fields.getInt(Integer.BYTES));
    if (size > into.remaining() || size > incoming.remainingBytes()) {
      throw new MalformedMessageException(
          Errno.EPROTO,
          "MIG_DATA_READ: it says that it read %d bytes; %d were asked for and %d sent"
              .formatted(size, into.remaining(), incoming.remainingBytes()));
    }
    incoming.read(into.limit(into.position() + (int) size));
    return (int) size;
  }

  @Override
  public int write(ByteBuffer from) throws MigrationException {
    if (!from.hasRemaining()) {
      return 0;
    }
    checkOpen();
    ByteBuffer piece = from.slice(from.position(), Math.min(from.remaining(), writeBytes));
    int sent = piece.remaining();
    int taken;
    try {
      taken =
          channel.ask(
              new Request(Command.MIG_DATA_WRITE, fields(sent), piece, List.of()),
              incoming -> {
                OptionalInt said = MigrationDataMessage.decodeWriteReply(incoming.body(), sent);
                return said.orElse(sent);
              },
              this::checkOpen);
    } catch (KernelError e) {
      checkOpen();
      throw MigrationDataErrors.writing(e, "at vfio-user server " + server);
    }
    if (taken == 0) {
      throw new MigrationException(
          DeviceError.IO_FAILED,
          "the device at vfio-user server %s takes no more migration data and does not say why"
              .formatted(server));
    }
    from.position(from.position() + taken);
    return taken;
  }

  /** What comes before the data, which are sent from where they are. */
  private static Payload fields(int size) {
    return new Payload() {
      @Override
      public int sizeBytes() {
        return MigrationDataMessage.FIELDS_BYTES;
      }

      @Override
      public void put(ByteBuffer out) {
        out.putInt(MigrationDataMessage.FIELDS_BYTES + size).putInt(size);
      }
    };
  }

  /**
   * {@inheritDoc}
   *
   * <p>A server that does not know the question, as most of before 2026, says so once; then nothing
   * is known, and 0 is what there is to say.
   */
  @Override
  public Precopy precopy() throws MigrationException {
    checkOpen();
    if (deviceIn != DeviceState.PRE_COPY && deviceIn != DeviceState.PRE_COPY_P2P) {
      throw new MigrationException(
          DeviceError.WRONG_STATE,
          "the device at vfio-user server %s is not in pre-copy".formatted(server));
    }
    if (tellsPrecopy) {
      try {
        PrecopyInfoMessage info =
            channel.ask(
                Request.of(Command.GET_PRECOPY_INFO, PrecopyInfoMessage.question()),
                incoming -> PrecopyInfoMessage.decode(incoming.body()),
                this::checkOpen);
        return new Precopy(
            info.initialBytes(),
            info.dirtyBytes(),
            (info.flags() & VfioUapi.VFIO_PRECOPY_INFO_REINIT) != 0);
      } catch (KernelError e) {
        switch (e.errno()) {
          case Errno.EINVAL, Errno.ENOTTY, Errno.ENOSYS, Errno.EOPNOTSUPP -> tellsPrecopy = false;
          default ->
              throw e.as(
                  DeviceError.IO_FAILED,
                  "the progress of the pre-copy at vfio-user server %s cannot be read"
                      .formatted(server));
        }
      }
    }
    return new Precopy(0, 0, false);
  }

  private void checkOpen() throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED,
          "the migration data of the device at vfio-user server %s were closed".formatted(server));
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
