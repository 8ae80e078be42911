package io.vferry.cli.output;

import io.vferry.runtime.plan.Blocker;
import io.vferry.runtime.plan.P2pPlan;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.plan.PlannedDevice;
import io.vferry.runtime.report.Figure;
import java.util.ArrayList;
import java.util.List;

/** Prints a plan for people. */
public final class PlanText {

  private PlanText() {}

  /**
   * Returns the lines.
   *
   * @param verbose whether to say why each driver was chosen and which were passed over
   */
  public static List<String> lines(Plan plan, boolean verbose) {
    List<String> lines = new ArrayList<>();
    for (PlannedDevice device : plan.devices()) {
      add(lines, device, verbose);
    }
    if (!plan.devices().isEmpty() && plan.p2p().mode() != P2pPlan.Mode.NO_PEERS) {
      lines.add("peer to peer: " + plan.p2p().mode().label() + ": " + plan.p2p().reason());
    }
    if (plan.possible()) {
      lines.add(
          plan.vm()
              + " can be moved"
              + (plan.destinationKnown() ? "." : "; the destination was not looked at."));
    } else {
      lines.add(plan.vm() + " cannot be moved:");
      plan.blockers().forEach(blocker -> lines.add("  " + blocker(blocker)));
    }
    return lines;
  }

  /** Prints a blocker on one line. */
  public static String blocker(Blocker blocker) {
    return "%s (%s): %s. %s"
        .formatted(
            blocker.code().label(), blocker.side().label(), blocker.reason(), blocker.advice());
  }

  private static void add(List<String> lines, PlannedDevice device, boolean verbose) {
    lines.add(device.id());
    TextTable table = new TextTable();
    table.add("host", device.source().toString());
    if (!device.destination().equals(device.source())) {
      table.add("destination", device.destination().toString());
    }
    table.add(
        "driver",
        device
            .driver()
            .map(driver -> driver.id() + " " + driver.version() + " (" + driver.vendor() + ")")
            .orElse("none"));
    if (verbose) {
      device
          .driver()
          .ifPresent(driver -> table.add("", driver.reason() + "; " + driver.location()));
      device
          .passedOver()
          .forEach(other -> table.add("", "not " + other.id() + ": " + other.reason()));
    }
    if (!device.peers().isEmpty()) {
      table.add("peers", String.join(", ", device.peers()));
    }
    device
        .ability()
        .ifPresent(
            ability -> {
              table.add("on the source", ability.sourcePath().toString());
              table.add("on the destination", ability.destinationPath().toString());
              ability
                  .stopCopyBytes()
                  .ifPresent(bytes -> table.add("state", "about " + Figure.bytes(bytes)));
              table.add("dirty memory", ability.dirtyTracking().note());
            });
    device.notes().forEach(note -> table.add("note", note));
    lines.addAll(table.lines("  "));
    lines.add("");
  }
}
