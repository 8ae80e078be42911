package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The host's side of a function's MSI-X vectors. What is set up here belongs to the host, survives
 * a reset and does not travel. Any thread.
 */
final class Mlx5Interrupts implements Interrupts {

  private final int vectors;
  private final Runnable deliverable;
  private final Object delivery = new Object();
  private @Nullable Listener listener;
  private long enabled;
  private long masked;
  private long kept;

  /**
   * Creates the vectors of a function.
   *
   * @param vectors at most 62
   * @param deliverable is called when a vector that was off or masked no longer is
   */
  Mlx5Interrupts(int vectors, Runnable deliverable) {
    this.vectors = vectors;
    this.deliverable = deliverable;
  }

  @Override
  public List<Info> info() {
    return List.of(
        new Info(INTX, 0, false, false),
        new Info(MSI, 0, false, false),
        new Info(MSIX, vectors, true, false));
  }

  @Override
  public void enable(int index, int count, Listener newListener) throws MigrationException {
    if (index != MSIX || count < 1 || count > vectors) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the function has no %d vectors of interrupt index %d; it has %d of MSI-X"
              .formatted(count, index, vectors));
    }
    synchronized (this) {
      listener = newListener;
      enabled = (1L << count) - 1;
      masked = 0;
    }
    deliverable.run();
  }

  @Override
  public void disable(int index) throws MigrationException {
    if (index < INTX || index > MSIX) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "the function has no interrupt index " + index);
    }
    if (index == MSIX) {
      // Whoever is being told is told to the end, and nobody after that.
      synchronized (delivery) {
        synchronized (this) {
          listener = null;
          enabled = 0;
          kept = 0;
        }
      }
    }
  }

  @Override
  public synchronized void mask(int index, int vector) throws MigrationException {
    masked |= bit(index, vector);
  }

  @Override
  public void unmask(int index, int vector) throws MigrationException {
    long bit = bit(index, vector);
    long now;
    synchronized (this) {
      masked &= ~bit;
      now = kept & bit;
      kept &= ~bit;
    }
    deliver(now);
    deliverable.run();
  }

  @Override
  public void trigger(int index, int vector) throws MigrationException {
    long bit = bit(index, vector);
    synchronized (this) {
      if ((enabled & bit) == 0) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST, "interrupt vector " + vector + " is off");
      }
    }
    deliver(bit);
  }

  /** Returns the vectors that are on and not masked. */
  synchronized int deliverable() {
    return (int) (enabled & ~masked);
  }

  /**
   * Tells the listener; vectors that are masked are told later, those that are off never. Call it
   * without the card's lock.
   */
  void deliver(long wanted) {
    synchronized (delivery) {
      Listener told;
      long now;
      synchronized (this) {
        told = listener;
        kept |= wanted & enabled & masked;
        now = wanted & enabled & ~masked;
      }
      for (int vector = 0; told != null && vector < vectors; vector++) {
        if ((now >>> vector & 1) != 0) {
          told.signalled(vector);
        }
      }
    }
  }

  private long bit(int index, int vector) throws MigrationException {
    if (index != MSIX || vector < 0 || vector >= vectors) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the function has no vector %d of interrupt index %d".formatted(vector, index));
    }
    return 1L << vector;
  }
}
