package io.vferry.host.linux;

import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.MigrationException;
import java.util.List;

/** Turns the interrupts of a device on and off: {@code VFIO_DEVICE_SET_IRQS}. */
public interface IrqControl {

  /** Lets the vectors from 0 signal the given counters. */
  void setIrqs(int index, List<EventFd> signals) throws KernelError, MigrationException;

  /** Masks, unmasks or signals vectors, or turns all off with count 0. */
  void setIrqs(int action, int index, int start, int count) throws KernelError, MigrationException;

  /**
   * One kind of interrupt, as {@code VFIO_DEVICE_GET_IRQ_INFO} describes it.
   *
   * @param index which kind
   * @param count number of vectors
   * @param flags {@code VFIO_IRQ_INFO_*}
   */
  record IrqLayout(int index, int count, int flags) {}
}
