package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
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

/**
 * Compares a simulated device with its driver and both with the driver's memory, every page of
 * which is a ring or belongs to the DMA area.
 */
final class SimDriverAudit {

  /** So many writes of a page are tried to say which one it lacks. */
  private static final long MAX_SEARCHED = 1 << 20;

  private final GuestRoom room;
  private final SimDriverState driver;
  private final SimPattern pattern;
  private final ByteBuffer page =
      ByteBuffer.allocateDirect(SimPattern.PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final List<String> violations = new ArrayList<>();
  private final Map<String, Long> counts = new LinkedHashMap<>();

  SimDriverAudit(GuestRoom room, SimDriverState driver, SimPattern pattern) {
    this.room = room;
    this.driver = driver;
    this.pattern = pattern;
  }

  GuestAudit.Verdict verdict() throws MigrationException {
    violations.addAll(driver.violations);
    if (driver.ready) {
      SimDeviceTruth truth = SimDeviceTruth.of(room.device());
      checkRing(0, "submission", driver.submitted, false);
      checkDevice(truth);
      checkPeers(truth);
    }
    return new GuestAudit.Verdict(counts, violations);
  }

  private void checkDevice(SimDeviceTruth truth) throws MigrationException {
    violations.addAll(truth.violations());
    checkRing(1, "completion", truth.completed(), true);
    checkTasks(truth);
    count("dma-writes", truth.dmaWrites());
    count("tasks", truth.tasksDone());
    count("p2p-messages", truth.messagesReceived());
    count("device-resets", driver.setUps - 1);
    if (truth.tag() != SimGuestDriver.tag(room, driver) || truth.dmaPages() != driver.dmaPages) {
      violations.add("the device is not set up as the guest's driver knows it");
    } else {
      checkDmaArea(truth);
    }
    if (truth.scratch() != driver.scratch) {
      violations.add(
          "the scratch register holds %d and the guest wrote %d"
              .formatted(truth.scratch(), driver.scratch));
    }
    checkLocalMemory(truth);
    if (truth.outstanding() > 0 && !truth.state().running()) {
      violations.add(truth.outstanding() + " messages were left on the way");
    }
    long untold = truth.irqStatus() & ~(long) (truth.irqPending() | driver.irqPending.get());
    if (untold != 0) {
      violations.add("interrupts 0x%x were lost".formatted(untold));
    }
  }

  private void checkLocalMemory(SimDeviceTruth truth) {
    if (truth.localBytes() != driver.localBytes) {
      violations.add(
          "the device has %d bytes of local memory and the guest's driver uses %d"
              .formatted(truth.localBytes(), driver.localBytes));
      return;
    }
    long[] due =
        SimLocalStores.digests(
            driver.localBytes, SimGuestDriver.tag(room, driver), driver.localStores);
    for (int group = 0; group < due.length; group++) {
      if (truth.localDigests().get(group) != due[group]) {
        violations.add(
            "the local memory at offset %d, or a multiple of %d bytes behind it, does not hold what the guest stored last"
                .formatted(group * Long.BYTES, due.length * Long.BYTES));
        break;
      }
    }
    if (driver.localBytes > 0) {
      count("local-stores", driver.localStores);
    }
  }

  private void checkTasks(SimDeviceTruth truth) {
    if (truth.doorbell() != driver.submitted) {
      violations.add(
          "the guest submitted %d tasks, the device was told of %d"
              .formatted(driver.submitted, truth.doorbell()));
    }
    if (truth.completed() < driver.consumed) {
      violations.add(
          "the guest saw %d tasks completed, the device completed %d"
              .formatted(driver.consumed, truth.completed()));
    }
    long due = truth.completed() + truth.inFlight();
    if (truth.outOfOrder() != 0) {
      violations.add("task %d is in flight where another belongs".formatted(truth.outOfOrder()));
    }
    if (due != truth.fetched()) {
      violations.add(
          "%d tasks were fetched, %d completed and %d are in flight"
              .formatted(truth.fetched(), truth.completed(), truth.inFlight()));
    }
  }

  private void checkRing(int index, String ring, long last, boolean completions)
      throws MigrationException {
    read(index);
    count("pages", 1);
    for (int slot = 0; slot < SimRegisters.RING_ENTRIES; slot++) {
      ByteBuffer entry =
          page.slice((int) SimTask.entry(0, slot), SimRegisters.ENTRY_BYTES)
              .order(ByteOrder.LITTLE_ENDIAN);
      long rounds = Math.floorDiv(last - 1 - slot, (long) SimRegisters.RING_ENTRIES);
      long number = slot + 1 + rounds * SimRegisters.RING_ENTRIES;
      long payload = SimTask.payloadOf(SimGuestDriver.tag(room, driver), number);
      boolean right;
      if (rounds < 0) {
        right = entry.equals(ByteBuffer.allocate(SimRegisters.ENTRY_BYTES));
      } else if (completions) {
        right = SimTask.completionHolds(entry, number, payload);
      } else {
        right = SimTask.submissionHolds(entry, number) && SimTask.payload(entry) == payload;
      }
      if (!right) {
        violations.add("the entry of task %d in the %s ring is wrong".formatted(number, ring));
      }
    }
  }

  /** Each page is what some write made it, and these writes are the last ones of the device. */
  private void checkDmaArea(SimDeviceTruth truth) throws MigrationException {
    long[] digests = new long[SimLedger.DIGESTS];
    boolean[] damaged = new boolean[driver.dmaPages];
    for (int index = 0; index < driver.dmaPages; index++) {
      read(SimDriverState.RING_PAGES + index);
      long sequence = SimPattern.version(page, 0);
      damaged[index] =
          !pattern.matches(page, 0, SimPattern.PAGE_BYTES, truth.tag(), index, sequence);
      digests[index % SimLedger.DIGESTS] += SimLedger.digest(index, sequence);
    }
    for (int index = 0; index < driver.dmaPages; index++) {
      int group = index % SimLedger.DIGESTS;
      if (damaged[index] || digests[group] != truth.digests().get(group)) {
        violations.add(pageViolation(index, truth.digests().get(group)));
      }
    }
    count("pages", driver.dmaPages);
  }

  private String pageViolation(int index, long digest) {
    String where =
        "page %d of the DMA area at 0x%x does not hold "
            .formatted(
                index,
                room.memoryAddress()
                    + ((long) (SimDriverState.RING_PAGES + index) << SimPattern.PAGE_SHIFT));
    if (driver.dmaPages <= SimLedger.DIGESTS) {
      for (long sequence = 0; sequence < MAX_SEARCHED; sequence++) {
        if (SimLedger.digest(index, sequence) == digest) {
          return where + "write " + sequence;
        }
      }
    }
    return where + "its last write, or one %d pages away does not".formatted(SimLedger.DIGESTS);
  }

  private void read(int index) throws MigrationException {
    room.read((long) index << SimPattern.PAGE_SHIFT, page.clear());
    page.clear();
  }

  private void checkPeers(SimDeviceTruth truth) throws MigrationException {
    List<PlacedRegion> peers = room.peers();
    for (int peer = 0; peer < peers.size(); peer++) {
      Optional<SimGuestDriver> known = SimGuestDriver.neighbour(room, peers.get(peer));
      // Before its driver has connected it, nothing is said of what the device sends there.
      if (known.isPresent() && known.get().connectedBy(driver, peer)) {
        checkPeer(peers.get(peer), truth, known.get().truth());
      }
    }
  }

  private void checkPeer(PlacedRegion peer, SimDeviceTruth truth, SimDeviceTruth receiver) {
    for (SimDeviceTruth.Sent sent : truth.sent()) {
      if (sent.address() == peer.guestAddress()) {
        long received = receiver.received().get(sent.channel());
        long onTheWay = truth.state().running() ? truth.outstanding() : 0;
        if (sent.epoch() != receiver.channelEpochs().get(sent.channel())
            || received > sent.count()
            || received + onTheWay < sent.count()) {
          violations.add(
              "sent %d messages to %s, which received %d"
                  .formatted(sent.count(), peer.deviceId(), received));
        }
        return;
      }
    }
    violations.add("does not know its peer " + peer.deviceId());
  }

  private void count(String name, long more) {
    counts.merge(name, more, Long::sum);
  }
}
