package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Memory of the device that the guest reaches without asking the device: it maps it and stores. It
 * is a file, so that the device may live in another process than the guest; the file is laid out as
 * the region in which the memory lies. The device itself reads and writes the file, so that nobody
 * who shortens the file can end its process.
 *
 * <p>Any thread. A file of this kind is not closed when a thread is interrupted.
 */
final class SimLocalMemory {

  private final String id;
  private final int start;
  private final int bytes;
  private final RandomAccessFile file;

  private SimLocalMemory(String id, int start, int bytes, RandomAccessFile file) {
    this.id = id;
    this.start = start;
    this.bytes = bytes;
    this.file = file;
  }

  /**
   * Creates one, filled with zeros.
   *
   * @param start where in its region the memory begins
   */
  static SimLocalMemory create(String id, int start, int bytes) throws MigrationException {
    return new SimLocalMemory(id, start, bytes, SimSharedFile.create("device", start + bytes));
  }

  int start() {
    return start;
  }

  int bytes() {
    return bytes;
  }

  /** Reads as many bytes as there is room for. */
  void read(int offset, ByteBuffer into) throws MigrationException {
    byte[] piece = new byte[into.remaining()];
    try {
      get(offset, piece);
    } catch (IOException e) {
      throw failed(e);
    }
    into.put(piece);
  }

  private synchronized void get(int offset, byte[] into) throws IOException {
    file.seek((long) start + offset);
    file.readFully(into);
  }

  /** Writes the remaining bytes. */
  void write(int offset, ByteBuffer from) throws MigrationException {
    byte[] piece = new byte[from.remaining()];
    from.get(piece);
    try {
      put(offset, piece);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private synchronized void put(int offset, byte[] from) throws IOException {
    file.seek((long) start + offset);
    file.write(from);
  }

  private MigrationException failed(IOException e) {
    return new MigrationException(
        DeviceError.IO_FAILED,
        e instanceof EOFException
            ? "somebody shortened the file of the local memory of the simulated device %s; reset it"
                .formatted(id)
            : "the local memory of the simulated device %s cannot be reached: %s"
                .formatted(id, e.getMessage()),
        e);
  }

  /** Returns the content. */
  byte[] content() throws MigrationException {
    ByteBuffer content = ByteBuffer.allocate(bytes);
    read(0, content);
    return content.array();
  }

  /** Replaces the content; the file has its length again if somebody changed that. */
  void fill(byte[] content) throws MigrationException {
    try {
      synchronized (this) {
        file.setLength((long) start + bytes);
      }
    } catch (IOException e) {
      throw failed(e);
    }
    write(0, ByteBuffer.wrap(content));
  }

  /** Returns a part as memory of this process. */
  ByteBuffer map(int offset, int lengthBytes) throws MigrationException {
    try {
      return file.getChannel()
          .map(FileChannel.MapMode.READ_WRITE, (long) start + offset, lengthBytes);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  void close() {
    try {
      file.close();
    } catch (IOException e) {
      // It is in memory and nobody waits for anything that would have to be written.
    }
  }
}
