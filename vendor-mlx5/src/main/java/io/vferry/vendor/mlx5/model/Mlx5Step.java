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

  /** It moves much, while the host goes on. */
  record Bulk(Transfer transfer) implements Mlx5Step {}

  /** It waits for something and has to be tried again. */
  record Again() implements Mlx5Step {}

  /** A piece of work that the card does beside all else, bit by bit. */
  interface Transfer {

    /** Moves a piece, without the card's lock; returns whether there is more. */
    boolean move() throws Mlx5Refusal;

    /** Draws the conclusions, with the card's lock. */
    Done settle() throws Mlx5Refusal;
  }

  static Done done() {
    return done(Mlx5Message.ofLength(16));
  }

  static Done done(Mlx5Message out) {
    return new Done(out, 0);
  }
}
