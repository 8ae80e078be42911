package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestRoom;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** How a guest's driver tells the device where rings and contexts are, and how it leaves it. */
record HisiAccGuestSetUp(GuestRoom room, HisiAccGuestRegisters registers) {

  /**
   * Returns how many queues the device has.
   *
   * @throws MigrationException {@code BAD_REQUEST} if it has none
   */
  int queues() throws MigrationException {
    long entry = registers.command(HisiAccNumbers.COMMAND_VFT, true, 0, 0);
    if ((entry >>> HisiAccNumbers.VFT_VALID_SHIFT & 1) == 0) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "device " + room.deviceId() + " has no queues");
    }
    return (int) (entry >>> HisiAccNumbers.VFT_COUNT_SHIFT & HisiAccNumbers.VFT_COUNT_MASK) + 1;
  }

  /** Sets the device up as the guest's kernel does when its driver is loaded. */
  void load(HisiAccWorkload workload) throws MigrationException {
    HisiAccGuestLayout layout = workload.layout();
    clear(layout);
    eventContext(HisiAccNumbers.COMMAND_EQC, layout, layout.eventRing());
    eventContext(HisiAccNumbers.COMMAND_AEQC, layout, layout.asyncRing());
    registers.command(HisiAccNumbers.COMMAND_SQC_BT, false, 0, address(layout.sqcArray()));
    registers.command(HisiAccNumbers.COMMAND_CQC_BT, false, 0, address(layout.cqcArray()));
    registers.write(HisiAccVfRegister.PAGE_SIZE, 0);
    registers.ringEvents(HisiAccNumbers.DOORBELL_AEQ, 0);
    registers.ringEvents(HisiAccNumbers.DOORBELL_EQ, 0);
    registers.write(HisiAccVfRegister.EQ_INT_MASK, 0);
    registers.write(HisiAccVfRegister.AEQ_INT_MASK, 0);
    registers.write(HisiAccVfRegister.VF_STATE, 0);
    for (int queue = 0; queue < workload.queues(); queue++) {
      queueContexts(workload, queue);
    }
  }

  /** Stops a queue, if the device can do that. */
  void stop(int queue) throws MigrationException {
    if (can(HisiAccNumbers.CAPABILITY_STOP_QUEUE)) {
      registers.command(HisiAccNumbers.COMMAND_STOP_QUEUE, false, queue, 0);
    }
  }

  /** Gives the function up, after its queues. */
  void unload() throws MigrationException {
    if (can(HisiAccNumbers.CAPABILITY_FLUSH)) {
      registers.command(HisiAccNumbers.COMMAND_FLUSH, false, 0, 0);
    }
    registers.write(HisiAccVfRegister.VF_STATE, 1);
    registers.write(HisiAccVfRegister.EQ_INT_MASK, 1);
    registers.write(HisiAccVfRegister.AEQ_INT_MASK, 1);
  }

  private boolean can(int capability) throws MigrationException {
    return (registers.read(HisiAccVfRegister.FUNC_CAPS) & capability) != 0;
  }

  private void clear(HisiAccGuestLayout layout) throws MigrationException {
    ByteBuffer zeros = ByteBuffer.allocate(64);
    for (long at = 0; at < layout.totalBytes(); at += zeros.capacity()) {
      room.write(at, zeros.clear());
    }
  }

  private long address(long offset) {
    return room.memoryAddress() + offset;
  }

  private void eventContext(int command, HisiAccGuestLayout layout, long ring)
      throws MigrationException {
    long address = address(ring);
    ByteBuffer context = buffer(HisiAccContexts.BYTES);
    context.putInt(4, (int) address);
    context.putInt(8, (int) (address >>> Integer.SIZE));
    context.putInt(24, (HisiAccGuestLayout.EVENTS - 1) | 1 << 16);
    room.write(layout.mailboxBuffer(), context);
    registers.command(command, false, 0, address(layout.mailboxBuffer()));
  }

  private void queueContexts(HisiAccWorkload workload, int queue) throws MigrationException {
    HisiAccGuestLayout layout = workload.layout();
    int entryShift = Integer.numberOfTrailingZeros(workload.kind().taskBytes());
    ByteBuffer sqc = queueContext(workload, layout.submissionRing(queue), entryShift);
    sqc.putShort(HisiAccContexts.CQ_NUMBER, (short) queue);
    room.write(layout.mailboxBuffer(), sqc);
    registers.command(HisiAccNumbers.COMMAND_SQC, false, queue, address(layout.mailboxBuffer()));
    ByteBuffer cqc = queueContext(workload, layout.completionRing(queue), 4);
    cqc.putInt(HisiAccContexts.CQ_FLAGS, HisiAccContexts.CQ_PHASE | HisiAccContexts.CQ_ARMED);
    room.write(layout.mailboxBuffer(), cqc);
    registers.command(HisiAccNumbers.COMMAND_CQC, false, queue, address(layout.mailboxBuffer()));
  }

  private ByteBuffer queueContext(HisiAccWorkload workload, long ring, int entryShift) {
    long address = address(ring);
    ByteBuffer context = buffer(HisiAccContexts.BYTES);
    context.putInt(HisiAccContexts.BASE_LOW, (int) address);
    context.putInt(HisiAccContexts.BASE_HIGH, (int) (address >>> Integer.SIZE));
    context.putInt(HisiAccContexts.SHAPE, (workload.depth() - 1) | entryShift << 12);
    return context;
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
