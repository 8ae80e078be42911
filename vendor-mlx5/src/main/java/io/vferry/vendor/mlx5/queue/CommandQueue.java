package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.host.HostClock;
import io.vferry.vendor.mlx5.command.Command;
import io.vferry.vendor.mlx5.command.Words;
import io.vferry.vendor.mlx5.prm.EventType;
import io.vferry.vendor.mlx5.prm.InitSegment;
import io.vferry.vendor.mlx5.prm.Opcode;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The command queue of a physical function: up to 32 slots, of which the last is kept for page
 * traffic, so that it can always go on.
 *
 * <p>It has no thread: whoever waits for an answer looks at the slots and events for everybody, and
 * an interrupt does the same when nobody waits. Ownership of a slot is the truth; an event only
 * says when to look, so that one too many, too few or too late does no harm. Any thread.
 */
public final class CommandQueue {

  private static final int ENTRY_BYTES = 64;
  private static final int TYPE_PCI = 7;
  private static final int INPUT_LENGTH = 0x04;
  private static final int INPUT_MAILBOX = 0x08;
  private static final int INPUT_INLINE = 0x10;
  private static final int OUTPUT_INLINE = 0x20;
  private static final int OUTPUT_MAILBOX = 0x30;
  private static final int OUTPUT_LENGTH = 0x38;
  private static final int TOKEN = 0x3c;
  private static final byte[] BLANK_ENTRY = new byte[ENTRY_BYTES];
  private static final VarHandle DWORD =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  /** The kernel's limit where the firmware advises none. */
  private static final long DEFAULT_TIMEOUT_NANOS = 60_000_000_000L;

  private static final int SPINS = 256;
  private static final long FIRST_PAUSE_NANOS = 20_000;
  private static final long LONGEST_PAUSE_NANOS = 500_000;
  private static final int LOOKS_BETWEEN_HEALTH_CHECKS = 8;

  private final FunctionRegisters registers;
  private final HostClock clock;
  private final FunctionHealth health;
  private final DmaArena arena;
  private final MailboxPool mailboxes;
  private final PageTraffic pages;
  private final QueueGeometry geometry;
  private final DmaMemory memory;
  private final @Nullable Flight<?>[] slots;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Consumer<Event>> listeners = new CopyOnWriteArrayList<>();
  private volatile long timeoutNanos = DEFAULT_TIMEOUT_NANOS;
  private volatile boolean checksums;
  private @Nullable EventQueue events;
  private volatile @Nullable CommandException dead;
  private byte lastToken;
  private long lateAnswers;
  private boolean closed;

  CommandQueue(
      FunctionRegisters registers,
      HostClock clock,
      FunctionHealth health,
      DmaArena arena,
      PageTraffic pages,
      QueueGeometry geometry)
      throws CommandException {
    this.registers = registers;
    this.clock = clock;
    this.health = health;
    this.arena = arena;
    this.mailboxes = new MailboxPool(arena);
    this.pages = pages;
    this.geometry = geometry;
    this.memory = arena.allocate(DmaArena.PAGE_BYTES);
    this.slots = new Flight<?>[geometry.slots()];
  }

  /** Returns the address of the queue, for the device. */
  long address() {
    return memory.address();
  }

  void timeoutNanos(long nanos) {
    timeoutNanos = nanos;
  }

  void checksums(boolean on) {
    checksums = on;
  }

  void events(@Nullable EventQueue queue) {
    lock.lock();
    try {
      events = queue;
    } finally {
      lock.unlock();
    }
  }

  /** Has a listener told of each event that is not about commands and pages. */
  public void listen(Consumer<Event> listener) {
    listeners.add(listener);
  }

  /** Forgets a listener. */
  public void unlisten(Consumer<Event> listener) {
    listeners.remove(listener);
  }

  /** Returns the time in which the device lives. */
  public HostClock clock() {
    return clock;
  }

  /** Returns how many answers came after their waiter had given up. */
  public long lateAnswers() {
    return lateAnswers;
  }

  /** Sends a command and waits for its answer; an interrupt of the thread does not end the wait. */
  public <R> R execute(Command<R> command) throws CommandException {
    return await(submit(command));
  }

