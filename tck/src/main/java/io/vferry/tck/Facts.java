package io.vferry.tck;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What was found out about the device before the checks begin.
 *
 * @param image a stream of a device that nobody used
 * @param precopied how many bytes of a stream that began in pre-copy came before the stop; the
 *     stream is {@code precopyImage}
 */
record Facts(
    Subject subject,
    Limits limits,
    HostDeviceInfo info,
    FeatureSet features,
    boolean progress,
    boolean estimate,
    boolean compatibility,
    boolean dmaLog,
    boolean guest,
    boolean peers,
    boolean foreign,
    boolean newer,
    Set<Arc> refusable,
    Recording image,
    Recording precopyImage,
    int precopied,
    Recording foreignImage,
    Recording newerImage) {

  private static final int PIECE_BYTES = 64 << 10;

  /** A stream, or why there is none. */
  static final class Recording {

    private final byte[] bytes;
    private final String failure;

    Recording(byte[] bytes, String failure) {
      this.bytes = bytes;
      this.failure = failure;
    }

    /** Returns what was recorded; nothing if there is no stream. */
    byte[] bytes() {
      return bytes;
    }

    byte[] get() throws Violation {
      if (!failure.isEmpty()) {
        throw new Violation("no-image", "no stream could be recorded to work with: " + failure);
      }
      return bytes;
    }
  }

  /** What an open device says of itself. */
  private record Claims(
      HostDeviceInfo info,
      FeatureSet features,
      boolean progress,
      boolean estimate,
      boolean compatibility,
      boolean dmaLog,
      boolean guest,
      boolean peers) {

    /** Opens the device, asks it and closes it, because it may be the only one there is. */
    static Claims of(Subject subject, Limits limits) throws MigrationException, Violation {
      try (Scene scene = new Scene(subject, limits)) {
        Party party = scene.party(Role.SOURCE);
        FeatureSet features = Party.call("features", party.device()::features);
        Optional<GuestSoftware> software =
            subject.model() ? party.host().capability(GuestSoftware.class) : Optional.empty();
        return new Claims(
            party.host().info(),
            features,
            party.capability(PrecopyProgress.class).isPresent(),
            party.capability(StopCopyEstimate.class).isPresent(),
            party.capability(Compatibility.class).isPresent(),
            party.capability(DmaLog.class).isPresent(),
            software.isPresent(),
            software.flatMap(GuestSoftware::peerRegion).isPresent());
      }
    }
  }

  /** Opens the device, asks it, and records the streams to work with. */
  static Facts of(Subject subject, Limits limits) throws MigrationException, Violation {
    Claims claims = Claims.of(subject, limits);
    int[] precopied = new int[1];
    Recording image = record(subject, limits, Role.SOURCE, false, precopied);
    Recording precopyImage =
        claims.features().preCopy()
            ? record(subject, limits, Role.SOURCE, true, precopied)
            : new Recording(new byte[0], "the device has no pre-copy");
    return new Facts(
        subject,
        limits,
        claims.info(),
        claims.features(),
        claims.progress(),
        claims.estimate(),
        claims.compatibility(),
        claims.dmaLog(),
        claims.guest(),
        claims.peers(),
        offers(subject, limits, Role.FOREIGN),
        offers(subject, limits, Role.NEWER),
        refusable(subject, limits, claims.features()),
        image,
        precopyImage,
        precopied[0],
        record(subject, limits, Role.FOREIGN, false, new int[1]),
        record(subject, limits, Role.NEWER, false, new int[1]));
  }

  private static boolean offers(Subject subject, Limits limits, Role role) {
    try (Scene scene = new Scene(subject, limits)) {
      scene.party(role);
      return true;
    } catch (MigrationException | Violation e) {
      return false;
    }
  }

  /** Returns the arcs for which there is a device that refuses them. */
  private static Set<Arc> refusable(Subject subject, Limits limits, FeatureSet features) {
    Set<Arc> arcs = EnumSet.noneOf(Arc.class);
    for (Arc arc : Arc.values()) {
      if (features.supports(arc) && refuses(subject, limits, arc)) {
        arcs.add(arc);
      }
    }
    return arcs;
  }

  private static boolean refuses(Subject subject, Limits limits, Arc arc) {
    try (Scene scene = new Scene(subject, limits)) {
      scene.refuse(arc);
      scene.party(Role.REFUSING);
      return true;
    } catch (MigrationException | Violation e) {
      return false;
    }
  }

  /** Whether there is a device that refuses an arc. */
  boolean refusing() {
    return !refusable.isEmpty();
  }

  private static Recording record(
      Subject subject, Limits limits, Role role, boolean precopy, int[] precopied) {
    try (Scene scene = new Scene(subject, limits)) {
      Party party = scene.party(role);
      FeatureSet features = Party.call("features", party.device()::features);
      if (precopy) {
        walk(party, features, DeviceState.PRE_COPY);
        if (party.drain(PIECE_BYTES) == SaveStream.Status.END) {
          return new Recording(new byte[0], "the stream ended in PRE_COPY");
        }
        precopied[0] = party.recording().length;
      }
      walk(party, features, DeviceState.STOP_COPY);
      return new Recording(party.finish(PIECE_BYTES), "");
    } catch (MigrationException | Violation e) {
      return new Recording(new byte[0], String.valueOf(e.getMessage()));
    }
  }

  private static void walk(Party party, FeatureSet features, DeviceState target)
      throws MigrationException, Violation {
    for (Arc arc : path(features, party.at(), target)) {
      party.perform(arc);
    }
  }

  /** Returns the arcs from one state to another; empty if there is no way. */
  static List<Arc> path(FeatureSet features, DeviceState from, DeviceState to) {
    return TransitionTable.of(features).transition(from, to) instanceof Transition.Path path
        ? path.arcs()
        : List.of();
  }

  List<Arc> path(DeviceState from, DeviceState to) {
    return path(features, from, to);
  }

  /** Returns the states in which the device can be put. */
  List<DeviceState> states() {
    return Stream.of(DeviceState.values())
        .filter(state -> state != DeviceState.ERROR && features.supports(state))
        .toList();
  }

  /** Returns the arcs that the device has. */
  List<Arc> arcs() {
    return Stream.of(Arc.values()).filter(features::supports).toList();
  }
}
