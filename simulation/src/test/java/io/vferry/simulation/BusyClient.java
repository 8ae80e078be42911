package io.vferry.simulation;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * A client that shares no memory and does one thing at a time: while it waits for the reply to a
 * command, it answers nothing that the device asks of the memory. So does QEMU: the main loop
 * answers, with the lock that a CPU holds while it waits (QEMU 11.1, {@code hw/vfio-user/proxy.c},
 * {@code vfio_user_request} and {@code vfio_user_send_wait}).
 *
 * <p>Commands and layouts are those of QEMU's {@code docs/interop/vfio-user.rst}.
 */
final class BusyClient implements AutoCloseable {

  static final int PAGE_BYTES = 4096;

  /** Where the device finds the memory. */
  static final long MEMORY = 0x10_0000;

  private static final int HEADER_BYTES = 16;
  private static final int VERSION = 1;
  private static final int DMA_MAP = 2;
  private static final int REGION_READ = 9;
  private static final int REGION_WRITE = 10;
  private static final int DMA_READ = 11;
  private static final int DMA_WRITE = 12;
  private static final int DEVICE_RESET = 13;
  private static final int REPLY = 1;
  private static final int ERROR = 0x20;

  private final SocketChannel channel;
  private final ByteBuffer memory;
  private final Queue<ByteBuffer> open = new ArrayDeque<>();
  private short nextId = 1;
  private long pagesWritten;

  BusyClient(Path socket, int memoryPages) throws IOException {
    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
    memory = ByteBuffer.allocate(memoryPages * PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    byte[] capabilities = "{\"capabilities\":{}}\0".getBytes(StandardCharsets.UTF_8);
    command(VERSION, body(4 + capabilities.length).putInt(0).put(capabilities));
    command(
        DMA_MAP,
        body(32).putInt(32).putInt(3).putLong(0).putLong(MEMORY).putLong(memory.capacity()));
  }

  private static ByteBuffer body(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
  }

  /** Returns the memory, for an absolute access. */
  ByteBuffer memory() {
    return memory;
  }

  /** Returns how many whole pages the device has written. */
  long pagesWritten() {
    return pagesWritten;
  }

  long read(int region, long offset) throws IOException {
    ByteBuffer reply =
        command(REGION_READ, body(16).putLong(offset).putInt(region).putInt(Long.BYTES));
    return reply.getLong(HEADER_BYTES + 16);
  }

  void write(int region, long offset, long value) throws IOException {
    command(
        REGION_WRITE, body(24).putLong(offset).putInt(region).putInt(Long.BYTES).putLong(value));
  }

  void reset() throws IOException {
    command(DEVICE_RESET, body(0));
  }

  /** Sends a command and waits for its reply, and keeps what the device asks meanwhile. */
  private ByteBuffer command(int number, ByteBuffer body) throws IOException {
    short id = nextId++;
    send(id, number, 0, body.flip());
    while (true) {
      ByteBuffer message = receive();
      if ((message.getInt(8) & REPLY) == 0) {
        open.add(message);
      } else if (message.getShort(0) != id || (message.getInt(8) & ERROR) != 0) {
        throw new IOException(
            "command %d is answered with number %d and flags 0x%x, errno %d"
                .formatted(number, message.getShort(0), message.getInt(8), message.getInt(12)));
      } else {
        return message;
      }
    }
  }

  /** Waits until the device asks for memory, and does not answer. */
  void awaitQuestion() throws IOException {
    while (open.isEmpty()) {
      open.add(receive());
    }
  }

  /** Answers what the device has asked. */
  void answer() throws IOException {
    for (ByteBuffer question = open.poll(); question != null; question = open.poll()) {
      answer(question);
    }
  }

  private void answer(ByteBuffer question) throws IOException {
    int number = question.getShort(2);
    long address = question.getLong(HEADER_BYTES);
    int count = Math.toIntExact(question.getLong(HEADER_BYTES + 8));
    ByteBuffer part =
        memory.slice(Math.toIntExact(address - MEMORY), count).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer reply = body(16 + (number == DMA_READ ? count : 0)).putLong(address).putLong(count);
    if (number == DMA_READ) {
      reply.put(part);
    } else if (number == DMA_WRITE) {
      part.put(question.slice(HEADER_BYTES + 16, count));
      pagesWritten += count / PAGE_BYTES;
    } else {
      throw new IOException("the server sends command " + number);
    }
    send(question.getShort(0), number, REPLY, reply.flip());
  }

  private void send(short id, int number, int flags, ByteBuffer body) throws IOException {
    ByteBuffer message = body(HEADER_BYTES + body.remaining());
    message.putShort(id).putShort((short) number).putInt(message.capacity());
    message.putInt(flags).putInt(0).put(body).flip();
    while (message.hasRemaining()) {
      channel.write(message);
    }
  }

  private ByteBuffer receive() throws IOException {
    ByteBuffer header = fill(body(HEADER_BYTES));
    ByteBuffer message = body(header.getInt(4)).put(header);
    return fill(message).order(ByteOrder.nativeOrder());
  }

  private ByteBuffer fill(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("the server closed the connection");
      }
    }
    return buffer.flip();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
