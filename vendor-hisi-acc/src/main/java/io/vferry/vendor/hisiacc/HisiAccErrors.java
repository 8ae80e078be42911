package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccPfRegister;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.util.ArrayList;
import java.util.List;

/**
 * What must not be pending when a function is stopped: errors of the chip, and messages between the
 * physical function and this one. Both are given time to pass.
 *
 * <p>Errors are pending for the whole chip. Only version 5 says whose an error on the bus is; any
 * other error forbids to stop any function, and the refusal says so.
 */
final class HisiAccErrors {

  private static final long STEP_NANOS = 100_000;
  private static final int REREADS = 100;

  /** By bit; Linux 6.12, {@code drivers/crypto/hisilicon/qm.c}. */
  private static final List<String> ABNORMAL =
      List.of(
          "AXI read error",
          "AXI write error",
          "multi-bit ECC error",
          "single-bit ECC error",
          "get-task timeout",
          "do-task timeout",
          "write-back timeout",
          "invalid SQ or CQ",
          "invalid CQ",
          "invalid SQ",
          "doorbell timeout",
          "FIFO overflow",
          "invalid doorbell",
          "mailbox timeout",
          "FLR timeout");

  private final HisiAccFunction function;

  HisiAccErrors(HisiAccFunction function) {
    this.function = function;
  }

  /**
   * Waits until nothing is pending.
   *
   * @throws MigrationException {@code ARC_FAILED} if something stays
   */
  void requireNone() throws MigrationException {
    require(
        () -> abnormal() == 0,
        () ->
            "the chip reports %s (0x%x)%s"
                .formatted(names(abnormal()), abnormal(), whoseAbnormal()));
    require(
        () -> (function.vf().read(HisiAccVfRegister.IFC_INT_STATUS) & 1) == 0,
        () -> "a message of the physical function is pending");
    require(
        () -> (function.vf().read(HisiAccVfRegister.IFC_INT_SET) & 1) == 0,
        () -> "a message to the physical function is not acknowledged");
    require(
        () -> function.pf().coreStatus(function.kind()) == 0,
        () ->
            "the %s core reports error 0x%x; it does not say for which of its functions"
                .formatted(function.kind().title(), function.pf().coreStatus(function.kind())));
  }

  /** Returns the errors that are this function's, or may be. */
  private int abnormal() throws MigrationException {
    int status = function.pf().read(HisiAccPfRegister.ABNORMAL_INT_STATUS);
    if ((status & HisiAccNumbers.ABNORMAL_AXI) != 0 && assigned() && !ownBusError()) {
      return status & ~HisiAccNumbers.ABNORMAL_AXI;
    }
    return status;
  }

  private boolean assigned() {
    return function.pf().version() >= HisiAccNumbers.QM_V5;
  }

  private boolean ownBusError() throws MigrationException {
    long functions = function.pf().functionsWithBusErrors();
    // An error that is nobody's may be this function's.
    return functions == 0 || (functions >>> function.number() & 1) != 0;
  }

  private String whoseAbnormal() throws MigrationException {
    boolean bus = (abnormal() & ~HisiAccNumbers.ABNORMAL_AXI) == 0 && assigned();
    return bus && function.pf().functionsWithBusErrors() != 0
        ? " for this function"
        : "; it does not say for which function, so it may be another one's";
  }

  private static String names(int status) {
    List<String> names = new ArrayList<>();
    for (int bit = 0; bit < Integer.SIZE; bit++) {
      if ((status >>> bit & 1) != 0) {
        names.add(bit < ABNORMAL.size() ? ABNORMAL.get(bit) : "error " + bit);
      }
    }
    return String.join(", ", names);
  }

  @FunctionalInterface
  private interface Reason {
    String tell() throws MigrationException;
  }

  private void require(HisiAccWait.Probe probe, Reason reason) throws MigrationException {
    if (!function.polling().times(STEP_NANOS, REREADS, probe)) {
      throw new MigrationException(
          DeviceError.ARC_FAILED,
          "%s cannot be stopped: %s".formatted(function.name(), reason.tell()));
    }
  }
}
