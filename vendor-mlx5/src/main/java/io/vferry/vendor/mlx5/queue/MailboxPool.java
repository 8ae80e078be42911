package io.vferry.vendor.mlx5.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Mailbox blocks for reuse; they are mapped until the session ends. Any thread. */
final class MailboxPool {

  /** The kernel's alignment; the field needs 512. */
  private static final int STRIDE_BYTES = 1024;

  private static final int BLOCKS_AT_ONCE = 64;

  private final DmaArena arena;
  private final Deque<Mailbox> free = new ArrayDeque<>();
  private final List<DmaMemory> slabs = new ArrayList<>();

  MailboxPool(DmaArena arena) {
    this.arena = arena;
  }

  synchronized List<Mailbox> take(int count) throws CommandException {
    while (free.size() < count) {
      DmaMemory slab =
          arena.allocate((long) STRIDE_BYTES * Math.max(BLOCKS_AT_ONCE, count - free.size()));
      slabs.add(slab);
      for (long at = 0; at + STRIDE_BYTES <= slab.lengthBytes(); at += STRIDE_BYTES) {
        free.add(new Mailbox(slab.address() + at, slab.slice(at, Mailbox.BLOCK_BYTES)));
      }
    }
    List<Mailbox> taken = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      taken.add(free.remove());
    }
    return taken;
  }

  synchronized void giveBack(List<Mailbox> mailboxes) {
    // The last used first: its memory is still in the processor's cache.
    for (int i = mailboxes.size() - 1; i >= 0; i--) {
      free.push(mailboxes.get(i));
    }
  }

  synchronized void close() {
    slabs.forEach(arena::release);
    slabs.clear();
    free.clear();
  }
}
