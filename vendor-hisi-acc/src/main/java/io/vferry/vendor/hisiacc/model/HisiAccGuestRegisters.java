package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The registers as the guest's driver uses them. */
final class HisiAccGuestRegisters {

  private static final int POLLS = 1000;
  private static final long STEP_NANOS = 10_000;

  private final HostDevice device;
  private final boolean isolation;

  HisiAccGuestRegisters(HostDevice device, boolean isolation) {
    this.device = device;
    this.isolation = isolation;
  }

  int read(HisiAccVfRegister register) throws MigrationException {
    ByteBuffer word = buffer(Integer.BYTES);
    registers().read(register.offset(), word);
    return word.getInt(0);
  }

  void write(HisiAccVfRegister register, int value) throws MigrationException {
    registers().write(register.offset(), buffer(Integer.BYTES).putInt(value).flip());
  }

  /** Gives a mailbox command and waits for its answer. */
  long command(int command, boolean get, int queue, long data) throws MigrationException {
    Region registers = registers();
    int offset = HisiAccVfRegister.MAILBOX.offset();
    int word =
        command
            | (get ? HisiAccNumbers.MAILBOX_GET : 0)
            | queue << HisiAccNumbers.MAILBOX_QUEUE_SHIFT
            | HisiAccNumbers.MAILBOX_BUSY;
    registers.write(
        offset, buffer(HisiAccNumbers.MAILBOX_BYTES).putInt(word).putLong(data).putInt(0).flip());
    for (int poll = 0; poll < POLLS; poll++) {
      pause(poll);
      ByteBuffer answer = buffer(HisiAccNumbers.MAILBOX_BYTES);
      registers.read(offset, answer);
      int first = answer.getInt(0);
      if ((first & HisiAccNumbers.MAILBOX_BUSY) == 0) {
        if ((first >>> HisiAccNumbers.MAILBOX_STATUS_SHIFT & 0xf) != 0) {
          break;
        }
        return answer.getLong(Integer.BYTES);
      }
    }
    throw new MigrationException(
        DeviceError.IO_FAILED, "the guest's mailbox command 0x%x failed".formatted(command));
  }

  /** Lets the device work on a command that was not done at once. */
  private void pause(int poll) throws MigrationException {
    if (poll == 0) {
      return;
    }
    try {
      device.clock().sleep(STEP_NANOS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(
          DeviceError.INTERRUPTED, "interrupted while the guest waited for its mailbox", e);
    }
  }

  /** Rings for a queue, on its own page where there is one. */
  void ringQueue(int kind, int queue, int index, boolean priority) throws MigrationException {
    long value = doorbell(kind, queue, index, priority);
    Region region = isolation ? device.region(HisiAccNumbers.DOORBELL_BAR) : registers();
    long page = isolation ? (long) queue * HisiAccNumbers.DOORBELL_PAGE_BYTES : 0;
    region.write(page + HisiAccNumbers.QUEUE_DOORBELL, buffer(Long.BYTES).putLong(value).flip());
  }

  /** Rings for an event queue. */
  void ringEvents(int kind, int head) throws MigrationException {
    registers()
        .write(
            HisiAccNumbers.EVENT_DOORBELL,
            buffer(Long.BYTES).putLong(doorbell(kind, 0, head, false)).flip());
  }

  private Region registers() throws MigrationException {
    return device.region(HisiAccNumbers.QM_BAR);
  }

  private static long doorbell(int kind, int queue, int index, boolean priority) {
    return queue
        | (long) kind << HisiAccNumbers.DOORBELL_KIND_SHIFT
        | (long) index << HisiAccNumbers.DOORBELL_INDEX_SHIFT
        | (priority ? 1L << HisiAccNumbers.DOORBELL_PRIORITY_SHIFT : 0);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