  /**
   * Sends a command.
   *
   * @throws CommandException {@code NO_RESOURCES} if no slot became free in time, {@code LOST}
   */
  public <R> Flight<R> submit(Command<R> command) throws CommandException {
    health.checkReset();
    Backoff backoff = new Backoff();
    long deadline = clock.nanoTime() + timeoutNanos;
    Flight<R> flight = reserve(command);
    try {
      while (flight == null) {
        if (clock.nanoTime() - deadline >= 0) {
          throw CommandException.noResources(
              "%s found no free slot in %d ms"
                  .formatted(command.opcode(), timeoutNanos / 1_000_000));
        }
        backoff.pause();
        progress();
        flight = reserve(command);
      }
    } finally {
      backoff.end();
    }
    ring(flight);
    return flight;
  }

  private <R> @Nullable Flight<R> reserve(Command<R> command) throws CommandException {
    lock.lock();
    try {
      throwIfDead();
      int slot = freeSlot(command.opcode());
      return slot < 0 ? null : place(command, slot);
    } finally {
      lock.unlock();
    }
  }

  private int freeSlot(Opcode opcode) {
    int last = slots.length - 1;
    if (opcode == Opcode.MANAGE_PAGES) {
      return slots[last] == null ? last : -1;
    }
    if (throttled(opcode) && throttledUnderWay() >= (last + 1) / 2) {
      return -1;
    }
    for (int slot = 0; slot < last; slot++) {
      if (slots[slot] == null) {
        return slot;
      }
    }
    return -1;
  }

  /**
   * Whether a command may take only half of the slots, so that slow objects never keep a migration
   * from its commands. Source: Linux 6.12, {@code drivers/net/ethernet/mellanox/mlx5/core/cmd.c},
   * {@code throttle_sema}.
   */
  private static boolean throttled(Opcode opcode) {
    return switch (opcode) {
      case CREATE_GENERAL_OBJECT,
          MODIFY_GENERAL_OBJECT,
          QUERY_GENERAL_OBJECT,
          DESTROY_GENERAL_OBJECT ->
          true;
      default -> false;
    };
  }

  private int throttledUnderWay() {
    int count = 0;
    for (Flight<?> flight : slots) {
      count += flight != null && throttled(flight.command().opcode()) ? 1 : 0;
    }
    return count;
  }

  private <R> Flight<R> place(Command<R> command, int slot) throws CommandException {
    int inputBlocks = MailboxChain.blocksFor(command.inputBytes());
    List<Mailbox> taken =
        mailboxes.take(inputBlocks + MailboxChain.blocksFor(command.outputBytes()));
    MailboxChain input = new MailboxChain(taken.subList(0, inputBlocks));
    MailboxChain output = new MailboxChain(taken.subList(inputBlocks, taken.size()));
    Flight<R> flight =
        new Flight<>(command, slot, nextToken(), input, output, clock.nanoTime() + timeoutNanos);
    ByteBuffer message = command.encode();
    input.fill(message, flight.token());
    output.fill(ByteBuffer.allocate(0), flight.token());
    ByteBuffer entry = entry(slot);
    entry.put(0, BLANK_ENTRY);
    entry.put(0, (byte) TYPE_PCI);
    entry.putInt(INPUT_LENGTH, command.inputBytes());
    entry.putLong(INPUT_MAILBOX, input.address());
    entry.put(INPUT_INLINE, message, 0, MailboxChain.INLINE_BYTES);
    entry.putLong(OUTPUT_MAILBOX, output.address());
    entry.putInt(OUTPUT_LENGTH, command.outputBytes());
    // The signature covers the ownership bit, which must become visible after all else.
    ByteBuffer last = ByteBuffer.allocate(Integer.BYTES);
    last.put(0, flight.token()).put(3, (byte) 1);
    entry.put(TOKEN, last, 0, Integer.BYTES);
    last.put(1, XorSignature.over(entry, 0, ENTRY_BYTES));
    DWORD.setRelease(entry, TOKEN, last.getInt(0));
    slots[slot] = flight;
    return flight;
  }

  private byte nextToken() {
    lastToken++;
    if (lastToken == 0) {
      lastToken++;
    }
    return lastToken;
  }

  private ByteBuffer entry(int slot) {
    return memory.slice((long) slot << geometry.logStride(), ENTRY_BYTES);
  }

