package io.vferry.vendor.mlx5.command;

/** The two sides of a function that can be stopped one by one. */
public enum Side {
  /** Starts transactions: DMA, messages to peers. */
  INITIATOR,
  /** Answers: registers, doorbells, accesses of peers. */
  RESPONDER
}
