package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The message-signalled interrupts of a function: 0 for events, 1 for asynchronous events, 2 for
 * messages; there is a fourth because such interrupts come in powers of two. A message that nobody
 * listens to is lost, as on the bus. What is set up here belongs to the host and survives a reset.
 */
final class HisiAccInterrupts implements Interrupts {

  static final int VECTORS = 4;
  private static final int KINDS = 5;

  private static final List<Info> INFO =
      List.of(
          new Info(INTX, 0, false, false),
          new Info(MSI, VECTORS, false, false),
          new Info(MSIX, 0, false, false));

  private final Object delivery = new Object();
  private @Nullable Listener listener;
  private int vectors;

  @Override
  public List<Info> info() {
    return INFO;
  }

  @Override
  public void enable(int index, int count, Listener newListener) throws MigrationException {
    if (index != MSI || count < 1 || count > VECTORS) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "there are no %d vectors of interrupt index %d; there are %d of MSI"
              .formatted(count, index, VECTORS));
    }
    synchronized (delivery) {
      listener = newListener;
      vectors = count;
    }
  }

  @Override
  public void disable(int index) throws MigrationException {
    if (index < 0 || index >= KINDS) {
      throw new MigrationException(DeviceError.BAD_REQUEST, "there is no interrupt index " + index);
    }
    if (index == MSI) {
      synchronized (delivery) {
        listener = null;
        vectors = 0;
      }
    }
  }

  @Override
  public void mask(int index, int vector) throws MigrationException {
    throw new MigrationException(
        DeviceError.BAD_REQUEST, "the host cannot mask the interrupts of this device");
  }

  @Override
  public void unmask(int index, int vector) throws MigrationException {
    mask(index, vector);
  }

  @Override
  public void trigger(int index, int vector) throws MigrationException {
    synchronized (delivery) {
      if (index != MSI || vector < 0 || vector >= vectors) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST, "interrupt vector " + vector + " is off");
      }
    }
    deliver(1 << vector);
  }

  /** Tells the listener. Call it without holding the chip's lock. */
  void deliver(int raised) {
    synchronized (delivery) {
      Listener told = listener;
      for (int vector = 0; told != null && vector < vectors; vector++) {
        if ((raised >>> vector & 1) != 0) {
          told.signalled(vector);
        }
      }
    }
  }
}
