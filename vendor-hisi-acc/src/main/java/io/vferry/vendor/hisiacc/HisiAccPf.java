package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccPfRegister;

/** The registers of the physical function that migration of a virtual one uses. */
final class HisiAccPf {

  private static final long STEP_NANOS = 10_000;

  /** As Linux 6.12 waits, {@code drivers/crypto/hisilicon/qm.c}. */
  private static final long TABLE_LIMIT_NANOS = 1_000_000;

  private static final int READ_TABLE = 1;
  private static final int TABLE_OF_SUBMISSION_QUEUES = 0;

  private final HisiAccRegion registers;
  private final HisiAccWait wait;
  private final int version;
  private final HisiAccShare share;

  HisiAccPf(HisiAccRegion registers, HisiAccWait wait, int version, HisiAccShare share) {
    this.share = share;
    this.registers = registers;
    this.wait = wait;
    this.version = version;
  }

  /** Returns the version of the queue manager. */
  int version() {
    return version;
  }

  int read(HisiAccPfRegister register) throws MigrationException {
    return registers.read(register.offset());
  }

  /** Returns the pending errors of the accelerator's core. */
  int coreStatus(HisiAccKind kind) throws MigrationException {
    return registers.read(kind.coreStatusOffset());
  }

  /** Returns the functions with an error on the bus, one bit each; only from version 5 on. */
  long functionsWithBusErrors() throws MigrationException {
    return registers.readLong(HisiAccPfRegister.FUNCTION_AXI_ERRORS.offset());
  }

  /**
   * Whether the migration registers are in windows of this function. Asked once, when a driver
   * takes charge, as the kernel does.
   */
  boolean windows() throws MigrationException {
    return version > HisiAccNumbers.QM_V3
        && (read(HisiAccPfRegister.MIGRATION_REGION_SELECT) & 1) != 0;
  }

  /** Reads which queues a function has, without touching that function. */
  HisiAccQueues queues(int function) throws MigrationException {
    return share.withTable(() -> readTable(function));
  }

  private HisiAccQueues readTable(int function) throws MigrationException {
    // One that we prepared and could not start will not become ready by itself.
    if (!tableReady() && !share.tableHalfDone()) {
      throw notReady(function);
    }
    write(HisiAccPfRegister.VFT_CFG_OP_WR, READ_TABLE);
    write(HisiAccPfRegister.VFT_CFG_TYPE, TABLE_OF_SUBMISSION_QUEUES);
    write(HisiAccPfRegister.VFT_CFG, function);
    share.tableHalfDone(true);
    write(HisiAccPfRegister.VFT_CFG_RDY, 0);
    write(HisiAccPfRegister.VFT_CFG_OP_ENABLE, 1);
    share.tableHalfDone(false);
    if (!tableReady()) {
      throw notReady(function);
    }
    long low = read(HisiAccPfRegister.VFT_CFG_DATA_L) & 0xffffffffL;
    long high = read(HisiAccPfRegister.VFT_CFG_DATA_H) & 0xffffffffL;
    return HisiAccQueues.decode(high << 32 | low, function);
  }

  private boolean tableReady() throws MigrationException {
    return wait.until(
        STEP_NANOS, TABLE_LIMIT_NANOS, () -> (read(HisiAccPfRegister.VFT_CFG_RDY) & 1) != 0);
  }

  private static MigrationException notReady(int function) {
    return new MigrationException(
        DeviceError.TIMEOUT,
        "the physical function does not say which queues function %d has: its table is not ready"
            .formatted(function));
  }

  private void write(HisiAccPfRegister register, int value) throws MigrationException {
    registers.write(register.offset(), value);
  }
}
