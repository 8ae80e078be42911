package io.vferry.host.linux.user.server;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A file of a client that is in the memory of the test. */
final class FakeFile implements ClientFile {

  final ByteBuffer memory;
  boolean mappable = true;
  boolean eventCounter = true;
  int signals;
  int closed;

  FakeFile(int sizeBytes) {
    this.memory = ByteBuffer.allocateDirect(sizeBytes).order(ByteOrder.nativeOrder());
  }

  static FakeFile counter() {
    return new FakeFile(0);
  }

  @Override
  public ByteBuffer map(long offset, int lengthBytes, boolean writable) throws Refusal {
    if (!mappable || offset + lengthBytes > memory.capacity()) {
      throw Refusal.invalid("the file cannot be mapped");
    }
    return memory.slice((int) offset, lengthBytes);
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    if (offset + into.remaining() > memory.capacity()) {
      throw new MigrationException(DeviceError.IO_FAILED, "the file ends before");
    }
    into.put(memory.slice((int) offset, into.remaining()));
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    if (offset + from.remaining() > memory.capacity()) {
      throw new MigrationException(DeviceError.IO_FAILED, "the file ends before");
    }
    memory.slice((int) offset, from.remaining()).put(from);
  }

  @Override
  public void checkEventCounter() throws Refusal {
    if (!eventCounter) {
      throw Refusal.invalid("the file is no event counter");
    }
  }

  @Override
  public void signal() {
    signals++;
  }

  @Override
  public void close() {
    closed++;
  }
}
