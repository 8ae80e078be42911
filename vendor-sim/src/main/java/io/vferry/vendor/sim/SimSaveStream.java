package io.vferry.vendor.sim;

import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * Cuts the device's chunks into records. The bytes of a chunk go from the device's window straight
 * into the caller's buffer.
 */
final class SimSaveStream implements SaveStream {

  private enum Part {
    /** Between two records. */
    IDLE,
    /** Header and what comes before the chunk's bytes. */
    HEAD,
    /** The bytes of the chunk. */
    CHUNK,
    /** The checksum. */
    TRAILER,
    /** After the END record. */
    ENDED
  }

  private final String name;
  private final SimRegisterAccess registers;
  private final SimStreamFaults faults;
  private final long session;
  private final ByteBuffer head =
      SimStreamFormat.buffer(SimStreamFormat.HEADER_BYTES + SimStreamFormat.MAX_META_BYTES)
          .limit(0);
  private final ByteBuffer trailer = SimStreamFormat.buffer(SimStreamFormat.TRAILER_BYTES).limit(0);
  private final CRC32C crc = new CRC32C();
  private Part part = Part.IDLE;
  private boolean lastRecord;
  private int type;
  private int payloadBytes;
  private int chunkBytes;
  private int chunkRead;
  private long records;
  private long memoryBytes;
  private long digest;
  private volatile long offset;
  private volatile boolean ended;
  private volatile boolean closed;
  private boolean failed;

  SimSaveStream(String name, SimRegisterAccess registers, SimStreamFaults faults)
      throws MigrationException {
    this.name = name;
    this.registers = registers;
    this.faults = faults;
    this.session = registers.get(SimRegisters.SESSION);
    beginStart();
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    int begin = into.position();
    int limit = into.limit();
    if (faults.truncateAt() >= 0) {
      long allowed = Math.max(0, faults.truncateAt() - offset);
      into.limit((int) Math.min(limit, begin + allowed));
    }
    fill(into);
    into.limit(limit);
    return status(into, begin);
  }

  private void fill(ByteBuffer into) throws MigrationException {
    boolean more = true;
    while (more && into.hasRemaining()) {
      if (ended || closed) {
        throw new MigrationException(
            DeviceError.SESSION_CLOSED, "the save session of " + name + " has ended");
      }
      if (failed) {
        throw new MigrationException(
            DeviceError.IO_FAILED,
            "the save stream of " + name + " failed before; begin a new one");
      }
      try {
        more = step(into);
      } catch (MigrationException e) {
        // What was begun of a record is lost, so the stream cannot go on.
        failed = true;
        throw e;
      }
    }
  }

  private Status status(ByteBuffer into, int begin) throws MigrationException {
    int count = into.position() - begin;
    if (count > 0) {
      long before = offset;
      long flip = faults.corruptAt() - before;
      if (faults.corruptAt() >= 0 && flip >= 0 && flip < count) {
        int at = begin + (int) flip;
        into.put(at, (byte) (into.get(at) ^ 0x10));
      }
      offset = before + count;
      return Status.DATA;
    }
    // Not the state of now alone: the device may have stopped since it had nothing to give.
    boolean truncated = faults.truncateAt() >= 0 && offset >= faults.truncateAt();
    boolean end = part == Part.ENDED || (truncated && stopped());
    return end ? Status.END : Status.NOTHING_NOW;
  }

  /** Moves some bytes; returns whether there is more to do. */
  private boolean step(ByteBuffer into) throws MigrationException {
    switch (part) {
      case IDLE -> {
        return beginNext();
      }
      case HEAD -> {
        move(head, into);
        if (!head.hasRemaining()) {
          part = Part.CHUNK;
        }
      }
      case CHUNK -> {
        int length = Math.min(into.remaining(), chunkBytes - chunkRead);
        if (length > 0) {
          int at = into.position();
          int limit = into.limit();
          into.limit(at + length);
          registers.region().read((long) SimRegisters.WINDOW + chunkRead, into);
          into.limit(limit);
          crc.update(into.duplicate().position(at).limit(at + length));
          chunkRead += length;
        }
        if (chunkRead == chunkBytes) {
          int payloadCrc = (int) crc.getValue();
          digest = SimStreamFormat.chain(digest, type, payloadBytes, payloadCrc);
          trailer.clear().putInt(payloadCrc).flip();
          part = Part.TRAILER;
        }
      }
      case TRAILER -> {
        move(trailer, into);
        if (!trailer.hasRemaining()) {
          part = lastRecord ? Part.ENDED : Part.IDLE;
        }
      }
      case ENDED -> {
        return false;
      }
    }
    return true;
  }

