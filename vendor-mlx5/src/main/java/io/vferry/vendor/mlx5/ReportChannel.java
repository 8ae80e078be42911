package io.vferry.vendor.mlx5;

import io.vferry.vendor.mlx5.command.AllocPd;
import io.vferry.vendor.mlx5.command.Command;
import io.vferry.vendor.mlx5.command.CreateCq;
import io.vferry.vendor.mlx5.command.CreateMkey;
import io.vferry.vendor.mlx5.command.CreateQp;
import io.vferry.vendor.mlx5.command.DeallocPd;
import io.vferry.vendor.mlx5.command.DestroyCq;
import io.vferry.vendor.mlx5.command.DestroyMkey;
import io.vferry.vendor.mlx5.command.DestroyQp;
import io.vferry.vendor.mlx5.command.ModifyQp;
import io.vferry.vendor.mlx5.prm.EventType;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.DmaMemory;
import io.vferry.vendor.mlx5.queue.Event;
import io.vferry.vendor.mlx5.queue.FunctionSession;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Two queue pairs, joined within one port, over which the firmware sends its reports. Source: Linux
 * 6.12, {@code drivers/vfio/pci/mlx5/cmd.c}, {@code mlx5vf_start_page_tracker}. One thread at a
 * time, but for {@link #failed(Event)}.
 */
final class ReportChannel {

  /**
   * A message of the firmware.
   *
   * @param state the tracker's state, which the message carries
   * @param addresses of pages, 8 bytes each
   */
  record Message(int state, ByteBuffer addresses) {}

  private static final long LEAST_RECEIVE_BYTES = 2L << 20;
  private static final int LEAST_MESSAGES = 4;
  private static final int RECEIVE_BYTES = 16;
  private static final int PAGE_BYTES = 4096;
  private static final int CQ_DOORBELL = 0;
  private static final int RQ_DOORBELL = 64;
  private static final int FIRMWARE_DOORBELL = 128;
  private static final int CQE_IMMEDIATE = 0x24;
  private static final int CQE_BYTES = 0x2c;
  private static final int CQE_LAST = 0x3c;
  private static final int OPCODE_SEND_IMMEDIATE = 3;
  private static final int OPCODE_INVALID = 15;
  private static final VarHandle DWORD =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  private final FunctionSession session;
  private final int messageBytes;
  private final int logDepth;
  private final Deque<Command<?>> undo = new ArrayDeque<>();
  private final List<DmaMemory> memories = new ArrayList<>();
  private final DmaMemory doorbells;
  private final DmaMemory completions;
  private final DmaMemory receives;
  private final DmaMemory messages;
  private int cqn;
  private int hostQpn;
  private int firmwareQpn;
  private int mkey;
  private int consumer;
  private int producer;
  private volatile @Nullable String failure;

  private ReportChannel(FunctionSession session, int logMessageBytes) throws CommandException {
    this.session = session;
    this.messageBytes = 1 << logMessageBytes;
    long bytes = Math.max(LEAST_RECEIVE_BYTES, (long) LEAST_MESSAGES << logMessageBytes);
    int depth = (int) (bytes >>> logMessageBytes);
    this.logDepth = 31 - Integer.numberOfLeadingZeros(depth);
    try {
      this.doorbells = allocate(PAGE_BYTES);
      this.completions = allocate((long) CreateCq.ENTRY_BYTES << logDepth);
      this.receives = allocate((long) RECEIVE_BYTES << logDepth);
      this.messages = allocate((long) messageBytes << logDepth);
    } catch (CommandException e) {
      release();
      throw e;
    }
  }

  private DmaMemory allocate(long bytes) throws CommandException {
    DmaMemory memory = session.arena().allocate(bytes);
    memories.add(memory);
    return memory;
  }

  /** Sets the channel up; nothing of it remains if that fails. */
  static ReportChannel open(FunctionSession session, int logMessageBytes) throws CommandException {
    ReportChannel channel = new ReportChannel(session, logMessageBytes);
    try {
      channel.connect();
      return channel;
    } catch (CommandException e) {
      channel.close();
      throw e;
    }
  }

  private void connect() throws CommandException {
    for (int entry = 0; entry < 1 << logDepth; entry++) {
      completions
          .slice((long) entry * CreateCq.ENTRY_BYTES, CreateCq.ENTRY_BYTES)
          .put(CQE_LAST + 3, (byte) (OPCODE_INVALID << 4));
    }
    int pd = session.queue().execute(new AllocPd());
    undo.push(new DeallocPd(pd));
    cqn =
        session
            .queue()
            .execute(
                new CreateCq(
                    logDepth,
                    session.uar(),
                    session.eqn(),
                    completions.address(),
                    doorbells.address() + CQ_DOORBELL));
    undo.push(new DestroyCq(cqn));
    hostQpn = createQp(pd, logDepth, RQ_DOORBELL);
    int pages = (int) (messages.lengthBytes() / PAGE_BYTES);
    mkey = session.queue().execute(new CreateMkey(pd, messages.address(), pages));
    undo.push(new DestroyMkey(mkey));
    firmwareQpn = createQp(pd, -1, FIRMWARE_DOORBELL);
    step(ModifyQp.Step.TO_INIT, hostQpn, 0);
    for (int slot = 0; slot < 1 << logDepth; slot++) {
      post(slot);
    }
    step(ModifyQp.Step.TO_RECEIVE, hostQpn, firmwareQpn);
    step(ModifyQp.Step.TO_INIT, firmwareQpn, 0);
    step(ModifyQp.Step.TO_RECEIVE, firmwareQpn, hostQpn);
    step(ModifyQp.Step.TO_SEND, firmwareQpn, 0);
  }

  private int createQp(int pd, int logReceives, int doorbell) throws CommandException {
    int qpn =
        session
            .queue()
            .execute(
                new CreateQp(
                    pd,
                    session.uar(),
                    cqn,
                    logReceives,
                    logReceives < 0 ? doorbells.address() : receives.address(),
                    doorbells.address() + doorbell));
    undo.push(new DestroyQp(qpn));
    return qpn;
  }

  private void step(ModifyQp.Step step, int qpn, int remote) throws CommandException {
    session
        .queue()
        .execute(new ModifyQp(step, qpn, remote, session.general().logMaxMessageBytes()));
  }

  /** Lends the memory of a slot to the firmware. */
  private void post(int slot) {
    ByteBuffer receive = receives.slice((long) slot * RECEIVE_BYTES, RECEIVE_BYTES);
    receive.putInt(0, messageBytes).putInt(4, mkey).putLong(8, (long) slot * messageBytes);
    producer++;
    DWORD.setRelease(doorbells.slice(0, PAGE_BYTES), RQ_DOORBELL, producer & 0xffff);
  }

  /** Returns the number of the pair that sends. */
  int firmwareQpn() {
    return firmwareQpn;
  }

  /**
   * Takes the next message, if one came.
   *
   * @throws CommandException if the channel failed
   */
  @Nullable Message poll() throws CommandException {
    int entries = 1 << logDepth;
    ByteBuffer entry =
        completions.slice(
            (long) (consumer & entries - 1) * CreateCq.ENTRY_BYTES, CreateCq.ENTRY_BYTES);
    int last = (int) DWORD.getAcquire(entry, CQE_LAST);
    int opcode = last >>> 4 & 0xf;
    if (opcode == OPCODE_INVALID || (last & 1) != ((consumer & entries) == 0 ? 0 : 1)) {
      return null;
    }
    if (opcode != OPCODE_SEND_IMMEDIATE) {
      throw CommandException.lost("the report channel completed with opcode " + opcode);
    }
    int slot = last >>> 16 & entries - 1;
    int length = entry.getInt(CQE_BYTES);
    if (length < 0 || length > messageBytes || length % Long.BYTES != 0) {
      throw CommandException.lost("a report message has " + length + " bytes");
    }
    ByteBuffer addresses = ByteBuffer.allocate(length);
    messages.read((long) slot * messageBytes, addresses, length);
    Message message = new Message(entry.getInt(CQE_IMMEDIATE) >>> 28, addresses.flip());
    consumer++;
    DWORD.setRelease(doorbells.slice(0, PAGE_BYTES), CQ_DOORBELL, consumer & 0xffffff);
    post(slot);
    return message;
  }

  /** Notes an event that says that the channel is broken; any thread. */
  void failed(Event event) {
    boolean ours =
        switch (event.type()) {
          case EventType.CQ_ERROR -> event.data().bits(0x0, 23, 0) == cqn;
          case EventType.WQ_CATASTROPHIC, EventType.WQ_INVALID_REQUEST, EventType.WQ_ACCESS -> {
            int qpn = event.data().bits(0x18, 23, 0);
            yield qpn == hostQpn || qpn == firmwareQpn;
          }
          default -> false;
        };
    if (ours) {
      failure = "event 0x%02x hit the report channel".formatted(event.type());
    }
  }

  /** Returns what broke the channel, if anything did. */
  @Nullable String failure() {
    return failure;
  }

  /** Takes everything apart, the last first; the memory is unmapped in any case. */
  void close() {
    while (!undo.isEmpty()) {
      undo(undo.pop());
    }
    release();
  }

  /** What the firmware refuses to give back, the teardown of the function frees. */
  private boolean undo(Command<?> command) {
    try {
      session.queue().execute(command);
      return true;
    } catch (CommandException e) {
      return false;
    }
  }

  private void release() {
    memories.forEach(session.arena()::release);
    memories.clear();
  }
}
