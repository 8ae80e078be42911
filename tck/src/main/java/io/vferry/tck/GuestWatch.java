package io.vferry.tck;

import io.vferry.spi.host.HostDevice;
import java.util.concurrent.atomic.AtomicLong;

/** Counts the interrupts that reach the guest, which cannot close its device. */
final class GuestWatch implements HostWatch {

  private final AtomicLong signals = new AtomicLong();

  long signals() {
    return signals.get();
  }

  @Override
  public void signalled() {
    signals.incrementAndGet();
  }

  @Override
  public void close(HostDevice device) {}
}
