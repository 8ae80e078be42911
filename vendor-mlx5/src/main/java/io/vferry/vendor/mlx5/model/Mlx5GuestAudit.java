package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Compares what the guest's driver knows with what memory holds and what the device did. */
final class Mlx5GuestAudit {

  /** So many writes of a page are tried to say which one it lacks. */
  private static final long MAX_SEARCHED = 1 << 20;

  private static final int PAGE = Mlx5Pattern.PAGE_BYTES;
  private static final int ENTRIES = Mlx5GuestRegisters.RING_ENTRIES;

  private final GuestRoom room;
  private final Mlx5GuestTruth truth;
  private final long tag;
  private final int dmaPages;
  private final List<String> violations;
  private final Map<String, Long> counts = new LinkedHashMap<>();

  Mlx5GuestAudit(
      GuestRoom room, Mlx5GuestTruth truth, long tag, int dmaPages, List<String> violations) {
    this.room = room;
    this.truth = truth;
    this.tag = tag;
    this.dmaPages = dmaPages;
    this.violations = new ArrayList<>(violations);
    counts.put("dma-writes", truth.dmaWrites());
    counts.put("tasks", truth.requestsDone());
    counts.put("p2p-messages", truth.messagesReceived());
  }

  /** The verdict where the guest never used the device. */
  GuestAudit.Verdict untouched() {
    truth.violations().forEach(this::violated);
    return new GuestAudit.Verdict(counts, violations);
  }

  GuestAudit.Verdict verdict(
      long submitted, long consumed, long scratch, int pendingInterrupts, long setUps)
      throws MigrationException {
    counts.put("device-resets", setUps - 1);
    truth.violations().forEach(this::violated);
    if (truth.tag() != tag || truth.dmaPages() != dmaPages) {
      violated("the device is not set up as the guest's driver knows it");
      return new GuestAudit.Verdict(counts, violations);
    }
    checkRequests(submitted, consumed);
    checkSubmissionRing(submitted);
    checkCompletionRing();
    checkDmaArea();
    checkPeers();
    if (truth.scratch() != scratch) {
      violated(
          "the scratch register holds %d and the guest wrote %d"
              .formatted(truth.scratch(), scratch));
    }
    int lost = truth.irqCause() & ~(truth.irqPending() | pendingInterrupts);
    if (lost != 0) {
      violated("interrupts 0x%x were lost".formatted(lost));
    }
    return new GuestAudit.Verdict(counts, violations);
  }

  private void violated(String what) {
    violations.add(what);
  }

  private void checkRequests(long submitted, long consumed) {
    if (truth.doorbell() != submitted) {
      violated(
          "the guest submitted %d requests, the device was told of %d"
              .formatted(submitted, truth.doorbell()));
    }
    if (truth.completed() < consumed) {
      violated(
          "the guest saw %d requests done, the device did %d"
              .formatted(consumed, truth.completed()));
    }
    long due = truth.completed();
    for (long number : truth.inFlight()) {
      due++;
      if (number != due) {
        violated("request %d is under way where %d is due".formatted(number, due));
      }
    }
    if (due != truth.fetched()) {
      violated("%d requests were fetched, %d are known".formatted(truth.fetched(), due));
    }
  }

  private ByteBuffer page(int page) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(PAGE);
    room.read((long) page * PAGE, bytes);
    return bytes.flip().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void checkSubmissionRing(long submitted) throws MigrationException {
    ByteBuffer ring = page(0);
    for (long index = Math.max(0, submitted - ENTRIES); index < submitted; index++) {
      int at = (int) Mlx5GuestDriver.entryAt(index);
      long number = index + 1;
      if (ring.getLong(at) != number
          || ring.getLong(at + 8) != Mlx5GuestDriver.payload(tag, number)) {
        violated("request %d is not in the submission ring".formatted(number));
      }
    }
  }

  private void checkCompletionRing() throws MigrationException {
    ByteBuffer ring = page(1);
    long completed = truth.completed();
    for (int slot = 0; slot < ENTRIES; slot++) {
      long rounds = (completed - slot + ENTRIES - 1) / ENTRIES;
      long number = completed > slot ? (rounds - 1) * ENTRIES + slot + 1 : 0;
      int at = slot * Mlx5GuestRegisters.RING_ENTRY_BYTES;
      boolean holds =
          ring.getLong(at) == number
              && (number == 0
                  || (ring.getLong(at + 8) == Mlx5Pattern.mix(Mlx5GuestDriver.payload(tag, number))
                      && ring.getLong(at + 16) == tag));
      if (!holds) {
        violated(
            "slot %d of the completion ring holds %d where %d is due"
                .formatted(slot, ring.getLong(at), number));
      }
    }
  }

  /** Each page is what some write made it, and these writes are the last ones of the function. */
  private void checkDmaArea() throws MigrationException {
    long[] digests = new long[Mlx5Ledger.DIGESTS];
    boolean[] damaged = new boolean[dmaPages];
    for (int page = 0; page < dmaPages; page++) {
      ByteBuffer bytes = page(Mlx5GuestSoftware.RING_PAGES + page);
      long sequence = Mlx5Pattern.version(bytes, tag, page);
      damaged[page] = !Mlx5Pattern.matches(bytes, tag, page, sequence);
      digests[page % Mlx5Ledger.DIGESTS] += Mlx5Ledger.digest(page, sequence);
    }
    for (int page = 0; page < dmaPages; page++) {
      long digest = truth.digests().get(page % Mlx5Ledger.DIGESTS);
      if (damaged[page] || digests[page % Mlx5Ledger.DIGESTS] != digest) {
        violated(lacking(page, digest));
      }
    }
  }

  private String lacking(int page, long digest) {
    if (dmaPages <= Mlx5Ledger.DIGESTS) {
      for (long sequence = 0; sequence < MAX_SEARCHED; sequence++) {
        if (Mlx5Ledger.digest(page, sequence) == digest) {
          return "page %d of the DMA area lacks write %d".formatted(page, sequence);
        }
      }
    }
    return "page %d of the DMA area lacks its last write, or one %d pages away does"
        .formatted(page, Mlx5Ledger.DIGESTS);
  }

  /** What a function sent to another one of which the guest has the driver, has arrived. */
  private void checkPeers() throws MigrationException {
    List<PlacedRegion> peers = room.peers();
    for (int peer = 0; peer < peers.size(); peer++) {
      Optional<GuestDriver> other = room.driver(peers.get(peer).deviceId());
      long key = Mlx5GuestDriver.key(tag, peer);
      long sent = truth.sent().getOrDefault(key, 0L);
      if (other.isPresent() && other.get() instanceof Mlx5GuestDriver known) {
        long received = known.truth().received().getOrDefault(key, 0L);
        if (received > 0 && received != sent) {
          violated(
              "%d messages were sent to %s, %d are there"
                  .formatted(sent, peers.get(peer).deviceId(), received));
        }
      }
    }
  }
}
