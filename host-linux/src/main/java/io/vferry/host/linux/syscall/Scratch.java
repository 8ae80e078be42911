package io.vferry.host.linux.syscall;

import java.util.concurrent.ConcurrentLinkedDeque;

/** Native memory for short transfers from and to memory that the kernel cannot reach. */
public final class Scratch {

  /** Size of each piece: a page, more than any register. */
  public static final int BYTES = 4096;

  private final ConcurrentLinkedDeque<Argument> free = new ConcurrentLinkedDeque<>();

  /** Takes a piece; {@link #give} it back. */
  public Argument take() {
    Argument piece = free.pollFirst();
    return piece == null ? new Argument(BYTES) : piece;
  }

  /** Gives a piece back for the next use. */
  public void give(Argument piece) {
    free.addFirst(piece);
  }
}
