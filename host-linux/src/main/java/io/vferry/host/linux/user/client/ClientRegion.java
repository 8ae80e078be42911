package io.vferry.host.linux.user.client;

import io.vferry.host.linux.RegionMappings;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.RegionAccessMessage;
import io.vferry.host.linux.user.wire.RegionWriteMultiMessage;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.RegionWrite;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * A region that a server serves. Each access of the largest size or less is one message, and
 * several small writes are one where the server takes that.
 */
final class ClientRegion implements Region {

  private final String server;
  private final ClientChannel channel;
  private final RegionInfo info;
  private final int readBytes;
  private final int writeBytes;
  private final int writesAtOnce;
  private final RegionMappings mappings;
  private final List<Fd> files;

  /**
   * Creates a region.
   *
   * @param files through which it is mapped, closed with it
   */
  ClientRegion(
      String server,
      ClientChannel channel,
      RegionInfo info,
      Agreement agreement,
      RegionMappings mappings,
      List<Fd> files) {
    this.server = server;
    this.channel = channel;
    this.info = info;
    this.readBytes = agreement.readBytes();
    this.writeBytes = agreement.writeBytes();
    this.writesAtOnce = agreement.writesAtOnce();
    this.mappings = mappings;
    this.files = List.copyOf(files);
  }

  @Override
  public RegionInfo info() {
    return info;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    check(offset, into.remaining(), info.readable(), "read");
    for (long at = offset; into.hasRemaining(); ) {
      int count = Math.min(into.remaining(), readBytes);
      RegionAccessMessage question = RegionAccessMessage.withoutData(at, info.index(), count);
      ByteBuffer here = into.duplicate().limit(into.position() + count);
      try {
        channel.ask(
            Request.of(Command.REGION_READ, question),
            incoming -> {
              checkDone(Command.REGION_READ, question, count, incoming);
              incoming.read(here);
              return true;
            });
      } catch (KernelError e) {
        throw failed(e, at, "read");
      }
      into.position(into.position() + count);
      at += count;
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    check(offset, from.remaining(), info.writable(), "written");
    for (long at = offset; from.hasRemaining(); ) {
      int count = Math.min(from.remaining(), writeBytes);
      RegionAccessMessage question = RegionAccessMessage.withoutData(at, info.index(), count);
      try {
        channel.ask(
            new Request(
                Command.REGION_WRITE, question, from.slice(from.position(), count), List.of()),
            incoming -> {
              checkDone(Command.REGION_WRITE, question, 0, incoming);
              return true;
            });
      } catch (KernelError e) {
        throw failed(e, at, "written");
      }
      from.position(from.position() + count);
      at += count;
    }
  }

  @Override
  public int writesAtOnce() {
    return writesAtOnce;
  }

  @Override
  public void writeAll(List<RegionWrite> writes) throws MigrationException {
    int done = 0;
    while (done < writes.size()) {
      List<RegionWrite> left = writes.subList(done, writes.size());
      int together = together(left);
      int written = together > 1 ? write(left.subList(0, together)) : 0;
      done += written;
      if (written < together || together == 0) {
        // By itself it is refused with the reason, or done after all.
        RegionWrite next = writes.get(done);
        write(next.offset(), next.bytes());
        done++;
      }
    }
  }

  /** Returns how many of some writes can be one message: none behind one that is refused here. */
  private int together(List<RegionWrite> writes) {
    int count = 0;
    while (count < Math.min(writes.size(), writesAtOnce)
        && info.writable()
        && inside(writes.get(count).offset(), writes.get(count).bytes().remaining())) {
      count++;
    }
    return count;
  }

  /** Sends several writes as one message; returns how many the server did. */
  private int write(List<RegionWrite> writes) throws MigrationException {
    RegionWriteMultiMessage message =
        new RegionWriteMultiMessage(
            writes.stream()
                .map(
                    write ->
                        RegionWriteMultiMessage.Write.of(
                            write.offset(), info.index(), write.bytes()))
                .toList());
    try {
      return channel.ask(
          Request.of(Command.REGION_WRITE_MULTI, message),
          incoming -> RegionWriteMultiMessage.Done.decode(incoming.body(), writes.size()).count());
    } catch (KernelError e) {
      // All or nothing of it may be done: to try again could do some of it twice.
      throw e.as(
          code(e),
          "%d writes from offset %d of region %d of %s on were refused"
              .formatted(writes.size(), writes.get(0).offset(), info.index(), server));
    }
  }

  /** The reply repeats what was asked; less than all is not allowed. */
  private static void checkDone(
      Command command,
      RegionAccessMessage question,
      int dataBytes,
      MessageConnection.Incoming incoming)
      throws MalformedMessageException, ConnectionException {
    if (incoming.remainingBytes() != RegionAccessMessage.FIELDS_BYTES + dataBytes) {
      throw new MalformedMessageException(
          Errno.EPROTO,
          "%s: %d bytes were sent, %d expected"
              .formatted(
                  command,
                  incoming.remainingBytes(),
                  RegionAccessMessage.FIELDS_BYTES + dataBytes));
    }
    ByteBuffer fields =
        ByteBuffer.allocate(RegionAccessMessage.FIELDS_BYTES).order(ByteOrder.nativeOrder());
    incoming.read(fields);
    RegionAccessMessage done =
        RegionAccessMessage.decodeWithoutData(command, fields.flip(), question.count());
    if (done.offset() != question.offset()
        || done.region() != question.region()
        || done.count() != question.count()) {
      throw new MalformedMessageException(
          Errno.EPROTO,
          "%s: %d bytes at 0x%x of region %d were asked for, not %d at 0x%x of region %d"
              .formatted(
                  command,
                  question.count(),
                  question.offset(),
                  question.region(),
                  done.count(),
                  done.offset(),
                  done.region()));
    }
  }

  private void check(long offset, long lengthBytes, boolean possible, String verb)
      throws MigrationException {
    if (!possible) {
      throw bad("region %d of %s cannot be %s".formatted(info.index(), server, verb));
    }
    if (!inside(offset, lengthBytes)) {
      throw bad(
          "%d bytes at offset %d of region %d of %s cannot be %s: it has %d bytes"
              .formatted(lengthBytes, offset, info.index(), server, verb, info.sizeBytes()));
    }
  }

  private boolean inside(long offset, long lengthBytes) {
    return offset >= 0 && offset <= info.sizeBytes() - lengthBytes;
  }

  private static DeviceError code(KernelError e) {
    return switch (e.errno()) {
      case Errno.EACCES, Errno.EPERM, Errno.EBUSY -> DeviceError.ACCESS_DENIED;
      case Errno.ENODEV, Errno.ENXIO -> DeviceError.DEVICE_LOST;
      default -> DeviceError.IO_FAILED;
    };
  }

  private MigrationException failed(KernelError e, long offset, String verb) {
    return e.as(
        code(e),
        "offset %d of region %d of %s cannot be %s".formatted(offset, info.index(), server, verb));
  }

  private static MigrationException bad(String sentence) {
    return new MigrationException(DeviceError.BAD_REQUEST, sentence);
  }

  @Override
  public List<MemoryRange> mappableParts() {
    return mappings.parts();
  }

  @Override
  public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
    return mappings.map(offset, lengthBytes);
  }

  /** Takes the mappings away and closes the files. */
  void close() {
    mappings.close();
    files.forEach(Fd::close);
  }
}
