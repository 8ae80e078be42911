package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The interrupts of a device, told through event counters. */
public final class VfioInterrupts implements Interrupts {

  private final String device;
  private final IrqControl control;
  private final Map<Integer, IrqControl.IrqLayout> kinds;
  private final Map<Integer, InterruptLoop> on = new TreeMap<>();

  /**
   * Creates those of a device, all off.
   *
   * @param device for messages
   * @param kinds by index
   */
  public VfioInterrupts(
      String device, IrqControl control, Map<Integer, IrqControl.IrqLayout> kinds) {
    this.device = device;
    this.control = control;
    this.kinds = new TreeMap<>(kinds);
  }

  @Override
  public List<Info> info() {
    List<Info> infos = new ArrayList<>();
    for (IrqControl.IrqLayout kind : kinds.values()) {
      infos.add(
          new Info(
              kind.index(),
              kind.count(),
              maskable(kind),
              (kind.flags() & VfioUapi.VFIO_IRQ_INFO_AUTOMASKED) != 0));
    }
    return infos;
  }

  @Override
  public synchronized void enable(int index, int vectors, Listener listener)
      throws MigrationException {
    IrqControl.IrqLayout kind = kind(index);
    if (vectors < 1 || vectors > kind.count()) {
      throw bad(
          "device %s has %d vectors of interrupt %d, not %d"
              .formatted(device, kind.count(), index, vectors));
    }
    if ((kind.flags() & VfioUapi.VFIO_IRQ_INFO_EVENTFD) == 0) {
      throw bad(
          "interrupt %d of device %s cannot signal an event counter".formatted(index, device));
    }
    for (int other : on.keySet()) {
      if (other == index || (other <= MSIX && index <= MSIX)) {
        throw bad(
            "interrupt %d of device %s cannot be turned on while %d is on; disable it first"
                .formatted(index, device, other));
      }
    }
    try {
      InterruptLoop loop =
          InterruptLoop.create("vfio-irq-" + device + "-" + index, vectors, listener);
      try {
        control.setIrqs(index, loop.vectors());
      } catch (KernelError | MigrationException e) {
        loop.discard();
        throw e;
      }
      loop.start();
      on.put(index, loop);
    } catch (KernelError e) {
      throw failed(e, "interrupt %d of device %s cannot be turned on".formatted(index, device));
    }
  }

  @Override
  public void disable(int index) throws MigrationException {
    InterruptLoop loop;
    MigrationException failure = null;
    synchronized (this) {
      kind(index);
      loop = on.remove(index);
      if (loop == null) {
        return;
      }
      try {
        control.setIrqs(VfioUapi.VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, 0);
      } catch (KernelError e) {
        failure =
            failed(e, "interrupt %d of device %s cannot be turned off".formatted(index, device));
      } catch (MigrationException e) {
        failure = e;
      }
    }
    // Not under the lock: the listener that is waited for may be about to mask or unmask.
    loop.stop();
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public void mask(int index, int vector) throws MigrationException {
    if (!maskable(kind(index))) {
      throw bad("interrupt %d of device %s cannot be masked".formatted(index, device));
    }
    set(VfioUapi.VFIO_IRQ_SET_ACTION_MASK, index, vector, "masked");
  }

  @Override
  public void unmask(int index, int vector) throws MigrationException {
    if (!maskable(kind(index))) {
      throw bad("interrupt %d of device %s cannot be unmasked".formatted(index, device));
    }
    set(VfioUapi.VFIO_IRQ_SET_ACTION_UNMASK, index, vector, "unmasked");
  }

  @Override
  public void trigger(int index, int vector) throws MigrationException {
    set(VfioUapi.VFIO_IRQ_SET_ACTION_TRIGGER, index, vector, "signalled");
  }

  @Override
  public void settle() throws MigrationException {
    List<InterruptLoop> loops;
    synchronized (this) {
      loops = List.copyOf(on.values());
    }
    try {
      // Not under the lock: a listener may be about to mask or unmask.
      for (InterruptLoop loop : loops) {
        loop.settle();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(
          DeviceError.INTERRUPTED,
          "interrupted while interrupts of device %s were told".formatted(device),
          e);
    }
  }

  private synchronized void set(int action, int index, int vector, String verb)
      throws MigrationException {
    kind(index);
    InterruptLoop loop = on.get(index);
    if (loop == null || vector < 0 || vector >= loop.vectors().size()) {
      throw bad(
          "vector %d of interrupt %d of device %s is not on".formatted(vector, index, device));
    }
    try {
      control.setIrqs(action, index, vector, 1);
    } catch (KernelError e) {
      throw failed(
          e,
          "vector %d of interrupt %d of device %s cannot be %s"
              .formatted(vector, index, device, verb));
    }
  }

  /** Turns everything off; failures do not matter, as the device is about to be closed. */
  public void close() {
    for (int index : List.copyOf(kinds.keySet())) {
      try {
        disable(index);
      } catch (MigrationException e) {
        // Closing the device turns its interrupts off as well.
      }
    }
  }

  private IrqControl.IrqLayout kind(int index) throws MigrationException {
    IrqControl.IrqLayout kind = kinds.get(index);
    if (kind == null) {
      throw bad("device %s has no interrupt %d".formatted(device, index));
    }
    return kind;
  }

  private static boolean maskable(IrqControl.IrqLayout kind) {
    return (kind.flags() & VfioUapi.VFIO_IRQ_INFO_MASKABLE) != 0;
  }

  private static MigrationException failed(KernelError e, String sentence) {
    return switch (e.errno()) {
      case Errno.EINVAL, Errno.ENOTTY -> e.as(DeviceError.BAD_REQUEST, sentence);
      case Errno.ENOSPC, Errno.ENOMEM, Errno.EMFILE -> e.as(DeviceError.OUT_OF_RESOURCES, sentence);
      default -> e.as(DeviceError.IO_FAILED, sentence);
    };
  }

  private static MigrationException bad(String sentence) {
    return new MigrationException(DeviceError.BAD_REQUEST, sentence);
  }
}
