package io.vferry.vendor.mlx5.model;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The registers and counters of a virtual function, which the last image of a migration carries.
 * The card's lock guards it.
 */
final class Mlx5GuestCore {

  /** A request that was fetched and is not done. */
  record Request(long number, long payload) {}

  /** Where the function sends messages, and how many it sent. */
  static final class Peer {
    long address;
    long key;
    long sent;
  }

  private static final int VERSION = 1;

  /** As many as {@link Mlx5Ledger} has room for. */
  private static final int MAX_SENDERS = 128;

  static final int MAX_IN_FLIGHT = Mlx5GuestRegisters.RING_ENTRIES;

  long random;
  long control;
  long tag;
  long submissionRing;
  long completionRing;
  long doorbell;
  long fetched;
  long completed;
  long dmaBase;
  long[] sequences = new long[0];
  long dmaWrites;
  long requestsDone;
  long scratch;
  int irqCause;
  int irqPending;
  long messagesReceived;
  long messagesWhileStopped;
  long messageGaps;
  long dmaFaults;
  long badRequests;
  final Deque<Request> inFlight = new ArrayDeque<>();
  final Peer[] peers = new Peer[Mlx5GuestRegisters.PEERS];

  /** The number of the last message of each sender. */
  final Map<Long, Long> received = new TreeMap<>();

  Mlx5GuestCore(long seed) {
    this.random = Mlx5Pattern.mix(seed);
    for (int peer = 0; peer < peers.length; peer++) {
      peers[peer] = new Peer();
    }
  }

  boolean enabled() {
    return (control & 1) != 0;
  }

  private long[] scalars() {
    return new long[] {
      random,
      control,
      tag,
      submissionRing,
      completionRing,
      doorbell,
      fetched,
      completed,
      dmaBase,
      dmaWrites,
      requestsDone,
      scratch,
      irqCause,
      irqPending,
      messagesReceived,
      messagesWhileStopped,
      messageGaps,
      dmaFaults,
      badRequests
    };
  }

  byte[] encode() {
    long[] scalars = scalars();
    int longs = scalars.length + 1 + sequences.length + inFlight.size() * 2 + 1;
    longs += peers.length * 3 + 1 + received.size() * 2;
    ByteBuffer out = ByteBuffer.allocate(Integer.BYTES + longs * Long.BYTES);
    out.putInt(VERSION);
    put(out, scalars);
    out.putLong(sequences.length);
    put(out, sequences);
    out.putLong(inFlight.size());
    inFlight.forEach(request -> out.putLong(request.number).putLong(request.payload));
    for (Peer peer : peers) {
      out.putLong(peer.address).putLong(peer.key).putLong(peer.sent);
    }
    out.putLong(received.size());
    received.forEach((key, number) -> out.putLong(key).putLong(number));
    return out.array();
  }

  private static void put(ByteBuffer out, long[] values) {
    for (long value : values) {
      out.putLong(value);
    }
  }

  /** Reads what {@link #encode} wrote; returns null if it makes no sense. */
  static @Nullable Mlx5GuestCore decode(ByteBuffer in) {
    try {
      return in.getInt() == VERSION ? read(in) : null;
    } catch (BufferUnderflowException e) {
      return null;
    }
  }

  private static @Nullable Mlx5GuestCore read(ByteBuffer in) {
    Mlx5GuestCore core = new Mlx5GuestCore(0);
    core.random = in.getLong();
    core.control = in.getLong();
    core.tag = in.getLong();
    core.submissionRing = in.getLong();
    core.completionRing = in.getLong();
    core.doorbell = in.getLong();
    core.fetched = in.getLong();
    core.completed = in.getLong();
    core.dmaBase = in.getLong();
    core.dmaWrites = in.getLong();
    core.requestsDone = in.getLong();
    core.scratch = in.getLong();
    core.irqCause = (int) in.getLong();
    core.irqPending = (int) in.getLong();
    core.messagesReceived = in.getLong();
    core.messagesWhileStopped = in.getLong();
    core.messageGaps = in.getLong();
    core.dmaFaults = in.getLong();
    core.badRequests = in.getLong();
    long pages = in.getLong();
    if (pages < 0 || pages > Mlx5FunctionSettings.MAX_DMA_PAGES) {
      return null;
    }
    core.sequences = new long[(int) pages];
    for (int page = 0; page < pages; page++) {
      core.sequences[page] = in.getLong();
    }
    long requests = in.getLong();
    if (requests < 0 || requests > MAX_IN_FLIGHT) {
      return null;
    }
    for (int request = 0; request < requests; request++) {
      core.inFlight.add(new Request(in.getLong(), in.getLong()));
    }
    for (Peer peer : core.peers) {
      peer.address = in.getLong();
      peer.key = in.getLong();
      peer.sent = in.getLong();
    }
    long senders = in.getLong();
    if (senders < 0 || senders > MAX_SENDERS) {
      return null;
    }
    for (int sender = 0; sender < senders; sender++) {
      core.received.put(in.getLong(), in.getLong());
    }
    return in.hasRemaining() ? null : core;
  }

  /**
   * Notes a message's number; returns whether it is the next one of its sender. The first one of a
   * sender may have any number: the function may have been reset since that one began.
   */
  boolean received(long key, long number) {
    if (!received.containsKey(key) && received.size() >= MAX_SENDERS) {
      return false;
    }
    Long last = received.put(key, number);
    messagesReceived++;
    return last == null || number == last + 1;
  }
}
