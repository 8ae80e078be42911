package io.vferry.spi.state;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/**
 * Finds paths by breadth-first search over the base arcs and the rules of the kernel header, with
 * no table: it shares neither code nor data with what it judges.
 */
final class PathOracle {

  private static final List<String> ARCS_OF_ALL =
      List.of("STOP STOP_COPY", "STOP_COPY STOP", "STOP RESUMING", "RESUMING STOP");
  private static final List<String> ARCS_WITHOUT_P2P = List.of("STOP RUNNING", "RUNNING STOP");
  private static final List<String> ARCS_OF_P2P =
      List.of("STOP RUNNING_P2P", "RUNNING_P2P STOP", "RUNNING RUNNING_P2P", "RUNNING_P2P RUNNING");
  private static final List<String> ARCS_OF_PRE_COPY =
      List.of("RUNNING PRE_COPY", "PRE_COPY RUNNING");
  private static final List<String> ARCS_OF_PRE_COPY_WITHOUT_P2P = List.of("PRE_COPY STOP_COPY");
  private static final List<String> ARCS_OF_PRE_COPY_AND_P2P =
      List.of(
          "RUNNING_P2P PRE_COPY_P2P",
          "PRE_COPY_P2P RUNNING_P2P",
          "PRE_COPY PRE_COPY_P2P",
          "PRE_COPY_P2P PRE_COPY",
          "PRE_COPY_P2P STOP_COPY");
  private static final Set<String> SAVING = Set.of("PRE_COPY", "PRE_COPY_P2P", "STOP_COPY");

  private final Map<String, List<String>> next = new HashMap<>();
  private final int arcs;

  PathOracle(boolean p2p, boolean preCopy) {
    List<String> all = new ArrayList<>(ARCS_OF_ALL);
    all.addAll(p2p ? ARCS_OF_P2P : ARCS_WITHOUT_P2P);
    if (preCopy) {
      all.addAll(ARCS_OF_PRE_COPY);
      all.addAll(p2p ? ARCS_OF_PRE_COPY_AND_P2P : ARCS_OF_PRE_COPY_WITHOUT_P2P);
    }
    for (String arc : all) {
      String[] ends = arc.split(" ");
      next.computeIfAbsent(ends[0], state -> new ArrayList<>()).add(ends[1]);
    }
    arcs = all.size();
  }

  /** The number of base arcs a device with these features performs. */
  int arcs() {
    return arcs;
  }

  boolean hasArc(String from, String to) {
    return next.getOrDefault(from, List.of()).contains(to);
  }

  /**
   * All shortest paths, each with both ends; none if the pair is refused. The rules leave exactly
   * one for each legal pair, which is for the test to say.
   */
  List<List<String>> shortestPaths(String from, String to) {
    boolean known = next.containsKey(from) && next.containsKey(to);
    boolean backToPreCopy = from.equals("STOP_COPY") && to.startsWith("PRE_COPY");
    if (!known || backToPreCopy) {
      return List.of();
    }
    boolean savingInside = SAVING.contains(from) && SAVING.contains(to);
    List<List<String>> found = new ArrayList<>();
    Queue<List<String>> open = new ArrayDeque<>();
    open.add(List.of(from));
    while (!open.isEmpty()) {
      List<String> path = open.remove();
      if (!found.isEmpty() && path.size() > found.get(0).size()) {
        break;
      }
      String last = path.get(path.size() - 1);
      if (last.equals(to)) {
        found.add(path);
        continue;
      }
      if (path.size() > 1 && SAVING.contains(last) && !savingInside) {
        continue;
      }
      for (String step : next.getOrDefault(last, List.of())) {
        if (!path.contains(step)) {
          List<String> longer = new ArrayList<>(path);
          longer.add(step);
          open.add(longer);
        }
      }
    }
    return found;
  }
}
