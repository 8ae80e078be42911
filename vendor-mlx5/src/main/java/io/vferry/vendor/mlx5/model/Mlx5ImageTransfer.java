package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.CommandStatus;
import java.nio.ByteBuffer;

/** The way of an image between a function and the memory behind a key, a piece at a time. */
abstract class Mlx5ImageTransfer implements Mlx5Step.Transfer {

  private static final int STAGING_PAGES = 64;
  private static final int STAGINGS_IN_A_PIECE = 4;

  private final Mlx5Command command;
  private final Mlx5Mkey mkey;
  private final Mlx5Iommu iommu;
  private final ByteBuffer staging =
      ByteBuffer.allocateDirect(STAGING_PAGES * Mlx5Pattern.PAGE_BYTES);
  private long at;
  private boolean begun;

  Mlx5ImageTransfer(Mlx5Command command, Mlx5Mkey mkey, Mlx5Iommu iommu) {
    this.command = command;
    this.mkey = mkey;
    this.iommu = iommu;
    this.at = command.in.qword(0x10);
  }

  @Override
  public final boolean move() throws Mlx5Refusal {
    Mlx5BadPage bad = Mlx5BadPage.of(command, mkey, iommu);
    try {
      if (!begun) {
        begun = true;
        begin();
      }
      for (int i = 0; i < STAGINGS_IN_A_PIECE && pagesLeft() > 0; i++) {
        int pages = Math.min(STAGING_PAGES, pagesLeft());
        pages(staging.clear().limit(pages * Mlx5Pattern.PAGE_BYTES));
      }
      if (pagesLeft() == 0) {
        end();
      }
      return pagesLeft() > 0;
    } finally {
      bad.repair();
    }
  }

  /** Moves all that precedes the pages. */
  abstract void begin() throws Mlx5Refusal;

  abstract int pagesLeft();

  /** Moves as many pages as a buffer has room for. */
  abstract void pages(ByteBuffer buffer) throws Mlx5Refusal;

  /** Does what is to be done behind the last page. */
  void end() {}

  /** Spoils a byte, if the command's faults say so. */
  final void damage() {
    command
        .fault(Mlx5Fault.Kind.DAMAGE_IMAGE)
        .map(fault -> command.in.qword(0x10) + fault.value())
        .filter(address -> mkey.covers(address, 1))
        .ifPresent(
            address -> {
              ByteBuffer one = ByteBuffer.allocate(1);
              if (mkey.read(iommu, address, one)) {
                mkey.write(iommu, address, one.put(0, (byte) ~one.get(0)).clear());
              }
            });
  }

  final void write(ByteBuffer from) throws Mlx5Refusal {
    int length = from.remaining();
    reached(mkey.write(iommu, at, from));
    at += length;
  }

  final void read(ByteBuffer into) throws Mlx5Refusal {
    int length = into.remaining();
    reached(mkey.read(iommu, at, into));
    at += length;
  }

  private static void reached(boolean there) throws Mlx5Refusal {
    if (!there) {
      throw new Mlx5Refusal(CommandStatus.INT_ERR, "a page of the buffer cannot be reached");
    }
  }
}
