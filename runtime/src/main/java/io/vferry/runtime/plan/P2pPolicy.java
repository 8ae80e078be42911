package io.vferry.runtime.plan;

/** What to do if devices talk to each other and one of them cannot quiesce. */
public enum P2pPolicy {
  /** Do not migrate. */
  REFUSE,
  /** Migrate, and do not map devices into each other's DMA space at all. */
  UNMAP
}
