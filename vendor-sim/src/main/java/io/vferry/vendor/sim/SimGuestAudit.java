package io.vferry.vendor.sim;

import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares memory and devices with what was counted while they worked. Every page of memory has one
 * owner: a vCPU, a ring, a DMA area, or nobody, and then it holds zeros.
 */
final class SimGuestAudit {

  private static final int MAX_VIOLATIONS = 100;

  private final SimGuestMemory memory;
  private final SimPattern pattern;
  private final SimPlatform platform;
  private final List<SimGuestDriver> drivers;
  private final Map<String, SimDeviceTruth.Snapshot> truths = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private final Map<String, Long> counts = new LinkedHashMap<>();

  SimGuestAudit(
      SimGuestMemory memory,
      SimPattern pattern,
      SimPlatform platform,
      List<SimGuestDriver> drivers) {
    this.memory = memory;
    this.pattern = pattern;
    this.platform = platform;
    this.drivers = drivers;
  }

  GuestAudit.Verdict verdict() {
    for (String name :
        List.of("pages", "vcpu-writes", "dma-writes", "tasks", "p2p-messages", "device-resets")) {
      counts.put(name, 0L);
    }
    count("vcpu-writes", platform.writes);
    count("device-resets", platform.recoveries);
    if (platform.openRequests > 0) {
      violated(platform.openRequests + " page requests were left open");
    }
    for (SimGuestDriver driver : drivers) {
      driver.truth().ifPresent(truth -> truths.put(driver.id(), truth.snapshot()));
      driver.violations().forEach(this::violated);
    }
    for (SimGuestDriver driver : drivers) {
      if (driver.ready()) {
        checkDevice(driver);
      }
    }
    for (SimVmSettings.Peering peering : platform.peers) {
      checkPeering(peering);
    }
    checkPages();
    return new GuestAudit.Verdict(counts, violations);
  }

  private void checkDevice(SimGuestDriver driver) {
    SimDeviceTruth.Snapshot truth = truths.get(driver.id());
    checkRing(driver, driver.firstPage(), "submission", driver.submitted(), false);
    if (truth == null) {
      // Not reached by a way that tells; the pages of its DMA area cannot be proved.
      return;
    }
    truth.violations().forEach(what -> violated(driver.id() + ": " + what));
    checkRing(driver, driver.firstPage() + 1, "completion", truth.completed(), true);
    checkTasks(driver, truth);
    count("dma-writes", truth.dmaWrites());
    count("tasks", truth.tasksDone());
    count("p2p-messages", truth.messagesReceived());
    if (truth.tag() != driver.tag() || truth.pageSequences().size() != driver.dmaPages()) {
      violated(driver.id() + ": the device is not set up as the guest's driver knows it");
    } else {
      checkDmaArea(driver, truth);
    }
    if (truth.scratch() != driver.scratch()) {
      violated(
          "%s: the scratch register holds %d and the guest wrote %d"
              .formatted(driver.id(), truth.scratch(), driver.scratch()));
    }
    if (truth.outstanding() > 0 && !truth.state().running()) {
      violated(driver.id() + ": " + truth.outstanding() + " messages were left on the way");
    }
    long untold = truth.irqStatus() & ~(long) (truth.irqPending() | driver.pendingInterrupts());
    if (untold != 0) {
      violated("%s: interrupts 0x%x were lost".formatted(driver.id(), untold));
    }
  }

  private void checkTasks(SimGuestDriver driver, SimDeviceTruth.Snapshot truth) {
    if (truth.doorbell() != driver.submitted()) {
      violated(
          "%s: the guest submitted %d tasks, the device was told of %d"
              .formatted(driver.id(), driver.submitted(), truth.doorbell()));
    }
    if (truth.completed() < driver.consumed()) {
      violated(
          "%s: the guest saw %d tasks completed, the device completed %d"
              .formatted(driver.id(), driver.consumed(), truth.completed()));
    }
    long due = truth.completed();
    for (long number : truth.inFlight()) {
      due++;
      if (number != due) {
        violated(
            "%s: task %d is in flight where task %d belongs".formatted(driver.id(), number, due));
        return;
      }
    }
    if (due != truth.fetched()) {
      violated(
          "%s: %d tasks were fetched, %d completed and %d are in flight"
              .formatted(driver.id(), truth.fetched(), truth.completed(), truth.inFlight().size()));
    }
  }

