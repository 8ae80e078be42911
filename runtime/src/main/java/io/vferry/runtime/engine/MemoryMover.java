package io.vferry.runtime.engine;

import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Problem;
import io.vferry.spi.error.MigrationException;
import java.util.function.Consumer;

/** The agent of the virtual machine: asks it one thing after the other and moves its memory. */
abstract class MemoryMover implements Agent {

  /** Something the VM is asked to do. */
  @FunctionalInterface
  interface VmCall {
    void run() throws MigrationException, InterruptedException;
  }

  private final Consumer<Event> events;
  private final Mailbox<VmCall> mailbox = new Mailbox<>();

  MemoryMover(Consumer<Event> events) {
    this.events = events;
  }

  @Override
  public final long idleNanos() {
    return Long.MAX_VALUE;
  }

  final void wakes(AgentHost.Waker waker) {
    mailbox.wakes(waker);
  }

  /** Has the VM asked at a later step; a failure is told as {@link Event.VmFailed}. */
  final void call(VmCall vmCall) {
    mailbox.put(vmCall);
  }

  /** Returns the bytes of memory moved so far. Any thread. */
  abstract long movedBytes();

  /** Lets the vCPUs run. */
  abstract void resume();

  /** Ends the transfer. */
  abstract void stopTransfer();

  /**
   * Moves a bit of memory while nothing is to be asked.
   *
   * @return whether there was any
   */
  boolean move() throws MigrationException, InterruptedException {
    return false;
  }

  /** Called before a failure is told. */
  void failed() {}

  @Override
  public final boolean step() throws InterruptedException {
    VmCall task = mailbox.poll();
    try {
      if (task == null) {
        return move();
      }
      task.run();
    } catch (MigrationException e) {
      failed();
      events.accept(new Event.VmFailed(Problem.of(e)));
    }
    return true;
  }
}
