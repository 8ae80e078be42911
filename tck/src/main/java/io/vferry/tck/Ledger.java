package io.vferry.tck;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a driver has taken from its host and not given back. Any thread. */
final class Ledger {

  private final Map<String, Integer> held = new TreeMap<>();
  private boolean hostClosed;

  synchronized void took(String what) {
    held.merge(what, 1, Integer::sum);
  }

  synchronized void gaveBack(String what) {
    held.computeIfPresent(what, (key, count) -> count > 1 ? count - 1 : null);
  }

  synchronized void gaveBackAll(String what) {
    held.remove(what);
  }

  synchronized void hostClosed() {
    hostClosed = true;
  }

  /** Whether the driver closed the host device, which is not its own. */
  synchronized boolean hostWasClosed() {
    return hostClosed;
  }

  /** Returns how often what is held. */
  synchronized Map<String, Integer> held() {
    return Map.copyOf(held);
  }

  /** Returns what is held, for example {@code 2 × migration data}. */
  List<String> outstanding() {
    return beyond(Map.of());
  }

  /** Returns what is held beyond what was held before. */
  synchronized List<String> beyond(Map<?, ?> before) {
    List<String> lines = new ArrayList<>();
    held.forEach(
        (what, count) -> {
          int more = count - (before.get(what) instanceof Integer earlier ? earlier : 0);
          if (more > 0) {
            lines.add(more + " × " + what);
          }
        });
    return lines;
  }
}
