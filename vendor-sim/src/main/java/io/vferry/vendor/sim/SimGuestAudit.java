package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.vm.GuestAudit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares memory with what was counted while the guest worked, and asks each driver to do the same
 * for its device. Every page of memory has one owner: a vCPU, a driver, or nobody, and then it
 * holds zeros.
 */
final class SimGuestAudit {

  private static final int MAX_VIOLATIONS = 100;

  private final SimGuestMemory memory;
  private final SimPattern pattern;
  private final SimPlatform platform;
  private final List<SimGuestRoom> rooms;
  private final List<String> violations = new ArrayList<>();
  private final Map<String, Long> counts = new LinkedHashMap<>();

  SimGuestAudit(
      SimGuestMemory memory, SimPattern pattern, SimPlatform platform, List<SimGuestRoom> rooms) {
    this.memory = memory;
    this.pattern = pattern;
    this.platform = platform;
    this.rooms = rooms;
  }

  GuestAudit.Verdict verdict() throws MigrationException {
    counts.put("vcpu-writes", platform.writes);
    if (platform.openRequests > 0) {
      violated(platform.openRequests + " page requests were left open");
    }
    for (SimGuestRoom room : rooms) {
      take(room, room.violations());
      if (platform.booted) {
        GuestAudit.Verdict verdict = room.audit();
        verdict.counts().forEach(this::count);
        take(room, verdict.violations());
      }
    }
    checkPages();
    return new GuestAudit.Verdict(counts, violations);
  }

  private void take(SimGuestRoom room, List<String> found) {
    found.forEach(what -> violated(room.deviceId() + ": " + what));
  }

  private void checkPages() {
    boolean[] owned = new boolean[memory.pages()];
    for (SimGuestRoom room : rooms) {
      for (int page = 0; page < room.pages(); page++) {
        owned[room.firstPage() + page] = true;
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