  /** Not under the lock: a model may do all the work in this register write. */
  private void ring(Flight<?> flight) throws CommandException {
    try {
      registers.write(InitSegment.CMD_DOORBELL, 1 << flight.slot());
    } catch (CommandException e) {
      fail(e);
      throw e;
    }
  }

  /** Waits for an answer; an interrupt of the thread does not end the wait. */
  public <R> R await(Flight<R> flight) throws CommandException {
    Backoff backoff = new Backoff();
    try {
      while (!isDone(flight)) {
        backoff.pause();
      }
    } finally {
      backoff.end();
    }
    return answer(flight);
  }

  /**
   * Waits for an answer.
   *
   * @throws InterruptedException if the thread is interrupted; the command goes on
   */
  public <R> R awaitInterruptibly(Flight<R> flight) throws CommandException, InterruptedException {
    Backoff backoff = new Backoff();
    while (!isDone(flight)) {
      backoff.pause();
      backoff.throwIfInterrupted();
    }
    return answer(flight);
  }

  /** Looks whether an answer came, or will not come any more; does not wait. */
  public boolean isDone(Flight<?> flight) {
    progress();
    lock.lock();
    try {
      if (!flight.done() && clock.nanoTime() - flight.deadlineNanos() >= 0) {
        flight.fail(CommandException.timedOut(flight.command().opcode(), timeoutNanos));
      }
      return flight.done();
    } finally {
      lock.unlock();
    }
  }

  private <R> R answer(Flight<R> flight) throws CommandException {
    lock.lock();
    try {
      CommandException failure = flight.failure();
      if (failure != null) {
        throw failure;
      }
      return flight.answer();
    } finally {
      lock.unlock();
    }
  }

  /** Has something done once the device is through with a command, which may be now. */
  public void afterwards(Flight<?> flight, Runnable task) {
    lock.lock();
    try {
      if (!flight.settled()) {
        flight.afterwards().add(task);
        return;
      }
    } finally {
      lock.unlock();
    }
    task.run();
  }

  /** Looks at events and slots once. */
  public void progress() {
    List<Runnable> tasks = new ArrayList<>();
    Flight<?> pageFlight = null;
    lock.lock();
    try {
      EventQueue queue = events;
      if (queue != null && dead == null) {
        queue.drain(this::dispatch);
      }
      for (Flight<?> flight : slots) {
        if (flight != null) {
          look(flight, tasks);
        }
      }
      pages.poll();
      if (dead == null && slots[slots.length - 1] == null) {
        Command<?> next = pages.next();
        if (next != null) {
          pageFlight = place(next, slots.length - 1);
          pages.sent(pageFlight);
        }
      }
    } catch (CommandException e) {
      if (e.fate() == CommandException.Fate.LOST) {
        failAll(e, tasks);
      }
    } finally {
      lock.unlock();
    }
    tasks.forEach(Runnable::run);
    if (pageFlight != null) {
      try {
        ring(pageFlight);
      } catch (CommandException e) {
        // It has failed all flights; their waiters tell.
        return;
      }
    }
  }

  private void dispatch(Event event) {
    switch (event.type()) {
      case EventType.COMMAND -> {
        // The slots are looked at in any case.
      }
      case EventType.PAGE_REQUEST -> pages.requested(event.data());
      default -> listeners.forEach(listener -> listener.accept(event));
    }
  }

  private <R> void look(Flight<R> flight, List<Runnable> tasks) {
    ByteBuffer entry = entry(flight.slot());
    int last = (int) DWORD.getAcquire(entry, TOKEN);
    if ((last & 1) != 0) {
      return;
    }
    if (flight.done()) {
      lateAnswers++;
    }
    int delivery = last >>> 1 & 0x7f;
    if (last >>> 24 != Byte.toUnsignedInt(flight.token())) {
      flight.fail(CommandException.damaged(flight.command().opcode(), "its token is another's"));
    } else if (delivery != 0) {
      flight.fail(CommandException.notDelivered(flight.command().opcode(), delivery));
    } else if (checksums && !intact(entry, flight)) {
      flight.fail(CommandException.damaged(flight.command().opcode(), "a signature is wrong"));
    } else {
      read(entry, flight);
    }
    free(flight, tasks);
  }

