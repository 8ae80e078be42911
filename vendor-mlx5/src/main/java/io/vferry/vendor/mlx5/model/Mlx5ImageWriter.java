package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;
import java.util.function.Supplier;

/** Writes the image of a function as it was when the SAVE began. */
final class Mlx5ImageWriter extends Mlx5ImageTransfer {

  /** Pages as they are to be saved: how often each of them was changed, and by whom. */
  static final class Pages {

    private final int[] numbers;
    private final int[] versions;
    private final long writer;

    Pages(int[] numbers, int[] versions, long writer) {
      this.numbers = numbers;
      this.versions = versions;
      this.writer = writer;
    }
  }

  private final ByteBuffer head;
  private final ByteBuffer coreAndTable;
  private final Pages pages;
  private final Supplier<Mlx5Step.Done> conclusion;
  private int next;

  /**
   * Creates a writer.
   *
   * @param conclusion what a complete image leads to; runs with the card's lock
   */
  Mlx5ImageWriter(
      Mlx5Command command,
      Mlx5Mkey mkey,
      Mlx5Iommu iommu,
      Mlx5Message head,
      byte[] coreAndTable,
      Pages pages,
      Supplier<Mlx5Step.Done> conclusion) {
    super(command, mkey, iommu);
    this.head = ByteBuffer.wrap(head.content());
    this.coreAndTable = ByteBuffer.wrap(coreAndTable);
    this.pages = pages;
    this.conclusion = conclusion;
  }

  @Override
  void begin() throws Mlx5Refusal {
    write(head);
    write(coreAndTable);
  }

  @Override
  int pagesLeft() {
    return pages.numbers.length - next;
  }

  @Override
  void pages(ByteBuffer buffer) throws Mlx5Refusal {
    while (buffer.hasRemaining()) {
      Mlx5Pattern.put(buffer, pages.writer, pages.numbers[next], pages.versions[next]);
      next++;
    }
    write(buffer.flip());
  }

  @Override
  void end() {
    damage();
  }

  @Override
  public Mlx5Step.Done settle() {
    return conclusion.get();
  }
}
