package io.vferry.vendor.mlx5.queue;

import io.vferry.vendor.mlx5.command.Command;
import io.vferry.vendor.mlx5.command.GivePages;
import io.vferry.vendor.mlx5.command.TakePages;
import io.vferry.vendor.mlx5.command.Words;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Serves the firmware's requests for pages one after the other, in the slot kept for them. Source:
 * Linux 6.12, {@code drivers/net/ethernet/mellanox/mlx5/core/pagealloc.c}. Guarded by the lock of
 * the command queue.
 */
final class PageTraffic {

  private static final int MOST_WAITING = 1024;

  private record Request(int functionId, int count) {}

  private final FirmwarePages pages;
  private final Deque<Request> waiting = new ArrayDeque<>();
  private @Nullable Flight<?> flight;
  private @Nullable Request served;
  private List<Long> offered = List.of();

  PageTraffic(FirmwarePages pages) {
    this.pages = pages;
  }

  /** Notes a page request event. */
  void requested(Words data) {
    int functionId = data.bits(0x0, 15, 0);
    if (data.bit(0x0, 16 + 14)) {
      pages.returnedAll(functionId);
      return;
    }
    int count = data.dword(0x4);
    // A firmware that asks a thousand times without waiting is broken; it gets no more memory.
    if (count != 0 && waiting.size() < MOST_WAITING) {
      waiting.add(new Request(functionId, count));
    }
  }

  /** Returns the command that serves the next request, if one waits and none is under way. */
  @Nullable Command<?> next() {
    if (flight != null) {
      return null;
    }
    Request request = waiting.poll();
    if (request == null) {
      return null;
    }
    served = request;
    if (request.count < 0) {
      // The number is negated as a long: the least int has no positive twin.
      long wanted = Math.min(-(long) request.count, FirmwarePages.MOST_AT_ONCE);
      return new TakePages(request.functionId, (int) wanted);
    }
    try {
      offered = pages.take(request.count);
    } catch (CommandException e) {
      offered = List.of();
    }
    return new GivePages(request.functionId, offered);
  }

  void sent(Flight<?> now) {
    flight = now;
  }

  /** Looks whether the command is answered. */
  void poll() {
    Flight<?> now = flight;
    Request request = served;
    if (now == null || request == null || !now.done()) {
      return;
    }
    flight = null;
    served = null;
    if (now.failure() != null) {
      // Pages whose fate is unknown are not used for anything else.
      if (now.failure().unchanged()) {
        pages.giveBack(offered);
      }
    } else if (now.command() instanceof TakePages && now.answer() instanceof List<?> came) {
      pages.returned(request.functionId, came.stream().map(Long.class::cast).toList());
    } else {
      pages.lend(request.functionId, offered);
    }
    offered = List.of();
  }
}
