package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The host's side of the device's MSI-X vectors. What is set up here belongs to the host, survives
 * a reset and does not travel; what is pending travels with the device.
 */
final class SimInterrupts implements Interrupts {

  private static final List<Info> INFO =
      List.of(
          new Info(INTX, 0, false, false),
          new Info(MSI, 0, false, false),
          new Info(MSIX, SimRegisters.VECTORS, true, false));

  private final SimHardware hardware;
  private final Object delivery = new Object();
  private @Nullable Listener listener;
  private int enabledVectors;
  private int masked;
  private int triggered;

  SimInterrupts(SimHardware hardware) {
    this.hardware = hardware;
  }

  @Override
  public List<Info> info() {
    return INFO;
  }

  @Override
  public void enable(int index, int vectors, Listener newListener) throws MigrationException {
    if (index != MSIX || vectors < 1 || vectors > SimRegisters.VECTORS) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the simulated device has no %d vectors of interrupt index %d; it has %d of MSI-X"
              .formatted(vectors, index, SimRegisters.VECTORS));
    }
    synchronized (this) {
      listener = newListener;
      enabledVectors = (1 << vectors) - 1;
      masked = 0;
    }
    hardware.deliverInterrupts();
  }

  @Override
  public void disable(int index) throws MigrationException {
    if (index < INTX || index > MSIX) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "the simulated device has no interrupt index " + index);
    }
    if (index == MSIX) {
      // Whoever is being told is told to the end, and nobody after that.
      synchronized (delivery) {
        synchronized (this) {
          listener = null;
          enabledVectors = 0;
          triggered = 0;
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
    int bit = bit(index, vector);
    int kept;
    synchronized (this) {
      masked &= ~bit;
      kept = triggered & bit;
      triggered &= ~bit;
    }
    deliver(kept);
    hardware.deliverInterrupts();
  }

  @Override
  public void trigger(int index, int vector) throws MigrationException {
    int bit = bit(index, vector);
    boolean now;
    synchronized (this) {
      if ((enabledVectors & bit) == 0) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST, "interrupt vector " + vector + " is off");
      }
      now = (masked & bit) == 0;
      if (!now) {
        triggered |= bit;
      }
    }
    if (now) {
      deliver(bit);
    }
  }

  /** Returns the vectors that are on and not masked. */
  synchronized int deliverable() {
    return enabledVectors & ~masked;
  }

  /** Tells the listener. Call it without holding the device's lock. */
  void deliver(int vectors) {
    synchronized (delivery) {
      Listener told;
      synchronized (this) {
        told = listener;
      }
      for (int vector = 0; told != null && vector < SimRegisters.VECTORS; vector++) {
        if ((vectors & (1 << vector)) != 0) {
          told.signalled(vector);
        }
      }
    }
  }

  private static int bit(int index, int vector) throws MigrationException {
    if (index != MSIX || vector < 0 || vector >= SimRegisters.VECTORS) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the simulated device has no vector %d of interrupt index %d".formatted(vector, index));
    }
    return 1 << vector;
  }
}
