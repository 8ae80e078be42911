package io.vferry.vendor.mlx5.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The pages lent to the firmware. Any thread. */
final class FirmwarePages {

  /** The most pages that one request may ask for: 4 GiB. */
  static final int MOST_AT_ONCE = 1 << 20;

  private final DmaArena arena;
  private final List<DmaMemory> slabs = new ArrayList<>();
  private final Deque<Long> free = new ArrayDeque<>();

  /** Pages with the firmware: address to function. */
  private final Map<Long, Integer> lent = new HashMap<>();

  FirmwarePages(DmaArena arena) {
    this.arena = arena;
  }

  synchronized List<Long> take(int count) throws CommandException {
    if (count > MOST_AT_ONCE) {
      throw CommandException.noResources(
          "the firmware asks for %d pages at once; at most %d are given"
              .formatted(count, MOST_AT_ONCE));
    }
    if (free.size() < count) {
      DmaMemory slab = arena.allocate((long) (count - free.size()) * DmaArena.PAGE_BYTES);
      slabs.add(slab);
      for (long at = 0; at < slab.lengthBytes(); at += DmaArena.PAGE_BYTES) {
        free.add(slab.address() + at);
      }
    }
    List<Long> pages = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      pages.add(free.remove());
    }
    return pages;
  }

  synchronized void lend(int functionId, List<Long> pages) {
    pages.forEach(page -> lent.put(page, functionId));
  }

  synchronized void giveBack(List<Long> pages) {
    free.addAll(pages);
  }

  /** Takes back what the firmware says it returned; what it never had is not believed. */
  synchronized void returned(int functionId, List<Long> pages) {
    for (long page : pages) {
      if (lent.remove(page, functionId)) {
        free.add(page);
      }
    }
  }

  /** Takes back all pages of a function that is gone. */
  synchronized void returnedAll(int functionId) {
    lent.entrySet()
        .removeIf(
            entry -> {
              boolean its = entry.getValue() == functionId;
              if (its) {
                free.add(entry.getKey());
              }
              return its;
            });
  }

  /** Returns how many pages a function has. */
  synchronized int lentTo(int functionId) {
    return (int) lent.values().stream().filter(owner -> owner == functionId).count();
  }

  synchronized void close() {
    slabs.forEach(arena::release);
    slabs.clear();
    free.clear();
    lent.clear();
  }
}
