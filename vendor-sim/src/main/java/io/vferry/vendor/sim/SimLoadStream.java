package io.vferry.vendor.sim;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Takes records apart and hands their chunks to the device. Each header is proved before its
 * lengths are used; the memory it needs does not depend on the data.
 */
final class SimLoadStream implements LoadStream {

  private enum Part {
    HEADER,
    META,
    CHUNK,
    TRAILER,
    ENDED
  }

  private final String name;
  private final SimRegisterAccess registers;
  private final ByteBuffer header = SimStreamFormat.buffer(SimStreamFormat.HEADER_BYTES);
  private final ByteBuffer meta = SimStreamFormat.buffer(SimStreamFormat.MAX_META_BYTES);
  private final ByteBuffer trailer = SimStreamFormat.buffer(SimStreamFormat.TRAILER_BYTES);
  private final CRC32C crc = new CRC32C();
  private Part part = Part.HEADER;
  private int type;
  private int payloadBytes;
  private int chunkBytes;
  private int chunkWritten;
  private long records;
  private long session;
  private long memoryBytes;
  private long digest;
  private long offset;
  private boolean coreSeen;
  private @Nullable MigrationException failure;
  private volatile boolean ended;
  private volatile boolean closed;

  SimLoadStream(String name, SimRegisterAccess registers) {
    this.name = name;
    this.registers = registers;
  }

  @Override
  public synchronized void write(ByteBuffer from) throws MigrationException {
    if (ended || closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the load session of " + name + " has ended");
    }
    MigrationException earlier = failure;
    if (earlier != null) {
      throw again(earlier);
    }
    try {
      while (from.hasRemaining()) {
        int before = from.remaining();
        step(from);
        offset += before - from.remaining();
      }
    } catch (MigrationException e) {
      failure = e;
      throw e;
    }
  }

  /** Proves that exactly one whole stream was written. */
  synchronized void proveWhole() throws MigrationException {
    MigrationException earlier = failure;
    if (earlier != null) {
      throw again(earlier);
    }
    if (part != Part.ENDED) {
      throw fault(DeviceError.DATA_CORRUPT, "it ends there without an END record");
    }
  }

  private static MigrationException again(MigrationException earlier) {
    return new MigrationException(earlier.code(), earlier.detail(), earlier);
  }

  private void step(ByteBuffer from) throws MigrationException {
    switch (part) {
      case HEADER -> {
        if (collect(from, header, SimStreamFormat.HEADER_BYTES)) {
          beginRecord();
        }
      }
      case META -> {
        if (collect(from, meta, metaBytes())) {
          endMeta();
        }
      }
      case CHUNK -> {
        int length = Math.min(from.remaining(), chunkBytes - chunkWritten);
        ByteBuffer piece = from.slice(from.position(), length);
        crc.update(piece);
        registers.region().write((long) SimRegisters.WINDOW + chunkWritten, piece.flip());
        from.position(from.position() + length);
        chunkWritten += length;
        if (chunkWritten == chunkBytes) {
          begin(Part.TRAILER);
        }
      }
      case TRAILER -> {
        if (collect(from, trailer, SimStreamFormat.TRAILER_BYTES)) {
          endRecord();
        }
      }
      case ENDED ->
          throw fault(
              DeviceError.DATA_TOO_LONG, from.remaining() + " bytes come after the END record");
    }
  }

  private void begin(Part next) {
    part = next;
    if (next == Part.HEADER) {
      header.clear();
    } else if (next == Part.META) {
      meta.clear();
    } else if (next == Part.TRAILER) {
      trailer.clear();
    }
  }

  private static boolean collect(ByteBuffer from, ByteBuffer into, int whole) {
    int length = Math.min(from.remaining(), whole - into.position());
    into.put(into.position(), from, from.position(), length);
    into.position(into.position() + length);
    from.position(from.position() + length);
    return into.position() == whole;
  }

  private void beginRecord() throws MigrationException {
    int expected = SimStreamFormat.crc(header, 0, SimStreamFormat.HEADER_BYTES - Integer.BYTES);
    if (header.getInt(28) != expected || header.getInt(24) != 0) {
      throw fault(DeviceError.DATA_CORRUPT, "the header of a record is damaged");
    }
    type = header.getInt(0);
    payloadBytes = header.getInt(4);
    if (header.getLong(8) != records) {
      throw fault(
          DeviceError.DATA_CORRUPT,
          "record %d comes where record %d belongs".formatted(header.getLong(8), records));
    }
    if (records == 0) {
      session = header.getLong(16);
    } else if (header.getLong(16) != session) {
      throw fault(DeviceError.DATA_CORRUPT, "a record belongs to another save session");
    }
    if ((type == SimStreamFormat.START) != (records == 0)) {
      throw fault(DeviceError.DATA_CORRUPT, "record %d is of type %d".formatted(records, type));
    }
    boolean sound =
        switch (type) {
          case SimStreamFormat.START -> payloadBytes == SimStreamFormat.START_BYTES;
          case SimStreamFormat.MEMORY ->
              payloadBytes > SimStreamFormat.MEMORY_FIXED_BYTES
                  && payloadBytes <= SimStreamFormat.MAX_META_BYTES + SimRegisters.WINDOW_BYTES;
          case SimStreamFormat.CORE ->
              payloadBytes > 0 && payloadBytes <= SimRegisters.WINDOW_BYTES && !coreSeen;
          case SimStreamFormat.END -> payloadBytes == SimStreamFormat.END_BYTES && coreSeen;
          default -> false;
        };
    if (!sound) {
      throw fault(
          DeviceError.DATA_CORRUPT,
          "a record of type %d cannot have %d bytes here".formatted(type, payloadBytes));
    }
    records++;
    crc.reset();
    chunkWritten = 0;
    if (type == SimStreamFormat.CORE) {
      coreSeen = true;
      chunkBytes = payloadBytes;
      place(SimRegisters.CHUNK_CORE, 0, 0);
      begin(Part.CHUNK);
    } else {
      begin(Part.META);
    }
  }

