package io.vferry.host.linux.user.server;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.wire.IrqInfoMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Action;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Data;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** The event counters by which one client is told of the device's interrupts. */
final class IrqTable {

  /** Number of kinds on PCI: INTx, MSI, MSI-X, error, request. */
  static final int KINDS = 5;

  private final Interrupts interrupts;
  private final TreeMap<Integer, Kind> kinds = new TreeMap<>();

  IrqTable(Interrupts interrupts) {
    this.interrupts = interrupts;
    for (Interrupts.Info info : interrupts.info()) {
      if (info.index() < KINDS) {
        kinds.put(info.index(), new Kind(info));
      }
    }
  }

  /** One kind of interrupt. Its listener is called on threads of the device. */
  private static final class Kind implements Interrupts.Listener {
    final Interrupts.Info info;
    final AtomicReferenceArray<@Nullable ClientFile> counters;
    int enabled;

    Kind(Interrupts.Info info) {
      this.info = info;
      this.counters = new AtomicReferenceArray<>(info.count());
    }

    @Override
    public void signalled(int vector) {
      ClientFile counter = counters.get(vector);
      if (counter != null) {
        counter.signal();
      }
    }

    void put(int vector, @Nullable ClientFile counter) {
      ClientFile before = counters.getAndSet(vector, counter);
      if (before != null) {
        before.close();
      }
    }

    /** Returns how many vectors have to be on: up to the last one with a counter. */
    int needed() {
      int last = counters.length();
      while (last > 0 && counters.get(last - 1) == null) {
        last--;
      }
      return last;
    }
  }

  IrqInfoMessage info(int index) throws Refusal {
    if (index < 0 || index >= KINDS) {
      throw Refusal.invalid("there is no kind of interrupt " + Integer.toUnsignedString(index));
    }
    Kind kind = kinds.get(index);
    if (kind == null) {
      return new IrqInfoMessage(VfioUapi.VFIO_IRQ_INFO_EVENTFD, index, 0);
    }
    int flags =
        VfioUapi.VFIO_IRQ_INFO_EVENTFD
            | (kind.info.maskable() ? VfioUapi.VFIO_IRQ_INFO_MASKABLE : 0)
            | (kind.info.automasked() ? VfioUapi.VFIO_IRQ_INFO_AUTOMASKED : 0);
    return new IrqInfoMessage(flags, index, kind.info.count());
  }

  /**
   * Carries out a command.
   *
   * @param files what came with it; those that are put to use leave the list
   */
  void set(SetIrqsMessage message, List<ClientFile> files) throws Refusal {
    int index = message.index();
    info(index);
    Kind kind = kinds.get(index);
    int vectors = kind == null ? 0 : kind.info.count();
    boolean off =
        message.action() == Action.TRIGGER && message.count() == 0 && message.start() == 0;
    if (message.start() + message.count() > vectors || (message.count() == 0 && !off)) {
      throw Refusal.invalid(
          "vectors %d to %d of interrupt %d, which has %d"
              .formatted(message.start(), message.start() + message.count() - 1, index, vectors));
    }
    if (message.data() != Data.EVENTFD && !files.isEmpty()) {
      throw Refusal.invalid("files came with a command that takes none");
    }
    try {
      if (off) {
        if (!files.isEmpty()) {
          throw Refusal.invalid(files.size() + " event counters came for no vector");
        }
        if (kind != null) {
          disable(kind);
        }
      } else if (kind != null && message.data() == Data.EVENTFD) {
        assign(kind, message, files);
      } else {
        act(message);
      }
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
  }

  private void disable(Kind kind) throws MigrationException {
    try {
      if (kind.enabled > 0) {
        kind.enabled = 0;
        interrupts.disable(kind.info.index());
      }
    } finally {
      for (int vector = 0; vector < kind.info.count(); vector++) {
        kind.put(vector, null);
      }
    }
  }

  private void assign(Kind kind, SetIrqsMessage message, List<ClientFile> files)
      throws Refusal, MigrationException {
    if (message.action() != Action.TRIGGER) {
      throw new Refusal(Errno.ENOTTY, "event counters can only be signalled, not waited for");
    }
    if (!files.isEmpty() && files.size() != message.count()) {
      throw Refusal.invalid(
          "%d event counters for %d vectors".formatted(files.size(), message.count()));
    }
    for (ClientFile file : files) {
      file.checkEventCounter();
    }
    int needed =
        files.isEmpty() ? kind.enabled : Math.max(kind.enabled, message.start() + message.count());
    if (needed > kind.enabled) {
      // The device refuses if another kind is on; nothing has changed then.
      int before = kind.enabled;
      if (before > 0) {
        interrupts.disable(kind.info.index());
        kind.enabled = 0;
      }
      putAll(kind, message, files);
      try {
        interrupts.enable(kind.info.index(), needed, kind);
        kind.enabled = needed;
      } catch (MigrationException e) {
        for (int i = 0; i < message.count(); i++) {
          kind.put(message.start() + i, null);
        }
        throw e;
      }
      return;
    }
    putAll(kind, message, files);
    if (kind.enabled > 0 && kind.needed() == 0) {
      disable(kind);
    }
  }

  private static void putAll(Kind kind, SetIrqsMessage message, List<ClientFile> files) {
    for (int i = 0; i < message.count(); i++) {
      kind.put(message.start() + i, files.isEmpty() ? null : files.get(i));
    }
    files.clear();
  }

  private void act(SetIrqsMessage message) throws MigrationException {
    for (int i = 0; i < message.count(); i++) {
      if (message.data() == Data.BOOL && message.bools().get(message.bools().position() + i) == 0) {
        continue;
      }
      int vector = message.start() + i;
      switch (message.action()) {
        case MASK -> interrupts.mask(message.index(), vector);
        case UNMASK -> interrupts.unmask(message.index(), vector);
        case TRIGGER -> interrupts.trigger(message.index(), vector);
      }
    }
  }

  /** Turns everything off; returns the first failure, if any. */
  @Nullable MigrationException disableAll() {
    MigrationException first = null;
    for (Kind kind : kinds.values()) {
      try {
        disable(kind);
      } catch (MigrationException e) {
        first = first == null ? e : first;
      }
    }
    return first;
  }
}
