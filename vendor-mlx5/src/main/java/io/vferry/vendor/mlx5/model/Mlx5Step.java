package io.vferry.vendor.mlx5.model;

/** What became of a command so far. */
sealed interface Mlx5Step {

  /**
   * It is done.
   *
   * @param out the answer
   * @param movedBytes what it moved, as far as that takes time
   */
  record Done(Mlx5Message out, long movedBytes) implements Mlx5Step {}

  /** It moves much, and does so without the card's lock. */
  record Bulk(Transfer transfer) implements Mlx5Step {}

  /** It waits for something and has to be tried again. */
  record Again() implements Mlx5Step {}

  /** Runs without the card's lock. */
  @FunctionalInterface
  interface Transfer {
    Settling move() throws Mlx5Refusal;
  }

  /** Runs with the card's lock. */
  @FunctionalInterface
  interface Settling {
    Done settle() throws Mlx5Refusal;
  }

  static Done done() {
    return done(Mlx5Message.ofLength(16));
  }

  static Done done(Mlx5Message out) {
    return new Done(out, 0);
  }
}
