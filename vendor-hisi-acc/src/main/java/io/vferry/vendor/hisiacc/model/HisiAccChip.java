package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.SharedParts;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccPfRegister;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A chip: a physical function and its virtual ones. It works in steps of the clock while there is
 * something to do. One lock for all of it; the host is told of interrupts without it.
 */
final class HisiAccChip {

  /** The number of the physical function. */
  static final int PHYSICAL = 0;

  /** Size of the physical function's registers. */
  static final int PF_BAR_BYTES = 0x400000;

  private static final int MAX_VIOLATIONS = 100;
  private static final int MAX_RECORDED = 1_000_000;
  private static final Map<Integer, HisiAccPfRegister> REGISTERS = byOffset();

  /**
   * One access to registers.
   *
   * @param function whose, 0 for the physical one
   * @param bar which region
   */
  record Access(
      long nanos, int function, int bar, long offset, int lengthBytes, boolean write, long value) {}

  private final Object lock = new Object();
  private final SharedParts parts = new SharedParts();
  private final HostClock clock;
  private final HisiAccSettings settings;
  private final HisiAccQuirks shared = new HisiAccQuirks();
  private final List<HisiAccFunctionModel> functions = new ArrayList<>();
  private final List<HisiAccConfigSpace> configs = new ArrayList<>();
  private final int[] queueCounts;
  private final HisiAccMailboxModel mailbox;
  private final HisiAccMessages messages;
  private final Map<HisiAccPfRegister, Integer> plain = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private final List<Access> accesses = new ArrayList<>();
  private HostClock.@Nullable Scheduled tick;
  private boolean closed;

  HisiAccChip(HisiAccSettings settings, HostClock clock) {
    this.settings = settings;
    this.clock = clock;
    this.queueCounts = new int[settings.functions() + 1];
    Arrays.fill(queueCounts, settings.queues());
    this.mailbox = new HisiAccMailboxModel(this);
    this.messages = new HisiAccMessages(settings.functions());
    for (int number = PHYSICAL; number <= settings.functions(); number++) {
      functions.add(
          new HisiAccFunctionModel(this, number, new HisiAccQuirks(), settings.hostPageBytes()));
      configs.add(configSpace(number));
    }
    powerOnRegisters();
  }

  private HisiAccConfigSpace configSpace(int number) {
    HisiAccConfigSpace.Owner owner =
        new HisiAccConfigSpace.Owner() {
          @Override
          public void resetInitiated() {
            resetByConfig(number);
          }

          @Override
          public boolean transactionsPending() {
            return function(number).inFlight() > 0;
          }
        };
    return number == PHYSICAL
        ? HisiAccConfigSpace.ofPhysicalFunction(
            settings.kind(), settings.version(), PF_BAR_BYTES, owner)
        : HisiAccConfigSpace.ofVirtualFunction(
            settings.kind(), settings.version(), settings.doorbellBytes(), owner);
  }

  private void powerOnRegisters() {
    plain.clear();
    plain.put(HisiAccPfRegister.QUE_ISO_CFG, settings.isolation() ? 1 : 0);
    plain.put(HisiAccPfRegister.MIGRATION_REGION_SELECT, settings.windows() ? 1 : 0);
    plain.put(HisiAccPfRegister.VFT_CFG_RDY, 1);
  }

  private static Map<Integer, HisiAccPfRegister> byOffset() {
    Map<Integer, HisiAccPfRegister> registers = new HashMap<>();
    for (HisiAccPfRegister register : HisiAccPfRegister.values()) {
      registers.put(register.offset(), register);
    }
    return Map.copyOf(registers);
  }

  /** Returns what drivers of the functions have in common. */
  SharedParts parts() {
    return parts;
  }

  HisiAccSettings settings() {
    return settings;
  }

  HostClock clock() {
    return clock;
  }

  long now() {
    return clock.nanoTime();
  }

  /** Returns a function; the virtual ones from 1. */
  HisiAccFunctionModel function(int number) {
    return functions.get(number);
  }

