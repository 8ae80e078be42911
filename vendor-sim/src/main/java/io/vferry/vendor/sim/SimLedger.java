package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * What the device counts of its own work, as a vendor-specific capability of the extended config
 * space (PCI Express Base Specification, 7.9.5): the only part of a device that can be read in each
 * state, whichever process has the device. So the guest's driver can prove a move.
 *
 * <p>All numbers have 8 bytes, little endian, from {@link #HEAD} on.
 */
final class SimLedger {

  static final int OFFSET = 0x100;
  static final int BYTES = 0xf00;

  /** Which pages of the DMA area go into one digest: those with this number in common. */
  static final int DIGESTS = 64;

  static final long MAGIC = 0x5247_444c_4d49_5356L;
  private static final int VENDOR_SPECIFIC = 0x0001_000b;
  private static final int ID = 0x5646;
  private static final int HEAD = 8;

  private SimLedger() {}

  /** Writes the capability as it is now; the hardware's lock is held. */
  static ByteBuffer encode(SimHardware hardware) {
    SimCore core = hardware.core();
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(VENDOR_SPECIFIC).putInt(ID | 1 << 16 | BYTES << 20);
    out.position(HEAD).putLong(MAGIC).putLong(hardware.state().number()).putLong(core.tag);
    out.putLong(core.pageSequence.length).putLong(core.dmaWrites).putLong(core.doorbell);
    out.putLong(core.fetched).putLong(core.completed).putLong(core.tasksDone);
    out.putLong(core.inFlight.size()).putLong(outOfOrder(core)).putLong(core.messagesReceived);
    out.putLong(core.irqStatus).putLong(core.irqPending).putLong(core.scratch);
    out.putLong(hardware.engine().outstanding());
    out.putLong(core.messagesWhileStopped).putLong(core.messageGaps);
    out.putLong(core.dmaWhileStopped).putLong(core.dmaFaults).putLong(core.badTasks);
    // All of the state is looked at, so only while nothing waits for the device.
    boolean still = !hardware.state().running();
    boolean stale = still && core.memoryFingerprint != hardware.bulk().fingerprint();
    out.putLong(stale ? 1 : 0).putLong(still ? hardware.bulk().wrongPage() + 1 : 0);
    for (SimCore.Peer peer : core.peers) {
      out.putLong(peer.address).putLong(peer.channel).putLong(peer.sent);
    }
    for (int channel = 0; channel < SimRegisters.CHANNELS; channel++) {
      out.putLong(core.channelEpoch[channel]).putLong(core.received[channel]);
    }
    for (long digest : digests(core.pageSequence)) {
      out.putLong(digest);
    }
    putLocalMemory(hardware, out);
    return out.clear();
  }

  private static void putLocalMemory(SimHardware hardware, ByteBuffer out) {
    byte[] content = new byte[0];
    try {
      Optional<SimLocalMemory> memory = hardware.localMemory();
      if (memory.isPresent()) {
        content = memory.get().content();
      }
      out.putLong(content.length);
    } catch (MigrationException e) {
      out.putLong(-1);
    }
    long[] digests = new long[DIGESTS];
    ByteBuffer words = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    for (int word = 0; words.remaining() >= Long.BYTES; word++) {
      digests[word % DIGESTS] += digest(word, words.getLong());
    }
    for (long digest : digests) {
      out.putLong(digest);
    }
  }

  /** Returns the first task in flight that is not the next one; 0 if there is none. */
  private static long outOfOrder(SimCore core) {
    long due = core.completed;
    for (SimCore.Task task : core.inFlight) {
      due++;
      if (task.number() != due) {
        return task.number();
      }
    }
    return 0;
  }

  /** Returns what says of each page how often it was written, so that no two can make up. */
  static long[] digests(long[] sequences) {
    long[] digests = new long[DIGESTS];
    for (int page = 0; page < sequences.length; page++) {
      digests[page % DIGESTS] += digest(page, sequences[page]);
    }
    return digests;
  }

  /** Returns what a page, or a word of local memory, adds to its digest. */
  static long digest(int number, long value) {
    return SimPattern.mix(SimPattern.mix(number) + value);
  }
}
