package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a modelled virtual function counts of its own work, as a vendor-specific capability of the
 * extended config space (PCI Express Base Specification, 7.9.5). Config space is what can be read
 * in each state, whichever process has the function, so the guest's driver can prove a move by it.
 * All numbers have 8 bytes, little endian.
 */
final class Mlx5Ledger {

  static final int OFFSET = 0x100;
  static final int BYTES = 0xf00;
  static final long MAGIC = 0x7265_6764_656c_3578L;

  /** Which pages of the DMA area go into one digest: those with this number in common. */
  static final int DIGESTS = 64;

  private static final int VENDOR_SPECIFIC = 0x0001_000b;
  private static final int ID = 0x5646;

  private Mlx5Ledger() {}

  /** Writes the capability as it is now; the card's lock is held. */
  static ByteBuffer encode(Mlx5VirtualFunction function) {
    Mlx5GuestCore core = function.engine.core();
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(VENDOR_SPECIFIC).putInt(ID | 1 << 16 | BYTES << 20).putLong(MAGIC);
    out.putLong(core.tag).putLong(core.sequences.length).putLong(core.dmaWrites);
    out.putLong(core.doorbell).putLong(core.fetched).putLong(core.completed);
    out.putLong(core.requestsDone).putLong(core.messagesReceived).putLong(core.irqCause);
    out.putLong(core.irqPending).putLong(core.scratch);
    out.putLong(core.dmaFaults).putLong(core.badRequests).putLong(core.messageGaps);
    out.putLong(core.messagesWhileStopped);
    boolean active = function.engine.active();
    out.putLong(active ? 0 : function.engine.outstanding());
    out.putLong(function.halfLoaded ? 1 : 0);
    // All of the state is looked at, so only while nothing waits for the function.
    boolean stale =
        !active && function.content.fingerprint() != function.content.computedFingerprint();
    out.putLong(stale ? 1 : 0);
    out.putLong(core.inFlight.size());
    core.inFlight.forEach(request -> out.putLong(request.number()));
    for (Mlx5GuestCore.Peer peer : core.peers) {
      out.putLong(peer.address).putLong(peer.key).putLong(peer.sent);
    }
    for (long digest : digests(core.sequences)) {
      out.putLong(digest);
    }
    out.putLong(core.received.size());
    core.received.forEach((key, number) -> out.putLong(key).putLong(number));
    return out.clear();
  }

  /** Returns what says of each page how often it was written, so that no two can make up. */
  private static long[] digests(long[] sequences) {
    long[] digests = new long[DIGESTS];
    for (int page = 0; page < sequences.length; page++) {
      digests[page % DIGESTS] += digest(page, sequences[page]);
    }
    return digests;
  }

  /** Returns what a page adds to its digest. */
  static long digest(int page, long sequence) {
    return Mlx5Pattern.mix(Mlx5Pattern.mix(page) + sequence);
  }
}
