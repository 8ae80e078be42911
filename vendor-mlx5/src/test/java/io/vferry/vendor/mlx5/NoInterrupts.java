package io.vferry.vendor.mlx5;

import io.vferry.spi.host.Interrupts;
import java.util.List;

/** The interrupts of a device that has none. */
final class NoInterrupts implements Interrupts {
  @Override
  public List<Info> info() {
    return List.of();
  }

  @Override
  public void enable(int index, int vectors, Listener listener) {}

  @Override
  public void disable(int index) {}

  @Override
  public void mask(int index, int vector) {}

  @Override
  public void unmask(int index, int vector) {}

  @Override
  public void trigger(int index, int vector) {}
}
