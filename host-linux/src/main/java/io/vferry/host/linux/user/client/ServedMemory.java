package io.vferry.host.linux.user.client;

import com.sun.jna.Pointer;
import io.vferry.host.linux.AddressSpace;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DmaAccessMessage;
import io.vferry.host.linux.user.wire.DmaLayout;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Memory that the server reaches by asking for it: {@code DMA_READ} and {@code DMA_WRITE}, each
 * done as a whole or refused. Bulk data go from and to the memory itself.
 */
final class ServedMemory implements OrderTaker {

  /** A message in the layout of QEMU 10.2 could not be told from this one. */
  private static final DmaLayout LAYOUT = DmaLayout.CURRENT;

  private static final int FIELDS_BYTES = LAYOUT.fieldsBytes();

  /** What a message can be put together from, beside its head. */
  private static final int MOST_PIECES = MessageConnection.MOST_PARTS - 1;

  private final int largestCount;
  private final TreeMap<Long, AddressSpace.Mapping> byStart = new TreeMap<>(Long::compareUnsigned);

  /** Is told what the server wrote. */
  private volatile Consumer<MemoryRange> written = range -> {};

  /**
   * Creates one without memory.
   *
   * @param largestCount how many bytes one message may carry
   */
  ServedMemory(int largestCount) {
    this.largestCount = largestCount;
  }

  /** Has somebody told what the server writes. */
  void onWrite(Consumer<MemoryRange> listener) {
    written = listener;
  }

  synchronized void add(AddressSpace.Mapping mapping) {
    byStart.put(mapping.iova().start(), mapping);
  }

  /** Takes memory away; no order reaches it when this returns. */
  synchronized void remove(AddressSpace.Mapping mapping) {
    byStart.remove(mapping.iova().start());
  }

  @Override
  public synchronized void take(
      MessageHeader header,
      Command command,
      MessageConnection.Incoming incoming,
      MessageConnection answers)
      throws ConnectionException {
    int errno =
        incoming.remainingBytes() < FIELDS_BYTES
            ? Errno.EINVAL
            : command == Command.DMA_READ
                ? read(header, incoming, answers)
                : write(header, incoming, answers);
    if (errno != 0 && !header.noReply()) {
      Conversation.refuse(header, errno, answers);
    }
  }

  private int read(
      MessageHeader header, MessageConnection.Incoming incoming, MessageConnection answers)
      throws ConnectionException {
    if (incoming.remainingBytes() != FIELDS_BYTES) {
      return Errno.EINVAL;
    }
    ByteBuffer fields = incoming.body();
    long address = fields.getLong(0);
    long count = fields.getLong(Long.BYTES);
    if (count < 1 || count > largestCount) {
      return Errno.EINVAL;
    }
    List<ByteBuffer> pieces = new ArrayList<>();
    int errno = find(address, (int) count, false, pieces);
    if (errno != 0 || header.noReply()) {
      return errno;
    }
    send(
        answers,
        header.reply(FIELDS_BYTES + (int) count),
        DmaAccessMessage.withoutData(LAYOUT, address, (int) count),
        pieces);
    return 0;
  }

  private int write(
      MessageHeader header, MessageConnection.Incoming incoming, MessageConnection answers)
      throws ConnectionException {
    int count = incoming.remainingBytes() - FIELDS_BYTES;
    ByteBuffer fields = ByteBuffer.allocate(FIELDS_BYTES).order(ByteOrder.nativeOrder());
    incoming.read(fields);
    if (count < 1 || count > largestCount || fields.getLong(Long.BYTES) != count) {
      return Errno.EINVAL;
    }
    long address = fields.getLong(0);
    List<ByteBuffer> pieces = new ArrayList<>();
    int errno = find(address, count, true, pieces);
    if (errno != 0) {
      return errno;
    }
    for (ByteBuffer piece : pieces) {
      incoming.read(piece);
    }
    written.accept(new MemoryRange(address, count));
    if (!header.noReply()) {
      Payload reply = DmaAccessMessage.withoutData(LAYOUT, address, count);
      send(answers, header.reply(reply.sizeBytes()), reply, List.of());
    }
    return 0;
  }

  /** Collects the pieces of memory of a range; returns 0, or why there are none. */
  private int find(long address, int count, boolean write, List<ByteBuffer> pieces) {
    if (Long.compareUnsigned(address, address + count - 1) > 0) {
      return Errno.EINVAL;
    }
    for (int done = 0; done < count; ) {
      long at = address + done;
      Map.Entry<Long, AddressSpace.Mapping> entry = byStart.floorEntry(at);
      AddressSpace.Mapping mapping = entry == null ? null : entry.getValue();
      if (mapping == null || Long.compareUnsigned(at, mapping.iova().last()) > 0) {
        return Errno.EFAULT;
      }
      if (write ? !mapping.deviceWrites() : !mapping.deviceReads()) {
        return Errno.EACCES;
      }
      long offset = at - mapping.iova().start();
      int here = (int) Math.min(count - done, mapping.iova().length() - offset);
      pieces.add(new Pointer(mapping.address()).getByteBuffer(offset, here));
      done += here;
    }
    return 0;
  }

  private static void send(
      MessageConnection answers, MessageHeader header, Payload fields, List<ByteBuffer> pieces)
      throws ConnectionException {
    List<ByteBuffer> data = pieces.size() > MOST_PIECES ? List.of(joined(pieces)) : pieces;
    ByteBuffer head =
        ByteBuffer.allocate(MessageHeader.BYTES + fields.sizeBytes())
            .order(ByteOrder.nativeOrder());
    header.put(head);
    fields.put(head);
    ByteBuffer[] parts = new ByteBuffer[1 + data.size()];
    parts[0] = head.flip();
    for (int i = 0; i < data.size(); i++) {
      parts[1 + i] = data.get(i);
    }
    answers.send(List.of(), parts);
  }

  private static ByteBuffer joined(List<ByteBuffer> pieces) {
    ByteBuffer all = ByteBuffer.allocate(pieces.stream().mapToInt(ByteBuffer::remaining).sum());
    pieces.forEach(piece -> all.put(piece.duplicate()));
    return all.flip();
  }
}
