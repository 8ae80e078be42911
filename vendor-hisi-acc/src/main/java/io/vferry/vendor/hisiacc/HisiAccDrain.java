package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.util.Arrays;

/**
 * Stops a function: it fetches no more tasks, finishes those it has, and writes the contexts of its
 * queues back to memory, at once and not when they are saved: by then it may have dropped them.
 *
 * <p>What may keep a function from being stopped is looked for before it is paused, and again
 * after. If it cannot be stopped it is started again.
 */
final class HisiAccDrain {

  private static final long STEP_NANOS = 10_000;

  /** Linux gives it 1 ms. Not much more, since nobody says how long a paused device keeps them. */
  private static final long WRITE_BACK_LIMIT_NANOS = 10_000_000;

  /** No public text says what the activity register promises, so it only has a say for so long. */
  private static final long ACTIVITY_LIMIT_NANOS = 1_000_000;

  private final HisiAccFunction function;
  private final HisiAccErrors errors;
  private final HisiAccEvents events;
  private final HisiAccRestart restart;

  HisiAccDrain(HisiAccFunction function, HisiAccEvents events, HisiAccRestart restart) {
    this.function = function;
    this.errors = new HisiAccErrors(function);
    this.events = events;
    this.restart = restart;
  }

  /**
   * Stops the function.
   *
   * @param queues of the function, to start them again if it cannot be stopped
   * @return what shows later that it stayed stopped
   * @throws MigrationException with {@code USABLE} if the function runs as before, {@code
   *     NEEDS_RESET} if it may still be paused
   */
  HisiAccTrace stop(HisiAccQueues queues) throws MigrationException {
    try {
      errors.requireNone();
      function.mailbox().awaitIdle();
    } catch (MigrationException e) {
      throw e.withCondition(DeviceCondition.USABLE);
    }
    try {
      function.mailbox().set(HisiAccNumbers.COMMAND_PAUSE, 0);
      awaitInactive();
      errors.requireNone();
      int[] before = function.vf().readEqc();
      writeBack();
      requireStill(before);
      if (function.guestReady()) {
        events.handOver();
      }
      return HisiAccTrace.of(function.vf().readEqc());
    } catch (MigrationException e) {
      throw undone(e, queues);
    } catch (RuntimeException e) {
      throw undone(
          new MigrationException(
              DeviceError.DRIVER_BROKEN, "stopping " + function.name() + " failed: " + e, e),
          queues);
    }
  }

  /** The pause has ended all work, or so the device says. */
  private void awaitInactive() throws MigrationException {
    boolean inactive =
        function
            .polling()
            .until(
                STEP_NANOS,
                ACTIVITY_LIMIT_NANOS,
                () -> function.vf().read(HisiAccVfRegister.FUNCTION_ACTIVE) == 0);
    if (!inactive && function.vf().read(HisiAccVfRegister.FUNCTION_ACTIVE) == -1) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST, "the registers of " + function.name() + " read all ones");
    }
  }

  private void writeBack() throws MigrationException {
    function.vf().write(HisiAccVfRegister.CACHE_WB_START, 1);
    boolean done =
        function
            .polling()
            .until(
                STEP_NANOS,
                WRITE_BACK_LIMIT_NANOS,
                () -> (function.vf().read(HisiAccVfRegister.CACHE_WB_DONE) & 1) != 0);
    if (!done) {
      throw new MigrationException(
          DeviceError.TIMEOUT,
          function.name() + " does not write the contexts of its queues back to memory");
    }
  }

  /** A device that said it was done and goes on is found out, if it tells of events. */
  private void requireStill(int[] before) throws MigrationException {
    if (!Arrays.equals(before, function.vf().readEqc())) {
      throw new MigrationException(
          DeviceError.ARC_FAILED, function.name() + " goes on working though it says it is paused");
    }
  }

  /** Starts the function again; also on behalf of a thread that was interrupted. */
  MigrationException undone(MigrationException failure, HisiAccQueues queues) {
    boolean interrupted = Thread.interrupted();
    DeviceCondition condition;
    String outcome;
    try {
      // A pause that is still on its way could come after the start.
      boolean ended = attempt(function.mailbox()::awaitIdle, failure);
      // In case the device reads the contexts again from memory. It may be what failed.
      attempt(this::writeBack, failure);
      boolean started = attempt(() -> restart.start(queues), failure);
      condition = ended && started ? DeviceCondition.USABLE : DeviceCondition.NEEDS_RESET;
      outcome =
          ended && started ? "; it was started again" : "; it was started again but may be paused";
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    return new MigrationException(failure.code(), failure.detail() + outcome, failure)
        .withCondition(condition);
  }

  @FunctionalInterface
  private interface Step {
    void run() throws MigrationException;
  }

  private static boolean attempt(Step step, MigrationException failure) {
    try {
      step.run();
      return true;
    } catch (MigrationException e) {
      failure.addSuppressed(e);
      return false;
    }
  }
}