  /** Returns the config space of a function. */
  HisiAccConfigSpace config(int number) {
    return configs.get(number);
  }

  /** Returns how the physical function behaves. */
  HisiAccQuirks shared() {
    return shared;
  }

  HisiAccMessages messages() {
    return messages;
  }

  HisiAccMailboxModel mailbox() {
    return mailbox;
  }

  /** Does something under the lock, and then tells the host of interrupts. */
  <T> T locked(Supplier<T> work) {
    T result;
    int[] raised = new int[functions.size()];
    synchronized (lock) {
      result = work.get();
      for (HisiAccFunctionModel function : functions) {
        raised[function.number()] = function.events().takeRaised();
      }
    }
    for (HisiAccFunctionModel function : functions) {
      if (raised[function.number()] != 0) {
        function.interrupts().deliver(raised[function.number()]);
      }
    }
    return result;
  }

  /** As {@link #locked(Supplier)}, with nothing to return. */
  void run(Runnable work) {
    locked(
        () -> {
          work.run();
          return true;
        });
  }

  // --- work
  // ---------------------------------------------------------------------------------------

  /** Sees to it that the next step happens; under the lock. */
  void work() {
    if (tick == null && !closed) {
      tick = clock.schedule(settings.tickNanos(), this::tick);
    }
  }

  private void tick() {
    run(
        () -> {
          tick = null;
          boolean more = false;
          for (HisiAccFunctionModel function : functions) {
            more |= function.step();
            mailbox.settle(function, false);
          }
          if (more) {
            work();
          }
        });
  }

  void close() {
    synchronized (lock) {
      closed = true;
      if (tick != null) {
        tick.cancel();
        tick = null;
      }
    }
  }

  // --- what went wrong
  // ------------------------------------------------------------------------------

  void violation(String what) {
    if (violations.size() < MAX_VIOLATIONS) {
      violations.add(what);
    }
  }

  /** Returns what was done that must not be done. */
  List<String> violations() {
    synchronized (lock) {
      return List.copyOf(violations);
    }
  }

  void busError(int number, boolean write) {
    shared.abnormal.add(write ? 2 : 1);
    shared.functionsWithBusErrors |= 1L << number;
  }

  void record(int function, int bar, long offset, int length, boolean write, long value) {
    if (shared.recording && accesses.size() < MAX_RECORDED) {
      accesses.add(new Access(now(), function, bar, offset, length, write, value));
    }
  }

  /** Returns the accesses since recording was turned on. */
  List<Access> accesses() {
    synchronized (lock) {
      return List.copyOf(accesses);
    }
  }

  void forgetAccesses() {
    synchronized (lock) {
      accesses.clear();
    }
  }

  // --- the table of queues
  // ----------------------------------------------------------------------------

  int queuesOf(int number) {
    return queueCounts[number];
  }

  /** Gives a function another number of queues, 0 for none; it is reset. */
  void assignQueues(int number, int count) {
    synchronized (lock) {
      queueCounts[number] = count;
      function(number).reset();
    }
  }

  /** Returns a function's entry. */
  long queueTable(int number) {
    int count = number < queueCounts.length ? queueCounts[number] : 0;
    if (count == 0) {
      return 0;
    }
    long first = 0;
    for (int before = 0; before < number; before++) {
      first += queueCounts[before];
    }
    return first << HisiAccNumbers.VFT_BASE_SHIFT
        | 1L << HisiAccNumbers.VFT_VALID_SHIFT
        | (long) (count - 1) << HisiAccNumbers.VFT_COUNT_SHIFT;
  }

  // --- registers of the physical function
  // ---------------------------------------------------------------

