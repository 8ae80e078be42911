package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.CommandStatus;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the host made on the card: protection domains, doorbell pages, memory keys, queues. The
 * card's lock guards it. Layouts: Linux 6.12, {@code include/linux/mlx5/mlx5_ifc.h}.
 */
final class Mlx5Resources {

  static final int FIRST_UAR = 16;
  static final int UARS = 240;
  private static final int MAX_OBJECTS = 4096;
  private static final int LIST_AT = 0x110;
  private static final int ACCESS_MODE_MTT = 1;

  private final Mlx5Assumptions assumptions;
  private final int vectors;
  private final BitSet uars = new BitSet();
  private final BitSet domains = new BitSet();
  private final Map<Integer, Mlx5Mkey> keys = new TreeMap<>();
  private final Map<Integer, Mlx5EventQueue> eventQueues = new TreeMap<>();
  private final Map<Integer, Mlx5CompletionQueue> completionQueues = new TreeMap<>();
  private final Map<Integer, Mlx5QueuePair> queuePairs = new TreeMap<>();
  private int next = 0x100;

  Mlx5Resources(Mlx5Assumptions assumptions, int vectors) {
    this.assumptions = assumptions;
    this.vectors = vectors;
  }

  void reset() {
    uars.clear();
    domains.clear();
    keys.clear();
    eventQueues.clear();
    completionQueues.clear();
    queuePairs.clear();
  }

  int count() {
    return domains.cardinality()
        + keys.size()
        + eventQueues.size()
        + completionQueues.size()
        + queuePairs.size();
  }

  Iterable<Mlx5EventQueue> eventQueues() {
    return eventQueues.values();
  }

  @Nullable Mlx5EventQueue eventQueue(int number) {
    return eventQueues.get(number);
  }

  @Nullable Mlx5CompletionQueue completionQueue(int number) {
    return completionQueues.get(number);
  }

  @Nullable Mlx5QueuePair queuePair(int number) {
    return queuePairs.get(number);
  }

  boolean hasUar(int uar) {
    return uars.get(uar);
  }

  /** Returns the memory behind a key, checked for the use that is made of it. */
  Mlx5Mkey memory(int key, long address, long lengthBytes, boolean written) throws Mlx5Refusal {
    Mlx5Mkey mkey = keys.get(key >>> 8);
    if (mkey == null || mkey.keyByte != (key & 0xff)) {
      throw assumptions.refusal(Mlx5Assumption.BAD_MKEY, "no memory key is 0x%x".formatted(key));
    }
    if (written ? !mkey.localWrite : !mkey.localRead) {
      throw assumptions.refusal(Mlx5Assumption.BAD_MKEY, "the memory key lacks the right");
    }
    if (!mkey.covers(address, lengthBytes)) {
      throw assumptions.refusal(
          Mlx5Assumption.BEYOND_MKEY,
          "%d bytes at 0x%x are beyond the memory key of %d bytes"
              .formatted(lengthBytes, address, mkey.lengthBytes));
    }
    return mkey;
  }

  private int number() throws Mlx5Refusal {
    if (count() >= MAX_OBJECTS) {
      throw new Mlx5Refusal(CommandStatus.NO_RES, "there are too many objects");
    }
    next = (next + 1) & 0xff_ffff;
    while (keys.containsKey(next)
        || completionQueues.containsKey(next)
        || queuePairs.containsKey(next)
        || domains.get(next)) {
      next = Math.max(0x100, (next + 1) & 0xff_ffff);
    }
    return next;
  }

  Mlx5Step allocPd() throws Mlx5Refusal {
    int pd = number();
    domains.set(pd);
    return numbered(pd);
  }

  Mlx5Step deallocPd(Mlx5Message in) throws Mlx5Refusal {
    int pd = in.field(8, 23, 0);
    known(domains.get(pd), "protection domain", pd);
    boolean used =
        keys.values().stream().anyMatch(key -> key.pd == pd)
            || queuePairs.values().stream().anyMatch(pair -> pair.pd == pd);
    if (used) {
      throw new Mlx5Refusal(CommandStatus.BAD_RES_STATE, "the protection domain is in use");
    }
    domains.clear(pd);
    return Mlx5Step.done();
  }

  Mlx5Step allocUar() throws Mlx5Refusal {
    int uar = uars.nextClearBit(FIRST_UAR);
    if (uar >= FIRST_UAR + UARS) {
      throw new Mlx5Refusal(CommandStatus.NO_RES, "there is no doorbell page left");
    }
    uars.set(uar);
    return numbered(uar);
  }

