package io.vferry.vendor.mlx5.queue;

import io.vferry.vendor.mlx5.command.Command;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A command on its way. Guarded by the lock of its queue.
 *
 * @param <R> what a successful answer says
 */
public final class Flight<R> {

  private final Command<R> command;
  private final int slot;
  private final byte token;
  private final MailboxChain input;
  private final MailboxChain output;
  private final long deadlineNanos;
  private final List<Runnable> afterwards = new ArrayList<>();
  private @Nullable R answer;
  private @Nullable CommandException failure;
  private boolean done;
  private boolean settled;

  Flight(
      Command<R> command,
      int slot,
      byte token,
      MailboxChain input,
      MailboxChain output,
      long deadlineNanos) {
    this.command = command;
    this.slot = slot;
    this.token = token;
    this.input = input;
    this.output = output;
    this.deadlineNanos = deadlineNanos;
  }

  Command<R> command() {
    return command;
  }

  int slot() {
    return slot;
  }

  byte token() {
    return token;
  }

  MailboxChain input() {
    return input;
  }

  MailboxChain output() {
    return output;
  }

  long deadlineNanos() {
    return deadlineNanos;
  }

  List<Runnable> afterwards() {
    return afterwards;
  }

  boolean done() {
    return done;
  }

  /** Whether the device is through with it and with all memory lent to it. */
  boolean settled() {
    return settled;
  }

  void settle() {
    settled = true;
  }

  /** Notes the outcome, unless somebody gave up waiting for it before. */
  void succeed(R value) {
    if (!done) {
      answer = value;
      done = true;
    }
  }

  void fail(CommandException why) {
    if (!done) {
      failure = why;
      done = true;
    }
  }

  @Nullable CommandException failure() {
    return failure;
  }

  @SuppressWarnings("NullAway") // Null is the answer of a command that answers nothing.
  R answer() {
    return answer;
  }
}