  private boolean beginNext() throws MigrationException {
    int result = registers.command(SimRegisters.COMMAND_NEXT);
    if (result == SimRegisters.RESULT_FAILED) {
      throw new MigrationException(
          DeviceError.IO_FAILED, "the device " + name + " cannot read its own memory; reset it");
    }
    if (result != SimRegisters.RESULT_DONE) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the device " + name + " has left the saving states");
    }
    ByteBuffer chunk = ByteBuffer.allocate(4 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    registers.region().read(SimRegisters.CHUNK_KIND, chunk);
    chunkBytes = (int) chunk.getLong(8);
    switch ((int) chunk.getLong(0)) {
      case SimRegisters.CHUNK_MEMORY -> beginMemory(chunk.getLong(16), (int) chunk.getLong(24));
      case SimRegisters.CHUNK_CORE -> {
        begin(SimStreamFormat.CORE, 0, chunkBytes);
        finishHead();
      }
      default -> {
        if (registers.get(SimRegisters.CHUNK_LAST) == 0) {
          return false;
        }
        begin(SimStreamFormat.END, SimStreamFormat.END_BYTES, 0);
        head.putLong(records - 1).putLong(memoryBytes).putLong(digest);
        finishHead();
        lastRecord = true;
      }
    }
    return true;
  }

  private boolean stopped() throws MigrationException {
    return registers.get(SimRegisters.STATE) == DeviceState.STOP_COPY.number();
  }

  private void beginStart() throws MigrationException {
    begin(SimStreamFormat.START, SimStreamFormat.START_BYTES, 0);
    head.putLong(SimStreamFormat.MAGIC)
        .putInt(SimStreamFormat.MAJOR)
        .putInt(SimStreamFormat.MINOR)
        .putInt((int) registers.get(SimRegisters.MODEL))
        .putInt((int) registers.get(SimRegisters.FIRMWARE))
        .putLong(registers.get(SimRegisters.STATE_BYTES));
    finishHead();
  }

  private void beginMemory(long firstPage, int pages) throws MigrationException {
    begin(
        SimStreamFormat.MEMORY,
        SimStreamFormat.MEMORY_FIXED_BYTES + pages * Integer.BYTES,
        chunkBytes);
    head.putLong(firstPage).putInt(pages).putInt(0);
    registers
        .region()
        .read(SimRegisters.VERSIONS, head.limit(head.position() + pages * Integer.BYTES));
    memoryBytes += chunkBytes;
    finishHead();
  }

  private void begin(int recordType, int metaBytes, int bytes) {
    type = recordType;
    chunkBytes = bytes;
    chunkRead = 0;
    payloadBytes = metaBytes + bytes;
    head.clear();
    SimStreamFormat.putHeader(head, type, payloadBytes, records++, session);
  }

  private void finishHead() {
    head.flip();
    crc.reset();
    crc.update(head.duplicate().position(SimStreamFormat.HEADER_BYTES));
    part = Part.HEAD;
  }

  private static void move(ByteBuffer from, ByteBuffer into) {
    int length = Math.min(from.remaining(), into.remaining());
    into.put(into.position(), from, from.position(), length);
    into.position(into.position() + length);
    from.position(from.position() + length);
  }

  /** Returns how much of the START record waits to be read. */
  long unreadHeaderBytes() {
    long start =
        SimStreamFormat.HEADER_BYTES + SimStreamFormat.START_BYTES + SimStreamFormat.TRAILER_BYTES;
    return Math.max(0, start - offset);
  }

  /** Ends the session, so that each later read fails. */
  void end() {
    ended = true;
  }

  @Override
  public void close() {
    closed = true;
  }
}
