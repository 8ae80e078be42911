package io.vferry.runtime.plan;

import io.vferry.runtime.plan.P2pPlan.Link;
import io.vferry.runtime.plan.P2pPlan.Mode;
import io.vferry.spi.state.FeatureSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Decides what is done about devices that do DMA to each other.
 *
 * <p>Both ends of a link need the P2P state: who starts DMA must leave off before its peer stops,
 * and who takes it must be able to take it before its peer starts. Source: Linux 6.12, {@code
 * include/uapi/linux/vfio.h}, on VFIO_DEVICE_STATE_RUNNING_P2P.
 */
final class P2pPlanner {

  private final Manifest manifest;

  P2pPlanner(Manifest manifest) {
    this.manifest = manifest;
  }

  /**
   * Plans.
   *
   * @param features of the devices on one side whose driver took charge of them, by id
   * @param side whose features these are
   * @param blockers to which is added what is in the way
   */
  P2pPlan plan(Map<String, FeatureSet> features, Side side, List<Blocker> blockers) {
    List<Link> links = links();
    if (links.isEmpty()) {
      return new P2pPlan(Mode.NO_PEERS, links, List.of(), "no device does DMA to another");
    }
    List<String> lacking = lacking(links, features);
    if (lacking.isEmpty()) {
      return new P2pPlan(
          Mode.TWO_PHASE,
          links,
          lacking,
          "all devices quiesce before one stops, and all accept DMA before one runs");
    }
    if (manifest.settings().p2p() == P2pPolicy.UNMAP) {
      return new P2pPlan(
          Mode.UNMAPPED,
          links,
          lacking,
          "%s cannot quiesce, and the manifest says p2p: unmap: no device can reach another"
              .formatted(quoted(lacking)));
    }
    for (String id : lacking) {
      blockers.add(
          new Blocker(
              Blocker.Code.MISSING_P2P,
              side,
              Optional.of(id),
              "device '%s' cannot quiesce (no RUNNING_P2P), and %s"
                  .formatted(id, partners(id, links)),
              "Take the peers out of the manifest if they do not talk, or set p2p: unmap and let"
                  + " the guest do without DMA between devices."));
    }
    return new P2pPlan(
        Mode.IMPOSSIBLE,
        links,
        lacking,
        "%s cannot quiesce, and the manifest says p2p: refuse".formatted(quoted(lacking)));
  }

  /**
   * Adds a blocker for each peer that makes no sense.
   *
   * @param side whose manifest this is
   */
  void checkPeers(Side side, List<Blocker> blockers) {
    Set<String> ids = ids();
    for (Manifest.Device device : manifest.devices()) {
      for (String peer : new TreeSet<>(device.peers())) {
        if (peer.equals(device.id())) {
          blockers.add(
              unknownPeer(side, device, "device '%s' names itself as a peer".formatted(peer)));
        } else if (!ids.contains(peer)) {
          blockers.add(
              unknownPeer(
                  side,
                  device,
                  "device '%s' names the peer '%s', which is not in the manifest; devices are: %s"
                      .formatted(device.id(), peer, String.join(", ", new TreeSet<>(ids)))));
        }
      }
    }
  }

  private static Blocker unknownPeer(Side side, Manifest.Device device, String reason) {
    return new Blocker(
        Blocker.Code.UNKNOWN_PEER,
        side,
        Optional.of(device.id()),
        reason,
        "Correct the peers of the device in the manifest.");
  }

  private Set<String> ids() {
    return manifest.devices().stream().map(Manifest.Device::id).collect(Collectors.toSet());
  }

  private List<Link> links() {
    Set<String> ids = ids();
    List<Link> links = new ArrayList<>();
    for (Manifest.Device device : manifest.devices()) {
      for (String peer : device.peers()) {
        Link link = new Link(device.id(), peer);
        if (ids.contains(peer) && !peer.equals(device.id()) && !links.contains(link)) {
          links.add(link);
        }
      }
    }
    return links;
  }

  private List<String> lacking(List<Link> links, Map<String, FeatureSet> features) {
    return manifest.devices().stream()
        .map(Manifest.Device::id)
        .filter(id -> features.containsKey(id) && !features.get(id).p2p())
        .filter(
            id -> links.stream().anyMatch(link -> link.from().equals(id) || link.to().equals(id)))
        .toList();
  }

  private static String partners(String id, List<Link> links) {
    List<String> targets =
        links.stream().filter(link -> link.from().equals(id)).map(Link::to).toList();
    List<String> sources =
        links.stream().filter(link -> link.to().equals(id)).map(Link::from).toList();
    List<String> parts = new ArrayList<>();
    if (!targets.isEmpty()) {
      parts.add("does DMA to " + quoted(targets));
    }
    if (!sources.isEmpty()) {
      parts.add("takes DMA from " + quoted(sources));
    }
    return String.join(" and ", parts);
  }

  private static String quoted(List<String> ids) {
    return ids.stream().map(id -> "'" + id + "'").collect(Collectors.joining(", "));
  }
}