  int readPf(long offset) {
    if (offset == settings.kind().coreStatusOffset()) {
      return shared.core.read();
    }
    if (offset == HisiAccPfRegister.FUNCTION_AXI_ERRORS.offset() + Integer.BYTES) {
      return (int) (shared.functionsWithBusErrors >>> Integer.SIZE);
    }
    if (offset == HisiAccPfRegister.IFC_READY_STATUS.offset() + Integer.BYTES) {
      return (int) (messages.rung() >>> Integer.SIZE);
    }
    if (offset == HisiAccPfRegister.IFC_INT_SOURCE.offset() + Integer.BYTES) {
      return (int) (messages.ringing() >>> Integer.SIZE);
    }
    HisiAccPfRegister register = REGISTERS.get((int) offset);
    if (register == null) {
      return 0;
    }
    return switch (register) {
      case ABNORMAL_INT_STATUS -> shared.abnormal.read();
      case VFT_CFG_RDY -> shared.tableStuck ? 0 : plain.getOrDefault(register, 0);
      case FUNCTION_AXI_ERRORS -> (int) shared.functionsWithBusErrors;
      case IFC_READY_STATUS -> (int) messages.rung();
      case IFC_INT_SOURCE -> (int) messages.ringing();
      case QUE_ISO_CFG,
          VFT_CFG_OP_ENABLE,
          VFT_CFG_OP_WR,
          VFT_CFG_TYPE,
          VFT_CFG,
          VFT_CFG_DATA_L,
          VFT_CFG_DATA_H,
          IFC_INT_SET,
          IFC_INT_CFG,
          MIGRATION_REGION_SELECT ->
          plain.getOrDefault(register, 0);
    };
  }

  void writePf(long offset, int value) {
    long sources = offset - HisiAccPfRegister.IFC_INT_SOURCE.offset();
    if (sources == 0 || sources == Integer.BYTES) {
      messages.silence((value & 0xffffffffL) << (sources * Byte.SIZE));
      return;
    }
    HisiAccPfRegister register = REGISTERS.get((int) offset);
    if (register == null) {
      return;
    }
    plain.put(register, value);
    if (register == HisiAccPfRegister.IFC_INT_SET && (value & 1) != 0) {
      for (int rung : messages.ringFrom(plain.getOrDefault(HisiAccPfRegister.IFC_INT_CFG, 0))) {
        function(rung).hearMessage();
      }
    }
    if (register == HisiAccPfRegister.VFT_CFG_OP_ENABLE && value == 1) {
      if (plain.getOrDefault(HisiAccPfRegister.VFT_CFG_OP_WR, 0) != 1) {
        violation("the table of queues was written");
      }
      long entry = queueTable(plain.getOrDefault(HisiAccPfRegister.VFT_CFG, 0));
      plain.put(HisiAccPfRegister.VFT_CFG_DATA_L, (int) entry);
      plain.put(HisiAccPfRegister.VFT_CFG_DATA_H, (int) (entry >>> 32));
      plain.put(HisiAccPfRegister.VFT_CFG_RDY, 1);
    }
  }

  // --- reset
  // ----------------------------------------------------------------------------------------

  /** Resets a function on behalf of the host, which keeps its config space. */
  void reset(int number) {
    run(() -> affected(number).forEach(this::resetFunction));
  }

  /**
   * Function level reset, ordered by the config space of a function, which is as after power on
   * then; under the lock.
   */
  private void resetByConfig(int number) {
    for (int affected : affected(number)) {
      config(affected).reset();
      resetFunction(affected);
    }
  }

  /**
   * Returns what is reset with a function. That of the physical one clears VF Enable too, so the
   * virtual ones cease to be (SR-IOV Specification 1.1, 2.2.3). Linux enables them again at once,
   * and its driver fills the table of queues anew; so here they are there, and as after power on.
   */
  private List<Integer> affected(int number) {
    return number == PHYSICAL
        ? functions.stream().map(HisiAccFunctionModel::number).toList()
        : List.of(number);
  }

  private void resetFunction(int number) {
    HisiAccFunctionModel function = function(number);
    if (number == PHYSICAL) {
      powerOnRegisters();
      shared.abnormal.clear();
      shared.functionsWithBusErrors = 0;
    } else if (function.quirks().doorbellInReset && !function.registers().dropsDoorbells()) {
      // Bit 10 of the status: a doorbell that nobody takes.
      shared.abnormal.add(1 << 10);
    }
    mailbox.reset(function);
    messages.reset(number);
    function.resetByHost();
  }
}
