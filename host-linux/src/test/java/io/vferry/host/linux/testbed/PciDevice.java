package io.vferry.host.linux.testbed;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import java.util.Set;

/**
 * An open PCI device that answers in its memory and does DMA, its registers, and its interrupts.
 */
final class PciDevice implements AutoCloseable {

  final HostDevice host;
  final Registers registers;
  final Interrupts interrupts;
  final Signals signals = new Signals();

  /** Turns a device on. */
  PciDevice(HostDevice host) throws MigrationException {
    this.host = host;
    Registers.turnOn(host);
    this.registers = new Registers(host, 0);
    this.interrupts = host.interrupts();
  }

  /** Lets the device interrupt. */
  void listen(int kind, int vectors) throws MigrationException {
    interrupts.enable(kind, vectors, signals);
  }

  /** Ends the interrupts; all that came must have been expected. */
  void hush(int kind) throws MigrationException {
    hush(kind, Set.of());
  }

  /** Does the same, and passes over the vectors that the device may tell again. */
  void hush(int kind, Set<Integer> again) throws MigrationException {
    interrupts.disable(kind);
    signals.nothingMore(again);
  }

  @Override
  public void close() throws MigrationException {
    host.close();
  }
}
