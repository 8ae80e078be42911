package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the guest's driver of a simulated device knows. Under the lock of the machine, except the
 * pending interrupts.
 */
final class SimDriverState {

  /** One page each for submissions and completions, at the start of the driver's memory. */
  static final int RING_PAGES = 2;

  private static final int VERSION = 2;
  private static final int MAX_VIOLATIONS = 16;
  private static final int MAX_TEXT_BYTES = 1024;
  private static final int MAX_ID_BYTES = 256;

  /** Vectors that were signalled and not served. */
  final AtomicInteger irqPending = new AtomicInteger();

  final List<String> violations = new ArrayList<>();

  /** The devices that write to this one, in the order of their channels. */
  final List<String> senders = new ArrayList<>();

  /**
   * For each register set of a peer, which {@linkplain #setUps set-up} of the peer this device was
   * last connected to; 0 if to none.
   */
  final long[] connectedTo = new long[SimRegisters.PEERS];

  boolean ready;
  int dmaPages;
  long tasksPerSecond;

  /** How often the device was set up: once, and after each reset. */
  long setUps;

  long submitted;
  long consumed;
  long tasksSeen;
  long scratch;

  /** Of the local memory that the driver uses; 0 if there is none. */
  int localBytes;

  /** Words stored there since the device was set up. */
  long localStores;

  long mails;
  long epoch;

  int pages() {
    return RING_PAGES + dmaPages;
  }

  /** Remembers what the device did wrong, as far as there is room. */
  void violated(String what) {
    if (violations.size() < MAX_VIOLATIONS && !violations.contains(what)) {
      violations.add(what);
    }
  }

  ByteBuffer encode(List<PlacedRegion> peers) {
    SimWriter out = new SimWriter().u32(VERSION).u32(ready ? 1 : 0).u32(dmaPages);
    out.u64(tasksPerSecond).u64(setUps).u64(submitted).u64(consumed).u64(tasksSeen);
    out.u64(scratch)
        .u32(localBytes)
        .u64(localStores)
        .u64(mails)
        .u64(epoch)
        .u32(irqPending.get())
        .u32(peers.size());
    for (int peer = 0; peer < peers.size(); peer++) {
      out.text(peers.get(peer).deviceId()).u64(connectedTo[peer]);
    }
    texts(out, senders);
    texts(out, violations);
    return out.finish();
  }

  private static void texts(SimWriter out, List<String> texts) {
    out.u32(texts.size());
    texts.forEach(out::text);
  }

  /** Reads what {@link #encode} wrote, for a driver in the given room. */
  static SimDriverState decode(ByteBuffer bytes, GuestRoom room) throws MigrationException {
    SimReader in = new SimReader("what the guest's driver of " + room.deviceId() + " knows", bytes);
    int version = in.u32("version");
    if (version != VERSION) {
      throw incompatible(room, "comes from a driver of version " + version);
    }
    long roomPages = room.memoryBytes() >> SimPattern.PAGE_SHIFT;
    SimDriverState state = new SimDriverState();
    state.ready = in.flag("device set up");
    state.dmaPages = in.u32("DMA area pages", 0, SimCore.MAX_DMA_PAGES);
    if (state.pages() > roomPages) {
      throw incompatible(room, "needs %d pages and has %d".formatted(state.pages(), roomPages));
    }
    state.tasksPerSecond = in.u64("task rate", 0, 1_000_000);
    state.setUps = in.u64("set-ups", 0, Integer.MAX_VALUE);
    state.submitted = in.u64("submitted tasks", 0, Long.MAX_VALUE);
    state.consumed =
        in.u64(
            "consumed tasks",
            Math.max(0, state.submitted - SimRegisters.RING_ENTRIES),
            state.submitted);
    state.tasksSeen = in.u64("tasks", 0, Long.MAX_VALUE);
    state.scratch = in.u64("scratch", 0, Long.MAX_VALUE);
    state.localBytes = in.u32("local memory", 0, SimSettings.MAX_LOCAL_BYTES);
    state.localStores = in.u64("words in local memory", 0, Long.MAX_VALUE);
    state.mails = in.u64("mail interrupts", 0, Long.MAX_VALUE);
    state.epoch = in.u64("epoch", 0, Integer.MAX_VALUE);
    state.irqPending.set(in.u32("pending interrupts", 0, (1 << SimRegisters.VECTORS) - 1));
    state.readPeers(in, room);
    readTexts(in, "sender", SimRegisters.CHANNELS, MAX_ID_BYTES, state.senders);
    readTexts(in, "violation", MAX_VIOLATIONS, MAX_TEXT_BYTES, state.violations);
    in.end();
    return state;
  }

  private void readPeers(SimReader in, GuestRoom room) throws MigrationException {
    List<PlacedRegion> peers = room.peers();
    int count = in.u32("peers", 0, SimRegisters.PEERS);
    for (int peer = 0; peer < count; peer++) {
      String id = in.text("peer", MAX_ID_BYTES);
      if (peer >= peers.size() || !peers.get(peer).deviceId().equals(id)) {
        throw incompatible(room, "writes to " + id + ", which is not there");
      }
      connectedTo[peer] = in.u64("set-up of a peer", 0, Integer.MAX_VALUE);
    }
    if (count != peers.size()) {
      throw incompatible(room, "writes to %d devices of %d".formatted(count, peers.size()));
    }
  }

  private static void readTexts(SimReader in, String name, int max, int maxBytes, List<String> into)
      throws MigrationException {
    int count = in.u32(name + "s", 0, max);
    for (int text = 0; text < count; text++) {
      into.add(in.text(name, maxBytes));
    }
  }

  private static MigrationException incompatible(GuestRoom room, String what) {
    return new MigrationException(
        DeviceError.DATA_INCOMPATIBLE, "the guest's device " + room.deviceId() + " " + what);
  }
}
