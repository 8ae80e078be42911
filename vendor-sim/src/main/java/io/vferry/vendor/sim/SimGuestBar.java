package io.vferry.vendor.sim;

/**
 * BAR 0: the registers of the guest. In the stopped states they read 0 and writes are dropped, as
 * Linux 6.12 {@code include/uapi/linux/vfio.h} lets a device do.
 */
final class SimGuestBar extends SimRegisterRegion {

  private final SimHardware hardware;

  SimGuestBar(SimHardware hardware) {
    super(SimRegisters.GUEST_BAR, SimRegisters.GUEST_BAR_BYTES);
    this.hardware = hardware;
  }

  @Override
  long get(int register) {
    synchronized (hardware) {
      long value = peek(register);
      if (register == SimRegisters.IRQ_STATUS && hardware.operating()) {
        hardware.core().irqStatus = 0;
      }
      return value;
    }
  }

  @Override
  long peek(int register) {
    synchronized (hardware) {
      SimCore core = hardware.core();
      SimSettings settings = hardware.settings();
      if (!hardware.operating()) {
        return 0;
      }
      return switch (register) {
        case SimRegisters.ID -> SimRegisters.ID_VALUE;
        case SimRegisters.CONTROL -> core.control;
        case SimRegisters.RING_SUBMIT -> core.ringSubmit;
        case SimRegisters.RING_COMPLETE -> core.ringComplete;
        case SimRegisters.DOORBELL -> core.doorbell;
        case SimRegisters.IRQ_STATUS -> core.irqStatus;
        case SimRegisters.DMA_BASE -> core.dmaBase;
        case SimRegisters.DMA_PAGES -> core.pageSequence.length;
        case SimRegisters.DMA_PAGES_WISHED -> settings.work() ? settings.dmaAreaPages() : 0;
        case SimRegisters.TASK_RATE -> settings.work() ? settings.tasksPerSecond() : 0;
        case SimRegisters.TAG -> core.tag;
        case SimRegisters.SCRATCH -> core.scratch;
        case SimRegisters.LOCAL_BYTES -> settings.localMemoryBytes();
        default -> other(core, register);
      };
    }
  }

  private static long other(SimCore core, int register) {
    int peer = (register - SimRegisters.PEER_ADDRESS) / SimRegisters.PEER_STRIDE;
    if (register >= SimRegisters.PEER_ADDRESS && peer < SimRegisters.PEERS) {
      boolean address = (register & 8) == 0;
      return address ? core.peers[peer].address : core.peers[peer].channel;
    }
    int channel = (register - SimRegisters.CHANNEL_EPOCH) / Long.BYTES;
    if (register >= SimRegisters.CHANNEL_EPOCH && channel < SimRegisters.CHANNELS) {
      return core.channelEpoch[channel];
    }
    return 0;
  }

  @Override
  void set(int register, long value) {
    synchronized (hardware) {
      if (!hardware.operating()) {
        return;
      }
      SimCore core = hardware.core();
      switch (register) {
        case SimRegisters.CONTROL -> core.control = value & SimRegisters.CONTROL_ENABLE;
        case SimRegisters.RING_SUBMIT -> core.ringSubmit = value;
        case SimRegisters.RING_COMPLETE -> core.ringComplete = value;
        case SimRegisters.DOORBELL -> ring(core, value);
        case SimRegisters.DMA_BASE -> core.dmaBase = value;
        case SimRegisters.DMA_PAGES ->
            core.pageSequence = new long[(int) Math.max(0, Math.min(value, SimCore.MAX_DMA_PAGES))];
        case SimRegisters.TAG -> core.tag = value;
        case SimRegisters.SCRATCH -> core.scratch = value;
        default -> setOther(core, register, value);
      }
      hardware.engine().update();
    }
  }

  private static void ring(SimCore core, long value) {
    if (value >= core.doorbell && value <= core.completed + SimRegisters.RING_ENTRIES) {
      core.doorbell = value;
    } else {
      core.badTasks++;
    }
  }

  private static void setOther(SimCore core, int register, long value) {
    int peer = (register - SimRegisters.PEER_ADDRESS) / SimRegisters.PEER_STRIDE;
    if (register >= SimRegisters.PEER_ADDRESS && peer < SimRegisters.PEERS) {
      boolean address = (register & 8) == 0;
      if (address) {
        core.peers[peer].address = value;
        core.peers[peer].sent = 0;
      } else if ((int) value >= 0 && (int) value < SimRegisters.CHANNELS) {
        core.peers[peer].channel = value;
      }
      return;
    }
    int channel = (register - SimRegisters.CHANNEL_EPOCH) / Long.BYTES;
    if (register >= SimRegisters.CHANNEL_EPOCH && channel < SimRegisters.CHANNELS) {
      core.channelEpoch[channel] = value;
      core.received[channel] = 0;
    }
  }
}
