package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.util.HashMap;
import java.util.Map;

/**
 * The registers of 32 bits of a function's queue manager; the mailbox is not among them. Under the
 * chip's lock.
 */
final class HisiAccFunctionRegisters {

  private static final Map<Integer, HisiAccVfRegister> REGISTERS = byOffset();

  private final HisiAccChip chip;
  private final HisiAccFunctionModel function;
  private final HisiAccFunctionEvents events;
  private final HisiAccContextCache cache;
  private final Map<HisiAccVfRegister, Integer> plain = new HashMap<>();

  HisiAccFunctionRegisters(
      HisiAccChip chip,
      HisiAccFunctionModel function,
      HisiAccFunctionEvents events,
      HisiAccContextCache cache) {
    this.chip = chip;
    this.function = function;
    this.events = events;
    this.cache = cache;
  }

  private static Map<Integer, HisiAccVfRegister> byOffset() {
    Map<Integer, HisiAccVfRegister> registers = new HashMap<>();
    for (HisiAccVfRegister register : HisiAccVfRegister.values()) {
      registers.put(register.offset(), register);
    }
    return Map.copyOf(registers);
  }

  void reset() {
    plain.clear();
    plain.put(HisiAccVfRegister.VF_STATE, 1);
  }

  private boolean bitOf(HisiAccVfRegister register) {
    return (plain.getOrDefault(register, 0) & 1) != 0;
  }

  /** Whether doorbells are discarded. */
  boolean dropsDoorbells() {
    return bitOf(HisiAccVfRegister.FUN_DB_DROP);
  }

  /** Whether the guest has not set the function up. */
  boolean unused() {
    return bitOf(HisiAccVfRegister.VF_STATE);
  }

  /** Whether messages are not told. */
  boolean messagesMasked() {
    return bitOf(HisiAccVfRegister.IFC_INT_MASK);
  }

  int read(long offset) {
    HisiAccVfRegister register = REGISTERS.get((int) offset);
    if (register == null) {
      return 0;
    }
    HisiAccQuirks quirks = function.quirks();
    HisiAccMessages messages = chip.messages();
    int number = function.number();
    return switch (register) {
      case AEQ_INT_MASK -> events.queue(true).mask();
      case EQ_INT_MASK -> events.queue(false).mask();
      case IFC_INT_STATUS -> quirks.messageIn.read() | bit(messages.rung(number));
      case IFC_INT_SET -> quirks.messageOut.read() | bit(messages.ringing(number));
      case IFC_INT_SOURCE -> bit(messages.rung(number));
      case FUNCTION_ACTIVE -> bit(quirks.activityTold && function.active());
      case CACHE_WB_DONE -> bit(cache.writtenBack());
      case FUNC_CAPS -> chip.settings().capabilities();
      case EQ_DEPTHS -> 0x04000800;
      case QUEUE_DEPTHS -> 0x04000400;
      case IFC_INT_MASK, QUE_ISO_CFG, PAGE_SIZE, FUN_DB_DROP, VF_STATE, CACHE_WB_START, MAILBOX ->
          plain.getOrDefault(register, 0);
    };
  }

  void write(long offset, int value) {
    HisiAccVfRegister register = REGISTERS.get((int) offset);
    if (register == null) {
      return;
    }
    HisiAccMessages messages = chip.messages();
    int number = function.number();
    switch (register) {
      case AEQ_INT_MASK -> events.mask(true, value);
      case EQ_INT_MASK -> events.mask(false, value);
      case IFC_INT_SOURCE -> {
        if ((value & 1) != 0) {
          messages.acknowledge(number);
        }
      }
      case IFC_INT_SET -> {
        if ((value & 1) != 0 && number != HisiAccChip.PHYSICAL) {
          messages.ring(number);
          chip.function(HisiAccChip.PHYSICAL).hearMessage();
        }
      }
      case CACHE_WB_START -> cache.writeBack(function.queues());
      case IFC_INT_MASK -> {
        plain.put(register, value);
        if (messages.rung(number)) {
          function.hearMessage();
        }
      }
      case QUE_ISO_CFG, PAGE_SIZE, FUN_DB_DROP, VF_STATE -> plain.put(register, value);
      case IFC_INT_STATUS,
          FUNCTION_ACTIVE,
          CACHE_WB_DONE,
          MAILBOX,
          FUNC_CAPS,
          EQ_DEPTHS,
          QUEUE_DEPTHS -> {}
    }
  }

  private static int bit(boolean set) {
    return set ? 1 : 0;
  }
}
