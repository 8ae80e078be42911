package io.vferry.runtime.migration;

import io.vferry.spi.state.Arc;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How long the arcs of the devices of one side took, as measured by the role that walked them. */
final class ArcTimes {

  /** The fastest and the slowest time of an arc, in nanoseconds. */
  record Span(long leastNanos, long mostNanos) {
    static Span of(long nanos) {
      return new Span(nanos, nanos);
    }

    Span and(Span other) {
      return new Span(Math.min(leastNanos, other.leastNanos), Math.max(mostNanos, other.mostNanos));
    }
  }

  private final List<Map<Arc, Span>> devices = new ArrayList<>();
  private final long[] beganNanos;

  ArcTimes(int count) {
    for (int device = 0; device < count; device++) {
      devices.add(new EnumMap<>(Arc.class));
    }
    beganNanos = new long[count];
  }

  /** Takes the time of the arcs that these actions begin. */
  void began(List<Action> actions, long nowNanos) {
    for (Action action : actions) {
      if (action instanceof Action.Perform perform) {
        beganNanos[perform.device()] = nowNanos;
      }
    }
  }

  void done(int device, Arc arc, long nowNanos) {
    took(device, arc, nowNanos - beganNanos[device]);
  }

  /** An arc of a device took so long, on this side or on the other. */
  void took(int device, Arc arc, long nanos) {
    devices.get(device).merge(arc, Span.of(nanos), Span::and);
  }

  Optional<Span> of(int device, Arc arc) {
    return Optional.ofNullable(devices.get(device).get(arc));
  }

  /** Returns each arc that was measured with its slowest time, for the other side. */
  List<Message.ArcTime> slowest() {
    List<Message.ArcTime> times = new ArrayList<>();
    for (int device = 0; device < devices.size(); device++) {
      for (Map.Entry<Arc, Span> entry : devices.get(device).entrySet()) {
        times.add(new Message.ArcTime(device, entry.getKey(), entry.getValue().mostNanos()));
      }
    }
    return times;
  }

  /** Returns all that was measured, of each device and arc. */
  List<Map.Entry<Arc, Span>> all() {
    return devices.stream().flatMap(arcs -> arcs.entrySet().stream()).toList();
  }
}
