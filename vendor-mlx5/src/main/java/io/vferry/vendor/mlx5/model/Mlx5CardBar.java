package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.InitSegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * BAR 0 of the physical function: the initialisation segment and the doorbell pages, big endian.
 * Layout: Linux 6.12, {@code include/linux/mlx5/device.h}, {@code struct mlx5_init_seg}.
 */
final class Mlx5CardBar extends Mlx5Region {

  static final int INDEX = 0;
  static final int BYTES = (Mlx5Resources.FIRST_UAR + Mlx5Resources.UARS) * Mlx5Iommu.PAGE_BYTES;
  private static final int CQ_DOORBELL = 0x20;
  private static final int EQ_DOORBELL_ARM = 0x40;
  private static final int EQ_DOORBELL = 0x48;
  private static final int TIME_IN_MILLIS = 0;
  private static final int INIT_TIMEOUT_MILLIS = 2000;
  private static final int MAX_TIME = 0xf_ffff;

  private final Mlx5Card card;
  private int addressHigh;
  private int completionCommand;

  Mlx5CardBar(Mlx5Card card) {
    super(INDEX, BYTES);
    this.card = card;
  }

  @Override
  void load(int offset, ByteBuffer into) {
    card.turn()
        .touch(
            () -> {
              for (int at = offset; into.hasRemaining(); at++) {
                into.put((byte) (card.alive() ? dword(at & ~3) >>> ((3 - (at & 3)) * 8) : 0xff));
              }
            });
  }

  private int dword(int offset) {
    String[] revision = card.settings().firmware.split("\\.", -1);
    return switch (offset) {
      case InitSegment.FW_REV -> number(revision, 1) << 16 | number(revision, 0);
      case InitSegment.CMDIF_REV_FW_SUB -> InitSegment.CMDIF_REV << 16 | number(revision, 2);
      case InitSegment.CMDQ_ADDR_LOW_SIZE ->
          card.queue().logSlots() << 4 | card.queue().logStride();
      case InitSegment.INITIALIZING -> card.initialising() ? 1 << 31 : 0;
      case InitSegment.HEALTH_FW_VER -> number(revision, 0) << 16 | number(revision, 1);
      case InitSegment.HEALTH_SYND -> card.healthSyndrome() << 16;
      case InitSegment.CMD_EXEC_TO -> commandTimeout();
      case InitSegment.CMD_Q_INIT_TO -> INIT_TIMEOUT_MILLIS;
      case InitSegment.INTERNAL_TIMER_HIGH -> (int) (card.clock().nanoTime() >>> 32);
      case InitSegment.INTERNAL_TIMER_HIGH + 4 -> (int) card.clock().nanoTime();
      case InitSegment.HEALTH_COUNTER -> card.healthSyndrome() << 24 | card.healthCounter();
      default -> 0;
    };
  }

  private static int number(String[] revision, int index) {
    return index < revision.length && revision[index].matches("[0-9]{1,4}")
        ? Integer.parseInt(revision[index])
        : 0;
  }

  private int commandTimeout() {
    long millis = card.settings().commandTimeoutMillis;
    return millis <= MAX_TIME
        ? TIME_IN_MILLIS << 29 | (int) millis
        : 1 << 29 | (int) Math.min(MAX_TIME, millis / 1000);
  }

  @Override
  void store(int offset, ByteBuffer from) {
    ByteBuffer bytes = from.slice().order(ByteOrder.BIG_ENDIAN);
    from.position(from.limit());
    if ((offset & 3) != 0 || (bytes.remaining() & 3) != 0) {
      // The device has no registers narrower than a dword.
      return;
    }
    for (int at = 0; at < bytes.limit(); at += Integer.BYTES) {
      store(offset + at, bytes.getInt(at));
    }
  }

  private void store(int offset, int value) {
    if (offset == InitSegment.CMD_DOORBELL) {
      card.doorbell(value);
      return;
    }
    card.store(
        card.iommu(),
        () -> {
          if (card.alive()) {
            set(offset, value);
          }
        });
  }

  private void set(int offset, int value) {
    int page = offset / Mlx5Iommu.PAGE_BYTES;
    if (offset == InitSegment.CMDQ_ADDR_HIGH) {
      addressHigh = value;
    } else if (offset == InitSegment.CMDQ_ADDR_LOW_SIZE) {
      card.queue().base((long) addressHigh << 32 | (value & 0xffff_f000L));
    } else if (card.resources().hasUar(page)) {
      switch (offset % Mlx5Iommu.PAGE_BYTES) {
        case EQ_DOORBELL_ARM -> card.eventsRead(page, value, true);
        case EQ_DOORBELL -> card.eventsRead(page, value, false);
        case CQ_DOORBELL -> completionCommand = value;
        case CQ_DOORBELL + 4 -> {
          int command = completionCommand;
          // The event, if one is due at once, goes to memory.
          card.soon(() -> card.armCompletions(command, value));
        }
        default -> {
          // The rest of a doorbell page is for queues that are not modelled.
        }
      }
    }
  }
}
