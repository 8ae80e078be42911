package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;

/**
 * The mailbox of a function. A command is one write of 16 bytes; its answer is taken from the same
 * single read that shows that it is done.
 *
 * <p>All functions of a chip share the storage of the words, so an answer counts only if it repeats
 * the command. Each command used here can be given again, and is, if another function's answer came
 * between. A command that was given up may still end: no other is given before it has.
 */
final class HisiAccMailbox {

  private static final long STEP_NANOS = 10_000;

  /** How long another command may keep the mailbox busy: as long as it may take. */
  private static final long READY_LIMIT_NANOS = 1_000_000_000L;

  /** The device's own limit, longer for what drains queues; Linux 7.3 waits as long. */
  private static final long FINISH_LIMIT_NANOS = 1_000_000_000L;

  private static final long DRAIN_LIMIT_NANOS = 5_000_000_000L;

  private static final int ATTEMPTS = 8;

  private final HisiAccVf vf;
  private final HisiAccWait wait;
  private final String name;
  private boolean abandoned;

  HisiAccMailbox(HisiAccVf vf, HisiAccWait wait, String name) {
    this.vf = vf;
    this.wait = wait;
    this.name = name;
  }

  /** Reads what a command gives. */
  long get(int command) throws MigrationException {
    return execute(command, true, 0);
  }

  /** Gives a command. */
  void set(int command, long data) throws MigrationException {
    execute(command, false, data);
  }

  /** Waits until no command is under way. */
  void awaitIdle() throws MigrationException {
    boolean ready =
        wait.until(
            STEP_NANOS,
            abandoned ? DRAIN_LIMIT_NANOS : READY_LIMIT_NANOS,
            () -> (firstWord(vf.readMailbox()) & HisiAccNumbers.MAILBOX_BUSY) == 0);
    if (!ready) {
      throw new MigrationException(
          DeviceError.TIMEOUT,
          abandoned
              ? "%s is still busy with a mailbox command that was given up".formatted(name)
              : "the mailbox of %s is busy and does not become free".formatted(name));
    }
    abandoned = false;
  }

  private long execute(int command, boolean get, long data) throws MigrationException {
    int word = command | (get ? HisiAccNumbers.MAILBOX_GET : 0);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      awaitIdle();
      vf.writeMailbox(word | HisiAccNumbers.MAILBOX_BUSY, data);
      ByteBuffer answer = awaitAnswer(command);
      int first = firstWord(answer);
      if (echo(first) == word) {
        int status = (first >>> HisiAccNumbers.MAILBOX_STATUS_SHIFT) & 0xf;
        if (status != 0) {
          throw new MigrationException(
              DeviceError.IO_FAILED,
              "%s refused mailbox command 0x%x with status %d".formatted(name, command, status));
        }
        return answer.getLong(Integer.BYTES);
      }
    }
    throw new MigrationException(
        DeviceError.IO_FAILED,
        "%s gave no answer to mailbox command 0x%x in %d attempts: the mailbox held other answers"
            .formatted(name, command, ATTEMPTS));
  }

  private ByteBuffer awaitAnswer(int command) throws MigrationException {
    ByteBuffer[] answer = new ByteBuffer[1];
    boolean done;
    try {
      done =
          wait.until(
              STEP_NANOS,
              command == HisiAccNumbers.COMMAND_PAUSE ? DRAIN_LIMIT_NANOS : FINISH_LIMIT_NANOS,
              () -> {
                answer[0] = vf.readMailbox();
                return (firstWord(answer[0]) & HisiAccNumbers.MAILBOX_BUSY) == 0;
              });
    } catch (MigrationException e) {
      abandoned = true;
      throw e;
    }
    if (!done) {
      abandoned = true;
      throw new MigrationException(
          DeviceError.TIMEOUT,
          "%s did not finish mailbox command 0x%x in time".formatted(name, command));
    }
    return answer[0];
  }

  /** Returns the first word. */
  private int firstWord(ByteBuffer words) throws MigrationException {
    int first = words.getInt(0);
    if (first == -1) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST,
          "the mailbox of %s reads all ones: the device is gone, or its registers are elsewhere"
              .formatted(name));
    }
    return first;
  }

  /** Returns what an answer repeats of its command. */
  private static int echo(int first) {
    return first
        & (HisiAccNumbers.MAILBOX_COMMAND_MASK
            | HisiAccNumbers.MAILBOX_GET
            | 0xffff << HisiAccNumbers.MAILBOX_QUEUE_SHIFT);
  }
}
