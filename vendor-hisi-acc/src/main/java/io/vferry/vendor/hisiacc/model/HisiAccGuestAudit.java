package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Compares what the guest knows with what a stopped device has left in memory. */
final class HisiAccGuestAudit {

  private final GuestRoom room;
  private final HisiAccGuestState state;
  private final HisiAccGuestLayout layout;
  private final HisiAccGuestResults results;
  private final List<String> violations;

  HisiAccGuestAudit(GuestRoom room, HisiAccGuestState state) {
    this.room = room;
    this.state = state;
    this.layout = state.workload.layout();
    this.results = new HisiAccGuestResults(room, state.workload);
    this.violations = new ArrayList<>(state.violations);
  }

  GuestAudit.Verdict verdict() throws MigrationException {
    long completed = 0;
    for (int queue = 0; state.loaded && queue < state.queues(); queue++) {
      long done = state.consumed[queue];
      while (done < state.submitted[queue] && results.completed(queue, done)) {
        results.check(queue, done, violations);
        done++;
      }
      for (long open = done; open < state.submitted[queue]; open++) {
        results.checkOpen(queue, open, violations);
      }
      checkContexts(queue, done);
      completed += done;
    }
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("tasks", completed);
    counts.put("tasks-in-flight-when-moved", state.caught);
    counts.put("interrupts", state.interrupts);
    counts.put("device-resets", state.resets);
    return new GuestAudit.Verdict(counts, violations);
  }

  /** What the stopped device wrote back must be where the rings are. */
  private void checkContexts(int queue, long done) throws MigrationException {
    ByteBuffer sqc = context(layout.sqcArray(), queue);
    ByteBuffer cqc = context(layout.cqcArray(), queue);
    expect(queue, "SQC head", sqc.getShort(HisiAccContexts.HEAD), done);
    expect(queue, "SQC tail", sqc.getShort(HisiAccContexts.TAIL), state.submitted[queue]);
    expect(queue, "CQC tail", cqc.getShort(HisiAccContexts.TAIL), done);
  }

  private ByteBuffer context(long array, int queue) throws MigrationException {
    ByteBuffer context = ByteBuffer.allocate(HisiAccContexts.BYTES);
    room.read(array + (long) queue * HisiAccContexts.BYTES, context);
    return context.rewind().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void expect(int queue, String what, short found, long count) {
    long due = count % state.workload.depth();
    if ((found & 0xffff) != due) {
      violations.add(
          "%s of queue %d in memory is %d, not %d".formatted(what, queue, found & 0xffff, due));
    }
  }
}
