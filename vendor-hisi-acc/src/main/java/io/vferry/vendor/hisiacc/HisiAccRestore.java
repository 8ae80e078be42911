package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;

/**
 * Writes a state into a stopped function. Its interrupts are masked until all is there, so that
 * none tells of a queue that is only half set up.
 */
final class HisiAccRestore {

  private static final int READY = 0;
  private static final int MASKED = 1;

  private final HisiAccFunction function;

  HisiAccRestore(HisiAccFunction function) {
    this.function = function;
  }

  void load(HisiAccMatch match, HisiAccState state) throws MigrationException {
    HisiAccVf vf = function.vf();
    function.mailbox().awaitIdle();
    vf.run()
        .write(HisiAccVfRegister.AEQ_INT_MASK, MASKED)
        .write(HisiAccVfRegister.EQ_INT_MASK, MASKED)
        .write(HisiAccVfRegister.IFC_INT_SOURCE, state.ifcIntSource())
        .write(HisiAccVfRegister.IFC_INT_MASK, state.ifcIntMask())
        .write(HisiAccVfRegister.IFC_INT_SET, state.ifcIntSet())
        .write(HisiAccVfRegister.QUE_ISO_CFG, match.isolation())
        .write(HisiAccVfRegister.PAGE_SIZE, state.pageSize())
        .eqc(state.eqc())
        .aeqc(state.aeqc())
        .done();
    function.mailbox().set(HisiAccNumbers.COMMAND_SQC_BT, state.sqcAddress());
    function.mailbox().set(HisiAccNumbers.COMMAND_CQC_BT, state.cqcAddress());
    vf.run()
        .write(HisiAccVfRegister.IFC_INT_SOURCE, 1)
        .write(HisiAccVfRegister.IFC_INT_MASK, 0)
        .write(HisiAccVfRegister.AEQ_INT_MASK, state.aeqIntMask())
        .write(HisiAccVfRegister.EQ_INT_MASK, state.eqIntMask())
        // Last: what went wrong before leaves a function that says it is not ready.
        .write(HisiAccVfRegister.VF_STATE, READY)
        .done();
  }
}
