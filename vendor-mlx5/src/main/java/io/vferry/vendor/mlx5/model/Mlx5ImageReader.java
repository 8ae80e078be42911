package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;

/** Reads an image and compares each byte of it with what it has to be. */
final class Mlx5ImageReader extends Mlx5ImageTransfer {

  /** What a whole image leads to; runs with the card's lock. */
  @FunctionalInterface
  interface Conclusion {
    Mlx5Step.Done of(byte[] coreAndTable) throws Mlx5Refusal;
  }

  private final Mlx5Message head;
  private final Mlx5ImageHeader header;
  private final Mlx5Assumptions assumptions;
  private final Conclusion conclusion;
  private final byte[] coreAndTable;
  private final ByteBuffer table;
  private int left;

  /**
   * Creates a reader.
   *
   * @param head the header's bytes, read already
   * @param header what they say, its lengths known to be true
   */
  Mlx5ImageReader(
      Mlx5Command command,
      Mlx5Mkey mkey,
      Mlx5Iommu iommu,
      Mlx5Message head,
      Mlx5ImageHeader header,
      Mlx5Assumptions assumptions,
      Conclusion conclusion) {
    super(command, mkey, iommu);
    this.head = head;
    this.header = header;
    this.assumptions = assumptions;
    this.conclusion = conclusion;
    this.coreAndTable =
        new byte[header.coreBytes() + header.pagesHere() * Mlx5ImageHeader.TABLE_ENTRY_BYTES];
    this.table = ByteBuffer.wrap(coreAndTable).position(header.coreBytes());
    this.left = header.pagesHere();
  }

  @Override
  void begin() throws Mlx5Refusal {
    read(ByteBuffer.allocate(Mlx5ImageHeader.BYTES));
    read(ByteBuffer.wrap(coreAndTable));
    if (Mlx5ImageHeader.checksum(head, coreAndTable) != Mlx5ImageHeader.checksumOf(head)) {
      throw bad("the image is damaged");
    }
  }

  @Override
  int pagesLeft() {
    return left;
  }

  @Override
  void pages(ByteBuffer buffer) throws Mlx5Refusal {
    read(buffer);
    buffer.flip();
    while (buffer.hasRemaining()) {
      int page = table.getInt();
      if (page < 0 || page >= header.pagesInAll()) {
        throw bad("the image has a page that does not exist");
      }
      if (!Mlx5Pattern.matches(buffer, header.writer(), page, table.getInt())) {
        throw bad("page %d of the image is damaged".formatted(page));
      }
      left--;
    }
  }

  private Mlx5Refusal bad(String reason) {
    return assumptions.refusal(Mlx5Assumption.LOAD_BAD_IMAGE, reason);
  }

  @Override
  public Mlx5Step.Done settle() throws Mlx5Refusal {
    return conclusion.of(coreAndTable);
  }
}
