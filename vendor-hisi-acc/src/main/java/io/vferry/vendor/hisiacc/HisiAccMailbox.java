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

  private static final int ATTEMPTS = 8;

  /** What no busy mailbox says. */
  private static final int IDLE = 0;

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

  /** Waits until no command is under way, as long as the one that is may take. */
  void awaitIdle() throws MigrationException {
    int busy = awaitIdle(HisiAccMailboxTimeout.ORDINARY.nanos());
    if (busy != IDLE
        && (abandoned || HisiAccMailboxTimeout.of(busy) == HisiAccMailboxTimeout.DRAIN)) {
      busy =
          awaitIdle(HisiAccMailboxTimeout.DRAIN.nanos() - HisiAccMailboxTimeout.ORDINARY.nanos());
    }
    if (busy != IDLE) {
      throw new MigrationException(
          DeviceError.TIMEOUT,
          (abandoned
                  ? "%s is still busy with mailbox command 0x%x, which was given up"
                  : "the mailbox of %s is busy with command 0x%x and does not become free")
              .formatted(name, busy & HisiAccNumbers.MAILBOX_COMMAND_MASK));
    }
    abandoned = false;
  }

  /** Returns the first word of what it is busy with in the end, or {@link #IDLE}. */
  private int awaitIdle(long limitNanos) throws MigrationException {
    int[] last = new int[1];
    boolean idle =
        wait.until(
            STEP_NANOS,
            limitNanos,
            () -> {
              last[0] = firstWord(vf.readMailbox());
              return (last[0] & HisiAccNumbers.MAILBOX_BUSY) == 0;
            });
    return idle ? IDLE : last[0];
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
              HisiAccMailboxTimeout.of(command).nanos(),
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