  /** How much of the payload comes before the chunk's bytes; grows once the page count is known. */
  private int metaBytes() {
    if (type != SimStreamFormat.MEMORY) {
      return payloadBytes;
    }
    if (meta.position() < SimStreamFormat.MEMORY_FIXED_BYTES) {
      return SimStreamFormat.MEMORY_FIXED_BYTES;
    }
    return SimStreamFormat.MEMORY_FIXED_BYTES + meta.getInt(8) * Integer.BYTES;
  }

  private void endMeta() throws MigrationException {
    if (type == SimStreamFormat.MEMORY && meta.position() == SimStreamFormat.MEMORY_FIXED_BYTES) {
      int pages = meta.getInt(8);
      if (pages < 1
          || pages > SimRegisters.WINDOW_PAGES
          || meta.getInt(12) != 0
          || metaBytes() >= payloadBytes) {
        throw fault(DeviceError.DATA_CORRUPT, "a record of " + pages + " pages makes no sense");
      }
      return;
    }
    crc.update(meta.slice(0, meta.position()));
    if (type != SimStreamFormat.MEMORY) {
      begin(Part.TRAILER);
      return;
    }
    chunkBytes = payloadBytes - meta.position();
    int versionBytes = meta.position() - SimStreamFormat.MEMORY_FIXED_BYTES;
    place(SimRegisters.CHUNK_MEMORY, meta.getLong(0), meta.getInt(8));
    registers
        .region()
        .write(SimRegisters.VERSIONS, meta.slice(SimStreamFormat.MEMORY_FIXED_BYTES, versionBytes));
    begin(Part.CHUNK);
  }

  private void place(int kind, long firstPage, int pages) throws MigrationException {
    registers.set(SimRegisters.CHUNK_KIND, kind);
    registers.set(SimRegisters.CHUNK_BYTES, chunkBytes);
    registers.set(SimRegisters.CHUNK_FIRST, firstPage);
    registers.set(SimRegisters.CHUNK_PAGES, pages);
    command(SimRegisters.COMMAND_PLACE, "there is no place for %d bytes".formatted(chunkBytes));
  }

  private void command(int command, String refusal) throws MigrationException {
    int result = registers.command(command);
    if (result == SimRegisters.RESULT_WRONG_STATE) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the device " + name + " is not in RESUMING any more");
    }
    if (result != SimRegisters.RESULT_DONE) {
      throw fault(DeviceError.DATA_CORRUPT, refusal);
    }
  }

  private void endRecord() throws MigrationException {
    int payloadCrc = (int) crc.getValue();
    if (trailer.getInt(0) != payloadCrc) {
      throw fault(DeviceError.DATA_CORRUPT, "the payload of a record is damaged");
    }
    switch (type) {
      case SimStreamFormat.START -> checkStart();
      case SimStreamFormat.END -> {
        checkEnd();
        begin(Part.ENDED);
        return;
      }
      default -> {
        command(SimRegisters.COMMAND_TAKE, "the device refuses a chunk");
        if (type == SimStreamFormat.MEMORY) {
          memoryBytes += chunkBytes;
        }
      }
    }
    digest = SimStreamFormat.chain(digest, type, payloadBytes, payloadCrc);
    begin(Part.HEADER);
  }

  private void checkStart() throws MigrationException {
    if (meta.getLong(0) != SimStreamFormat.MAGIC) {
      throw fault(DeviceError.DATA_INCOMPATIBLE, "it is no stream of a simulated device");
    }
    if (meta.getInt(8) != SimStreamFormat.MAJOR || meta.getInt(12) > SimStreamFormat.MINOR) {
      throw fault(
          DeviceError.DATA_INCOMPATIBLE,
          "it has format %d.%d and this driver reads up to %d.%d"
              .formatted(
                  meta.getInt(8), meta.getInt(12), SimStreamFormat.MAJOR, SimStreamFormat.MINOR));
    }
    same("model number", meta.getInt(16), registers.get(SimRegisters.MODEL));
    same("state size in bytes", meta.getLong(24), registers.get(SimRegisters.STATE_BYTES));
    long firmware = registers.get(SimRegisters.FIRMWARE);
    if (meta.getInt(20) < 1 || meta.getInt(20) > firmware) {
      throw fault(
          DeviceError.DATA_INCOMPATIBLE,
          "it comes from firmware %d and this device has %d".formatted(meta.getInt(20), firmware));
    }
  }

  private void same(String what, long theirs, long ours) throws MigrationException {
    if (theirs != ours) {
      throw fault(
          DeviceError.DATA_INCOMPATIBLE,
          "its %s is %d and that of this device %d".formatted(what, theirs, ours));
    }
  }

  private void checkEnd() throws MigrationException {
    if (meta.getLong(0) != records - 1
        || meta.getLong(8) != memoryBytes
        || meta.getLong(16) != digest) {
      throw fault(DeviceError.DATA_CORRUPT, "the END record does not fit what came before");
    }
  }

  private MigrationException fault(DeviceError error, String what) {
    return new MigrationException(
        error, "the stream for %s is bad at offset %d: %s".formatted(name, offset, what));
  }

  /** Ends the session, so that each later write fails. */
  void end() {
    ended = true;
  }

  @Override
  public void close() {
    closed = true;
  }
}
