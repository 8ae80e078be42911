package io.vferry.spi.host;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.List;

/** What {@link Interrupts#none} says it is. */
enum NoInterrupts implements Interrupts {
  INSTANCE;

  @Override
  public List<Info> info() {
    return List.of();
  }

  @Override
  public void enable(int index, int vectors, Listener listener) throws MigrationException {
    throw none();
  }

  @Override
  public void disable(int index) throws MigrationException {
    throw none();
  }

  @Override
  public void mask(int index, int vector) throws MigrationException {
    throw none();
  }

  @Override
  public void unmask(int index, int vector) throws MigrationException {
    throw none();
  }

  @Override
  public void trigger(int index, int vector) throws MigrationException {
    throw none();
  }

  private static MigrationException none() {
    return new MigrationException(DeviceError.BAD_REQUEST, "this device has no interrupts");
  }
}
