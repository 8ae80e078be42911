package io.vferry.tck;

/** The parts of the kit, in the order in which they run. */
public enum Chapter {
  /** Who the driver is. */
  DRIVER("driver", "Driver"),
  /** States and arcs. */
  STATES("states", "State machine"),
  /** Arcs that fail. */
  ARCS("arcs", "Failure of an arc"),
  /** Reset in each state. */
  RESET("reset", "Reset"),
  /** Save and load streams. */
  STREAMS("streams", "Data sessions"),
  /** Data that must be refused. */
  LOAD("load", "Loading bad data"),
  /** Whether a destination fits. */
  COMPATIBILITY("compatibility", "Compatibility"),
  /** Whole moves with a guest. */
  MOVES("moves", "Moves"),
  /** Moves that are given up. */
  CANCEL("cancel", "Cancel"),
  /** What a device does by itself: DMA, P2P, interrupts. */
  TRAFFIC("traffic", "DMA, peers and interrupts"),
  /** The log of DMA writes. */
  DIRTY("dirty", "Dirty log"),
  /** What a driver says about sizes. */
  SIZES("sizes", "Sizes"),
  /** Handles, memory, threads. */
  RESOURCES("resources", "Resources"),
  /** Several threads and several devices. */
  CONCURRENCY("concurrency", "Concurrency"),
  /** How failures are told. */
  EXCEPTIONS("exceptions", "Exceptions");

  private final String id;
  private final String title;

  Chapter(String id, String title) {
    this.id = id;
    this.title = title;
  }

  /** Returns the first part of the ids of its checks. */
  public String id() {
    return id;
  }

  /** Returns the name for people. */
  public String title() {
    return title;
  }
}
