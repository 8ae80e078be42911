package io.vferry.spi.state;

import java.util.List;

/**
 * The answer to "how does a device get from one state to another": a path, or why there is none.
 */
public sealed interface Transition {

  /**
   * The arcs to perform, in order.
   *
   * @param arcs empty if the device is already there; never more than four
   */
  record Path(List<Arc> arcs) implements Transition {
    /** Creates a path; the list is copied. */
    public Path {
      arcs = List.copyOf(arcs);
    }
  }

  /**
   * The kernel refuses this pair with {@code EINVAL}.
   *
   * @param reason one sentence for people
   */
  record Refused(String reason) implements Transition {}
}
