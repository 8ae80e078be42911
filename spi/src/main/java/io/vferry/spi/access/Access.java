package io.vferry.spi.access;

/** The ways in which somebody touches a device, as far as their legality depends on its state. */
public enum Access {
  /** The device reads or writes guest memory. */
  DMA_OUT("device DMA to memory"),
  /** The device starts DMA to another device. */
  P2P_OUT("device DMA to other devices"),
  /** Another device's DMA, or its message, arrives. */
  P2P_IN("DMA from other devices"),
  /** The device raises an interrupt. */
  INTERRUPT("interrupts raised"),
  /** The guest reads a register or device memory other than config space. */
  REGION_READ("region read"),
  /** The guest writes a register or device memory other than config space. */
  REGION_WRITE("region write"),
  /** The guest uses a mapped region. */
  REGION_MAP("mapped region"),
  /** PCI config space is read; the MSI-X table of a host that emulates it counts as well. */
  CONFIG_READ("config space read"),
  /** PCI config space is written. */
  CONFIG_WRITE("config space write"),
  /** Interrupts are set up, masked or turned off. */
  SET_IRQS("interrupt set-up"),
  /** Memory is mapped or unmapped for DMA. */
  DMA_MAP("DMA map and unmap"),
  /** DMA logging is started, reported or stopped. */
  DMA_LOG("DMA logging"),
  /** The size of a stop-copy is asked for. */
  STOP_COPY_SIZE("stop-copy size"),
  /** The progress of a pre-copy is asked for. */
  PRECOPY_INFO("pre-copy progress"),
  /** Migration data are read. */
  SAVE_DATA("migration data read"),
  /** Migration data are written. */
  LOAD_DATA("migration data written"),
  /** The device is reset. */
  RESET("reset");

  private final String title;

  Access(String title) {
    this.title = title;
  }

  /** Returns the name for people. */
  public String title() {
    return title;
  }
}
