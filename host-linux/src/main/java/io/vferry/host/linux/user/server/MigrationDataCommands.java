package io.vferry.host.linux.user.server;

import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MigrationDataMessage;
import io.vferry.host.linux.user.wire.PrecopyInfoMessage;
import java.nio.ByteBuffer;

/**
 * What a client asks of the migration data. Each method reads the payload of a command and writes
 * that of the reply.
 */
final class MigrationDataCommands {

  private final MigrationSession migration;
  private final ServerSettings settings;
  private int largestRead;
  private long savedBytes;
  private long loadedBytes;

  MigrationDataCommands(MigrationSession migration, ServerSettings settings) {
    this.migration = migration;
    this.settings = settings;
  }

  /** Says how much the client may ask for at once. */
  void agreed(int largestReadBytes) {
    largestRead = largestReadBytes;
  }

  long savedBytes() {
    return savedBytes;
  }

  long loadedBytes() {
    return loadedBytes;
  }

  /** Reads from the save stream. */
  void read(ByteBuffer payload, ByteBuffer out) throws Refusal, MalformedMessageException {
    MigrationDataMessage message = MigrationDataMessage.decodeRead(payload, largestRead);
    int start = out.position();
    ByteBuffer data = out.slice(start + MigrationDataMessage.FIELDS_BYTES, message.size());
    migration.read(data);
    int size = data.position();
    new MigrationDataMessage(MigrationDataMessage.FIELDS_BYTES + size, size, ByteBuffer.allocate(0))
        .putFields(out);
    // Some clients insist on as many bytes as they asked for; the rest is zero.
    while (data.remaining() >= Long.BYTES) {
      data.putLong(0);
    }
    while (data.hasRemaining()) {
      data.put((byte) 0);
    }
    out.position(start + MigrationDataMessage.FIELDS_BYTES + message.size());
    savedBytes += size;
  }

  /** Writes to the load stream. */
  void write(ByteBuffer payload, ByteBuffer out) throws Refusal, MalformedMessageException {
    MigrationDataMessage message =
        MigrationDataMessage.decodeWrite(payload, settings.maxDataXferSize());
    migration.write(message.data());
    loadedBytes += message.size();
    if (settings.longWriteReply()) {
      MigrationDataMessage.written(message.size()).put(out);
    }
  }

  /** Tells what is left in pre-copy. */
  void precopyInfo(ByteBuffer payload, ByteBuffer out) throws Refusal, MalformedMessageException {
    PrecopyInfoMessage.decode(payload);
    migration.precopyInfo().put(out);
  }
}
