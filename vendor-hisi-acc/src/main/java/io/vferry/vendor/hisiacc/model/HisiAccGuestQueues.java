package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestRoom;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A guest's work on the queues: hands tasks out, and takes results when it is told of them. */
final class HisiAccGuestQueues {

  private final GuestRoom room;
  private final HisiAccGuestRegisters registers;
  private final HisiAccGuestState state;
  private final HisiAccWorkload workload;
  private final HisiAccGuestLayout layout;
  private final HisiAccGuestResults results;

  HisiAccGuestQueues(GuestRoom room, HisiAccGuestRegisters registers, HisiAccGuestState state) {
    this.room = room;
    this.registers = registers;
    this.state = state;
    this.workload = state.workload;
    this.layout = workload.layout();
    this.results = new HisiAccGuestResults(room, workload);
  }

  /** Hands out tasks, to the queues in turn, as far as there is room. */
  void submit(int count) throws MigrationException {
    int full = 0;
    for (int left = count; left > 0 && full < state.queues(); ) {
      int queue = state.nextQueue;
      state.nextQueue = (queue + 1) % state.queues();
      if (state.submitted[queue] - state.consumed[queue] >= workload.depth() - 1) {
        full++;
        continue;
      }
      full = 0;
      left--;
      submitTo(queue);
    }
  }

  /** Hands out one task. */
  void submitTo(int queue) throws MigrationException {
    int slot = (int) (state.submitted[queue] % workload.depth());
    long id = state.submitted[queue] + 1;
    room.write(layout.data(queue, slot), workload.data(queue, id));
    room.write(layout.result(queue, slot), buffer(HisiAccContexts.RESULT_BYTES));
    ByteBuffer entry = buffer(workload.kind().taskBytes());
    entry.putLong(HisiAccContexts.TASK_ID, id);
    entry.putLong(HisiAccContexts.TASK_SOURCE, address(layout.data(queue, slot)));
    entry.putLong(HisiAccContexts.TASK_TARGET, address(layout.result(queue, slot)));
    entry.putInt(HisiAccContexts.TASK_LENGTH, workload.taskBytes());
    room.write(layout.submissionRing(queue) + (long) slot * entry.capacity(), entry);
    state.submitted[queue]++;
    registers.ringQueue(HisiAccNumbers.DOORBELL_SQ, queue, (slot + 1) % workload.depth(), false);
  }

  /** Takes what the event queue tells of. */
  void serveEvents() throws MigrationException {
    for (int served = 0; ; served++) {
      if (served > HisiAccGuestLayout.EVENTS) {
        state.violation("the event queue does not become empty");
        break;
      }
      int entry = event(layout.eventRing(), state.eventsRead);
      if ((entry >>> 16 & 1) != phase(state.eventsRead, HisiAccGuestLayout.EVENTS)) {
        break;
      }
      state.eventsRead++;
      int queue = entry & 0xffff;
      if (queue >= state.queues()) {
        state.violation("an event of queue " + queue);
      } else {
        serveQueue(queue);
      }
    }
    registers.ringEvents(
        HisiAccNumbers.DOORBELL_EQ, (int) (state.eventsRead % HisiAccGuestLayout.EVENTS));
  }

  /** Takes the errors that the device tells of. */
  void serveAsyncEvents() throws MigrationException {
    for (int served = 0; served < HisiAccGuestLayout.EVENTS; served++) {
      int entry = event(layout.asyncRing(), state.asyncEventsRead);
      if ((entry >>> 16 & 1) != phase(state.asyncEventsRead, HisiAccGuestLayout.EVENTS)) {
        break;
      }
      state.asyncEventsRead++;
      state.violation("the device reports an error of queue " + (entry & 0xffff));
    }
    registers.ringEvents(
        HisiAccNumbers.DOORBELL_AEQ, (int) (state.asyncEventsRead % HisiAccGuestLayout.EVENTS));
  }

  /** Fetches a message of the physical function and acknowledges it. */
  void serveMessage() throws MigrationException {
    state.message = registers.command(HisiAccNumbers.COMMAND_RECEIVE, true, 0, 0);
    registers.write(HisiAccVfRegister.IFC_INT_SOURCE, 1);
  }

  private int event(long ring, long count) throws MigrationException {
    ByteBuffer entry = buffer(Integer.BYTES);
    room.read(ring + count % HisiAccGuestLayout.EVENTS * Integer.BYTES, entry);
    return entry.getInt(0);
  }

  /** Returns the phase of entry number {@code count}: 1 the first time around. */
  static int phase(long count, int depth) {
    return 1 ^ (int) (count / depth & 1);
  }

  /** Takes the results of a queue. */
  void serveQueue(int queue) throws MigrationException {
    while (state.consumed[queue] < state.submitted[queue]
        && results.completed(queue, state.consumed[queue])) {
      results.check(queue, state.consumed[queue], state.violations);
      state.consumed[queue]++;
    }
    registers.ringQueue(
        HisiAccNumbers.DOORBELL_CQ, queue, (int) (state.consumed[queue] % workload.depth()), true);
  }

  private long address(long offset) {
    return room.memoryAddress() + offset;
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