  private static boolean intact(ByteBuffer entry, Flight<?> flight) {
    return XorSignature.intact(entry, 0, ENTRY_BYTES)
        && flight.output().blocks().stream()
            .allMatch(block -> block.intact() && block.token() == flight.token());
  }

  private static <R> void read(ByteBuffer entry, Flight<R> flight) {
    Command<R> command = flight.command();
    int length = command.outputBytes();
    ByteBuffer message = ByteBuffer.allocate(Math.max(length, MailboxChain.INLINE_BYTES));
    message.put(0, entry, OUTPUT_INLINE, MailboxChain.INLINE_BYTES);
    flight.output().copyTo(message);
    Words out = new Words(message);
    int status = out.bits(0x0, 31, 24);
    if (status != 0) {
      flight.fail(CommandException.refused(command.opcode(), status, out.dword(0x4)));
    } else {
      flight.succeed(command.read(out));
    }
  }

  private void free(Flight<?> flight, List<Runnable> tasks) {
    mailboxes.giveBack(flight.output().blocks());
    mailboxes.giveBack(flight.input().blocks());
    slots[flight.slot()] = null;
    settle(flight, tasks);
  }

  private static void settle(Flight<?> flight, List<Runnable> tasks) {
    flight.settle();
    tasks.addAll(flight.afterwards());
    flight.afterwards().clear();
  }

  /** Fails all that is under way and all that comes. */
  void fail(CommandException why) {
    List<Runnable> tasks = new ArrayList<>();
    lock.lock();
    try {
      failAll(why, tasks);
    } finally {
      lock.unlock();
    }
    tasks.forEach(Runnable::run);
  }

  private void failAll(CommandException why, List<Runnable> tasks) {
    if (dead == null) {
      dead = why;
    }
    for (Flight<?> flight : slots) {
      if (flight != null) {
        flight.fail(CommandException.lost(String.valueOf(why.getMessage())));
        // What is unmapped afterwards the device cannot reach, dead or not.
        slots[flight.slot()] = null;
        settle(flight, tasks);
      }
    }
  }

  /**
   * Looks whether the function is alive and still the one that was started.
   *
   * @throws CommandException {@code LOST}
   */
  public void check() throws CommandException {
    throwIfDead();
    lock.lock();
    look();
  }

  /**
   * Looks whether the function is alive, unless another thread looks at it or the queue just now;
   * does not wait for that one.
   *
   * @throws CommandException {@code LOST}
   */
  public void checkUnlessBusy() throws CommandException {
    throwIfDead();
    if (lock.tryLock()) {
      look();
    }
  }

  private void throwIfDead() throws CommandException {
    CommandException why = dead;
    if (why != null) {
      throw CommandException.lost(String.valueOf(why.getMessage()));
    }
  }

  /** Looks with the lock held, and gives it back. */
  private void look() throws CommandException {
    CommandException why;
    try {
      health.check();
      return;
    } catch (CommandException e) {
      why = e;
    } finally {
      lock.unlock();
    }
    fail(why);
    throwIfDead();
  }

  /** Unmaps all memory of the queue; the device must not use it any more. */
  void close() {
    fail(CommandException.lost("the session with the physical function is closed"));
    mailboxes.close();
    if (!closed) {
      closed = true;
      arena.release(memory);
    }
  }

  /** Looks more and more seldom. For one wait of one thread. */
  private final class Backoff {
    private int looks;
    private long pauseNanos = FIRST_PAUSE_NANOS;
    private boolean interrupted;

    void pause() throws CommandException {
      looks++;
      if (looks < SPINS) {
        Thread.onSpinWait();
        return;
      }
      if (looks % LOOKS_BETWEEN_HEALTH_CHECKS == 0) {
        check();
      }
      try {
        clock.sleep(pauseNanos);
      } catch (InterruptedException e) {
        interrupted = true;
      }
      pauseNanos = Math.min(LONGEST_PAUSE_NANOS, pauseNanos + pauseNanos / 4);
    }

    void throwIfInterrupted() throws InterruptedException {
      if (interrupted) {
        throw new InterruptedException("interrupted while a command was under way");
      }
    }

    void end() {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
