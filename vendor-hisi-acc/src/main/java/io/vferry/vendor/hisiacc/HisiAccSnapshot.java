package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.util.Arrays;
import java.util.Optional;

/** Reads the state of a stopped function. */
final class HisiAccSnapshot {

  /**
   * What was read.
   *
   * @param state empty if the guest's driver is not ready
   */
  record Image(HisiAccMatch match, Optional<HisiAccState> state) {}

  private static final long STEP_NANOS = 10_000;

  /** As Linux 6.12 waits for a driver that is just being loaded. */
  private static final long READY_LIMIT_NANOS = 1_000_000;

  private final HisiAccFunction function;

  HisiAccSnapshot(HisiAccFunction function) {
    this.function = function;
  }

  Image take() throws MigrationException {
    boolean ready = function.polling().until(STEP_NANOS, READY_LIMIT_NANOS, function::guestReady);
    return ready
        ? new Image(function.match(0), Optional.of(read()))
        : new Image(function.match(1), Optional.empty());
  }

  private HisiAccState read() throws MigrationException {
    HisiAccVf vf = function.vf();
    HisiAccState state =
        new HisiAccState(
            vf.read(HisiAccVfRegister.AEQ_INT_MASK),
            vf.read(HisiAccVfRegister.EQ_INT_MASK),
            vf.read(HisiAccVfRegister.IFC_INT_SOURCE),
            vf.read(HisiAccVfRegister.IFC_INT_MASK),
            vf.read(HisiAccVfRegister.IFC_INT_SET),
            vf.read(HisiAccVfRegister.PAGE_SIZE),
            vf.readEqc(),
            vf.readAeqc(),
            function.mailbox().get(HisiAccNumbers.COMMAND_SQC_BT),
            function.mailbox().get(HisiAccNumbers.COMMAND_CQC_BT));
    if (!Arrays.equals(state.eqc(), vf.readEqc())) {
      throw new MigrationException(
          DeviceError.ARC_FAILED, function.name() + " changes while it is stopped");
    }
    if (state.eqc()[0] == -1 && state.eqc()[1] == -1 && state.eqc()[2] == -1) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST,
          "the migration registers of " + function.name() + " read all ones");
    }
    return state;
  }
}
