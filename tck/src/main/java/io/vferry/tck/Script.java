package io.vferry.tck;

import java.util.List;

/** A sequence of steps on fresh devices that must go through. */
record Script(List<Step> steps) {

  Script {
    steps = List.copyOf(steps);
  }

  Script without(int from, int to) {
    List<Step> rest = new java.util.ArrayList<>(steps.subList(0, from));
    rest.addAll(steps.subList(to, steps.size()));
    return new Script(rest);
  }
}