  Mlx5Step deallocUar(Mlx5Message in) throws Mlx5Refusal {
    int uar = in.field(8, 23, 0);
    known(uars.get(uar), "doorbell page", uar);
    uars.clear(uar);
    return Mlx5Step.done();
  }

  private static Mlx5Step numbered(int number) {
    return Mlx5Step.done(Mlx5Message.ofLength(16).field(8, 23, 0, number));
  }

  private static void known(boolean there, String what, int number) throws Mlx5Refusal {
    if (!there) {
      throw new Mlx5Refusal(CommandStatus.BAD_RES, "there is no %s 0x%x".formatted(what, number));
    }
  }

  Mlx5Step createMkey(Mlx5Message in) throws Mlx5Refusal {
    long[] entries = list(in);
    int octwords = in.dword(0x60);
    long start = in.qword(0x20);
    long length = in.qword(0x28);
    int pageShift = in.field(0x48, 5, 0);
    int domain = in.field(0x1c, 23, 0);
    if (in.bit(0x10, 30)) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a free memory key cannot be created");
    }
    if (in.field(0x10, 28, 26) != 0 || in.field(0x10, 9, 8) != ACCESS_MODE_MTT) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "only translation tables are modelled");
    }
    if (in.bit(0x0c, 30) || in.bit(0x0c, 29)) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "registered memory is not modelled");
    }
    if (octwords * 2 != entries.length || in.dword(0x44) != octwords) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM,
          "%d entries follow and %d pairs were announced".formatted(entries.length, octwords));
    }
    if (pageShift < 12 || pageShift > 30 || length <= 0 || start < 0) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "page size or length is out of range");
    }
    long pages = ((length - 1) >>> pageShift) + 1;
    if (pages > entries.length || pages < entries.length - 1) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM,
          "%d bytes need %d pages, and %d entries follow".formatted(length, pages, entries.length));
    }
    if (!domains.get(domain)) {
      throw new Mlx5Refusal(CommandStatus.BAD_RES, "there is no protection domain " + domain);
    }
    boolean accessBits = in.bit(0x0c, 31);
    for (int page = 0; page < pages; page++) {
      if (accessBits) {
        entries[page] &= ~3L;
      }
      if ((entries[page] & ((1L << pageShift) - 1)) != 0) {
        throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a page is not aligned");
      }
    }
    int index = number();
    keys.put(
        index,
        new Mlx5Mkey(
            in.field(0x14, 7, 0),
            domain,
            in.bit(0x10, 11),
            in.bit(0x10, 10),
            start,
            length,
            pageShift,
            entries));
    return numbered(index);
  }

  Mlx5Step destroyMkey(Mlx5Message in) throws Mlx5Refusal {
    int index = in.field(8, 23, 0);
    known(keys.remove(index) != null, "memory key", index);
    return Mlx5Step.done();
  }

  Mlx5Step createEq(Mlx5Message in) throws Mlx5Refusal {
    int logSize = in.field(0x1c, 28, 24);
    int uar = in.field(0x1c, 23, 0);
    int vector = in.field(0x24, 11, 0);
    int pageShift = 12 + in.field(0x28, 28, 24);
    known(uars.get(uar), "doorbell page", uar);
    if (logSize > 16 || vector >= vectors || pageShift > 30) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "size or vector is out of range");
    }
    long[] mask = {in.qword(0x58), in.qword(0x60), in.qword(0x68), in.qword(0x70)};
    int number = 1;
    while (eventQueues.containsKey(number)) {
      number++;
    }
    if (number > 0xff) {
      throw new Mlx5Refusal(CommandStatus.NO_RES, "there are too many event queues");
    }
    long[] pages = pages(in, Mlx5EventQueue.bytes(logSize), pageShift);
    eventQueues.put(
        number, new Mlx5EventQueue(number, uar, vector, mask, logSize, pageShift, pages));
    return Mlx5Step.done(Mlx5Message.ofLength(16).field(8, 7, 0, number));
  }

  Mlx5Step destroyEq(Mlx5Message in) throws Mlx5Refusal {
    int number = in.field(8, 7, 0);
    known(eventQueues.remove(number) != null, "event queue", number);
    return Mlx5Step.done();
  }

  Mlx5Step createCq(Mlx5Message in) throws Mlx5Refusal {
    int logSize = in.field(0x1c, 28, 24);
    int eqn = in.dword(0x24);
    int pageShift = 12 + in.field(0x28, 28, 24);
    int uar = in.field(0x1c, 23, 0);
    known(uars.get(uar), "doorbell page", uar);
    known(eventQueues.containsKey(eqn), "event queue", eqn);
    if (in.field(0x10, 23, 21) != 0 || logSize > 16 || pageShift > 30) {
      throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "size is out of range");
    }
    long[] pages = pages(in, Mlx5CompletionQueue.bytes(logSize), pageShift);
    int number = number();
    completionQueues.put(
        number, new Mlx5CompletionQueue(number, eqn, logSize, pageShift, pages, in.qword(0x48)));
    return numbered(number);
  }

  Mlx5Step destroyCq(Mlx5Message in) throws Mlx5Refusal {
    int number = in.field(8, 23, 0);
    known(completionQueues.containsKey(number), "completion queue", number);
    if (queuePairs.values().stream().anyMatch(pair -> pair.receiveCq == number)) {
      throw new Mlx5Refusal(CommandStatus.BAD_RES_STATE, "the completion queue is in use");
    }
    completionQueues.remove(number);
    return Mlx5Step.done();
  }

  Mlx5Step createQp(Mlx5Message in) throws Mlx5Refusal {
    int domain = in.field(0x1c, 23, 0);
    int uar = in.field(0x24, 23, 0);
    int cq = in.field(0xb4, 23, 0);
    int logSize = in.field(0x20, 22, 19);
    int logStride = 4 + in.field(0x20, 18, 16);
    int pageShift = 12 + in.field(0x2c, 28, 24);
    boolean receives = in.field(0xc4, 26, 24) == 0;
    known(domains.get(domain), "protection domain", domain);
    known(uars.get(uar), "doorbell page", uar);
    known(completionQueues.containsKey(cq), "completion queue", cq);
    if (in.field(0x18, 23, 16) != 0 || !in.bit(0x20, 15) || pageShift > 30) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM, "only reliable connections without a send queue are modelled");
    }
    long[] pages =
        receives ? pages(in, Math.max(1 << logSize << logStride, 1), pageShift) : new long[0];
    int number = number();
    queuePairs.put(
        number,
        new Mlx5QueuePair(
            number, domain, cq, logSize, logStride, pageShift, pages, in.qword(0xb8)));
    return numbered(number);
  }

  /** Moves a queue pair one state on. */
  Mlx5Step modifyQp(Mlx5Message in, Mlx5QueuePair.State to) throws Mlx5Refusal {
    int number = in.field(8, 23, 0);
    Mlx5QueuePair pair = queuePairs.get(number);
    if (pair == null) {
      throw new Mlx5Refusal(CommandStatus.BAD_RES, "there is no queue pair " + number);
    }
    if (pair.state.ordinal() + 1 != to.ordinal()) {
      throw new Mlx5Refusal(CommandStatus.BAD_QP_STATE, "the queue pair is in " + pair.state);
    }
    if (to == Mlx5QueuePair.State.READY_TO_RECEIVE) {
      int remote = in.field(0x2c, 23, 0);
      known(queuePairs.containsKey(remote), "remote queue pair", remote);
      pair.remote = remote;
    }
    pair.state = to;
    return Mlx5Step.done();
  }

  Mlx5Step destroyQp(Mlx5Message in) throws Mlx5Refusal {
    int number = in.field(8, 23, 0);
    known(queuePairs.remove(number) != null, "queue pair", number);
    return Mlx5Step.done();
  }

  private static long[] list(Mlx5Message in) throws Mlx5Refusal {
    int bytes = in.lengthBytes() - LIST_AT;
    if (bytes <= 0 || bytes % Long.BYTES != 0) {
      throw new Mlx5Refusal(CommandStatus.BAD_INP_LEN, "no whole list of pages follows");
    }
    long[] entries = new long[bytes / Long.BYTES];
    for (int entry = 0; entry < entries.length; entry++) {
      entries[entry] = in.qword(LIST_AT + entry * Long.BYTES);
    }
    return entries;
  }

  private static long[] pages(Mlx5Message in, int bytes, int pageShift) throws Mlx5Refusal {
    long[] pages = list(in);
    if (pages.length < ((bytes - 1) >>> pageShift) + 1) {
      throw new Mlx5Refusal(
          CommandStatus.BAD_PARAM,
          "%d bytes do not fit into %d pages".formatted(bytes, pages.length));
    }
    for (long page : pages) {
      if ((page & (Mlx5Iommu.PAGE_BYTES - 1)) != 0) {
        throw new Mlx5Refusal(CommandStatus.BAD_PARAM, "a page is not aligned");
      }
    }
    return pages;
  }
}
