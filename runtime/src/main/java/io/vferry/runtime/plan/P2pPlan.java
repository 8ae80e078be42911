package io.vferry.runtime.plan;

import java.util.List;
import java.util.Locale;

/**
 * What is done about devices that do DMA to each other.
 *
 * @param mode what is done
 * @param links who does DMA to whom, as the manifest says
 * @param lacking ids of the devices on a link that cannot quiesce, in manifest order
 * @param reason one sentence
 */
public record P2pPlan(Mode mode, List<Link> links, List<String> lacking, String reason) {

  /** What is done. */
  public enum Mode {
    /** No device has peers. */
    NO_PEERS,
    /**
     * All devices quiesce before any stops, and all accept before any runs. Devices are mapped into
     * the DMA space of their peers.
     */
    TWO_PHASE,
    /** No device is mapped into the DMA space of another. */
    UNMAPPED,
    /** There is no safe way; see the blockers. */
    IMPOSSIBLE;

    /** Returns the name as programs read it, in kebab case. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * A device does DMA to another.
   *
   * @param from id of the device that starts the DMA
   * @param to id of the device that takes it
   */
  public record Link(String from, String to) {}

  public P2pPlan {
    links = List.copyOf(links);
    lacking = List.copyOf(lacking);
  }
}