  private void checkRing(
      SimGuestDriver driver, int page, String ring, long last, boolean completions) {
    ByteBuffer bytes = memory.page(page);
    count("pages", 1);
    for (int slot = 0; slot < SimRegisters.RING_ENTRIES; slot++) {
      ByteBuffer entry = SimGuestDriver.entry(bytes, slot);
      long rounds = Math.floorDiv(last - 1 - slot, (long) SimRegisters.RING_ENTRIES);
      long number = slot + 1 + rounds * SimRegisters.RING_ENTRIES;
      long payload = SimTask.payloadOf(driver.tag(), number);
      boolean right;
      if (rounds < 0) {
        right = entry.equals(ByteBuffer.allocate(SimRegisters.ENTRY_BYTES));
      } else if (completions) {
        right = SimTask.completionHolds(entry, number, payload);
      } else {
        right = SimTask.submissionHolds(entry, number) && SimTask.payload(entry) == payload;
      }
      if (!right) {
        violated(
            "%s: the entry of task %d in the %s ring is wrong"
                .formatted(driver.id(), number, ring));
      }
    }
  }

  private void checkDmaArea(SimGuestDriver driver, SimDeviceTruth.Snapshot truth) {
    int first = driver.firstPage() + driver.pages() - driver.dmaPages();
    for (int page = 0; page < driver.dmaPages(); page++) {
      long sequence = truth.pageSequences().get(page);
      if (!pattern.matches(
          memory.page(first + page), 0, SimPattern.PAGE_BYTES, truth.tag(), page, sequence)) {
        violated(
            "%s: page %d of the DMA area at 0x%x does not hold write %d"
                .formatted(driver.id(), page, memory.addressOf(first + page), sequence));
      }
    }
    count("pages", driver.dmaPages());
  }

  private void checkPeering(SimVmSettings.Peering peering) {
    SimDeviceTruth.Snapshot from = truths.get(peering.from());
    SimDeviceTruth.Snapshot to = truths.get(peering.to());
    if (from == null || to == null || !platform.booted) {
      return;
    }
    long mailbox = -1;
    for (SimGuestDriver driver : drivers) {
      if (driver.id().equals(peering.to())) {
        mailbox = SimVirtualMachine.mailbox(driver);
      }
    }
    for (SimDeviceTruth.Sent sent : from.sent()) {
      if (sent.address() == mailbox) {
        long received = to.received().get(sent.channel());
        long onTheWay = from.state().running() ? from.outstanding() : 0;
        if (sent.epoch() != to.channelEpochs().get(sent.channel())
            || received > sent.count()
            || received + onTheWay < sent.count()) {
          violated(
              "%s sent %d messages to %s, which received %d"
                  .formatted(peering.from(), sent.count(), peering.to(), received));
        }
        return;
      }
    }
    violated("%s does not know its peer %s".formatted(peering.from(), peering.to()));
  }

  private void checkPages() {
    boolean[] owned = new boolean[memory.pages()];
    for (SimGuestDriver driver : drivers) {
      for (int page = 0; page < driver.pages(); page++) {
        owned[driver.firstPage() + page] = true;
      }
    }
    for (int page = 0; page < memory.pages(); page++) {
      if (owned[page]) {
        continue;
      }
      count("pages", 1);
      long version = platform.versions[page];
      if (!pattern.matches(
          memory.page(page), 0, SimPattern.PAGE_BYTES, platform.writer(), page, version)) {
        violated(
            "the page at 0x%x does not hold what a vCPU wrote there for time %d"
                .formatted(memory.addressOf(page), version));
      }
    }
  }

  private void count(String name, long more) {
    counts.merge(name, more, Long::sum);
  }

  private void violated(String what) {
    if (violations.size() < MAX_VIOLATIONS) {
      violations.add(what);
    } else if (violations.size() == MAX_VIOLATIONS) {
      violations.add("and more");
    }
  }
}
