package io.vferry.tck;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** The device as the guest's software gets it; counts the interrupts. */
final class GuestView implements HostDevice {

  private final HostDevice device;
  private final AtomicLong signals = new AtomicLong();

  GuestView(HostDevice device) {
    this.device = device;
  }

  long signals() {
    return signals.get();
  }

  @Override
  public HostDeviceInfo info() {
    return device.info();
  }

  @Override
  public List<RegionInfo> regions() {
    return device.regions();
  }

  @Override
  public Region region(int index) throws MigrationException {
    return device.region(index);
  }

  @Override
  public Interrupts interrupts() {
    return new Counted(device.interrupts());
  }

  @Override
  public DmaSpace dma() {
    return device.dma();
  }

  @Override
  public void reset() throws MigrationException {
    device.reset();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return device.companion(role);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return device.capability(type);
  }

  @Override
  public void close() {}

  private final class Counted implements Interrupts {

    private final Interrupts interrupts;

    Counted(Interrupts interrupts) {
      this.interrupts = interrupts;
    }

    @Override
    public List<Info> info() {
      return interrupts.info();
    }

    @Override
    public void enable(int index, int vectors, Listener listener) throws MigrationException {
      interrupts.enable(
          index,
          vectors,
          vector -> {
            signals.incrementAndGet();
            listener.signalled(vector);
          });
    }

    @Override
    public void disable(int index) throws MigrationException {
      interrupts.disable(index);
    }

    @Override
    public void mask(int index, int vector) throws MigrationException {
      interrupts.mask(index, vector);
    }

    @Override
    public void unmask(int index, int vector) throws MigrationException {
      interrupts.unmask(index, vector);
    }

    @Override
    public void trigger(int index, int vector) throws MigrationException {
      interrupts.trigger(index, vector);
    }
  }
}
