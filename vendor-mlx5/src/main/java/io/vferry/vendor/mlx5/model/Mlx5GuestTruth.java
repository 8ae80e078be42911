package io.vferry.vendor.mlx5.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a virtual function knows about itself, for the proof that nothing was lost. */
@FunctionalInterface
interface Mlx5GuestTruth {

  /** Returns the truth of now. */
  Snapshot snapshot();

  /**
   * What the function sent to one peer.
   *
   * @param received number of the last message that the peer has; -1 if it cannot be asked
   */
  record Sent(long address, long sent, long received) {}

  /**
   * The function's counters and what is wrong with it.
   *
   * @param sequences number of the last write to each page of the DMA area
   * @param inFlight numbers of the requests fetched and not done
   * @param violations one sentence each
   */
  record Snapshot(
      long tag,
      List<Long> sequences,
      long dmaWrites,
      long doorbell,
      long fetched,
      long completed,
      long requestsDone,
      List<Long> inFlight,
      List<Sent> sent,
      long messagesReceived,
      int irqCause,
      int irqPending,
      long scratch,
      List<String> violations) {

    static Snapshot of(Mlx5VirtualFunction function) {
      synchronized (function.card) {
        Mlx5GuestCore core = function.engine.core();
        List<String> violations = new ArrayList<>();
        tell(violations, core.dmaFaults, "accesses of the function reached nothing");
        tell(violations, core.badRequests, "requests made no sense");
        tell(violations, core.messageGaps, "messages came out of order, or not at all");
        tell(violations, core.messagesWhileStopped, "messages came while it was suspended");
        if (!function.engine.active()) {
          tell(violations, function.engine.outstanding(), "messages were left on the way");
        }
        if (function.halfLoaded) {
          violations.add("the function runs with a state that was loaded in part");
        }
        if (function.content.fingerprint() != function.content.computedFingerprint()) {
          violations.add("the state of the function is not the last one");
        }
        List<Sent> sent = new ArrayList<>();
        for (Mlx5GuestCore.Peer peer : core.peers) {
          if (peer.address != 0) {
            sent.add(new Sent(peer.address, peer.sent, received(function, peer)));
          }
        }
        return new Snapshot(
            core.tag,
            Arrays.stream(core.sequences).boxed().toList(),
            core.dmaWrites,
            core.doorbell,
            core.fetched,
            core.completed,
            core.requestsDone,
            core.inFlight.stream().map(Mlx5GuestCore.Request::number).toList(),
            List.copyOf(sent),
            core.messagesReceived,
            core.irqCause,
            core.irqPending,
            core.scratch,
            List.copyOf(violations));
      }
    }

    private static long received(Mlx5VirtualFunction function, Mlx5GuestCore.Peer peer) {
      Mlx5Iommu.Destination destination =
          function.iommu.peer(peer.address, Mlx5GuestRegisters.MESSAGE_BYTES);
      return destination != null && destination.region() instanceof Mlx5Mailbox mailbox
          ? mailbox.received(peer.key)
          : -1;
    }

    private static void tell(List<String> violations, long count, String what) {
      if (count > 0) {
        violations.add(count + " " + what);
      }
    }
  }
}
