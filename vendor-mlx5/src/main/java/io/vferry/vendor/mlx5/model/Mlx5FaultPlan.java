package io.vferry.vendor.mlx5.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The faults that are still to come. The card's lock guards it. */
final class Mlx5FaultPlan {

  private static final Map<String, String> NAMED =
      new TreeMap<>(
          Map.of(
              "none", "",
              "pre-copy-error", "SAVE_VHCA_STATE#2:status=0x9",
              "save-fails", "SAVE_VHCA_STATE#1:status=0x1",
              "load-fails", "LOAD_VHCA_STATE#1:status=0x3",
              "suspend-fails", "SUSPEND_VHCA#2:status=0x1",
              "pf-lost-while-saving", "SAVE_VHCA_STATE#2:remove-pf",
              "save-hangs", "SAVE_VHCA_STATE#1:hang",
              "lost-events", "*:lost-event",
              "duplicate-events", "*:duplicate-event",
              "late-save", "SAVE_VHCA_STATE#1:delay=70s"));

  private static final class Armed {
    final Mlx5Fault fault;
    long seen;

    Armed(Mlx5Fault fault) {
      this.fault = fault;
    }
  }

  private final List<Armed> armed = new ArrayList<>();

  /**
   * Reads a plan: the name of one, or faults separated by commas.
   *
   * @throws IllegalArgumentException with a sentence for people
   */
  static Mlx5FaultPlan parse(String text) {
    Mlx5FaultPlan plan = new Mlx5FaultPlan();
    plan.add(text);
    return plan;
  }

  static String names() {
    return String.join(", ", NAMED.keySet());
  }

  /** Adds faults; occurrences count from now on. */
  void add(String text) {
    List<Armed> more = new ArrayList<>();
    String script = NAMED.getOrDefault(text, text);
    for (String part : script.isEmpty() ? new String[0] : script.split(",", -1)) {
      if (!part.contains(":")) {
        throw new IllegalArgumentException(
            "'%s' is no fault and no fault plan; plans are %s".formatted(part, names()));
      }
      more.add(new Armed(Mlx5Fault.parse(part.strip())));
    }
    armed.addAll(more);
  }

  void clear() {
    armed.clear();
  }

  /** Returns what happens at a command; it counts as an occurrence. */
  List<Mlx5Fault> at(String opcode, int vhca) {
    List<Mlx5Fault> now = new ArrayList<>();
    for (Armed candidate : armed) {
      if (candidate.fault.concerns(opcode, vhca)) {
        candidate.seen++;
        if (candidate.fault.occurrence() == 0 || candidate.fault.occurrence() == candidate.seen) {
          now.add(candidate.fault);
        }
      }
    }
    return now;
  }
}
