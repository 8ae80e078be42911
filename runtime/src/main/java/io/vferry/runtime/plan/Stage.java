package io.vferry.runtime.plan;

import java.util.Locale;

/**
 * A step that all devices of one side take together. A stage begins when every device has finished
 * the one before.
 */
public enum Stage {
  /** Source: devices with pre-copy begin to save while the guest runs. */
  PRECOPY(Side.SOURCE, "begin to save while running"),
  /** Source, guest paused: devices with P2P start no more DMA to each other. */
  QUIESCE(Side.SOURCE, "start no more DMA to peers"),
  /** Source: devices stop; those in pre-copy go on saving. */
  STOP(Side.SOURCE, "stop"),
  /** Source: devices save what is left. */
  STOP_COPY(Side.SOURCE, "save what is left"),
  /** Destination: devices wait for data. */
  PREPARE(Side.DESTINATION, "wait for data"),
  /** Destination: devices prove the loaded data whole. */
  VERIFY(Side.DESTINATION, "prove the data whole"),
  /** Destination, after the commit: devices with P2P accept DMA from each other. */
  ACCEPT(Side.DESTINATION, "accept DMA from peers"),
  /** Destination: devices run. */
  RUN(Side.DESTINATION, "run");

  private final Side side;
  private final String title;

  Stage(Side side, String title) {
    this.side = side;
    this.title = title;
  }

  /** Returns on which side it is. */
  public Side side() {
    return side;
  }

  /** Returns what devices do in it, for people. */
  public String title() {
    return title;
  }

  /** Returns the name as programs read it, in kebab case. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
