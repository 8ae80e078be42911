package io.vferry.vendor.mlx5.model;

import java.util.zip.CRC32C;

/**
 * The head of an image, the model's own: no public source describes what the firmware writes. It
 * holds enough for a loss, a repetition, a change of order and a truncation to be found.
 *
 * @param identity of product, firmware and capabilities
 * @param chain one number for all images of a session, from a full one on
 * @param sequence place in the chain, from 0
 * @param previous check sum of the image before
 * @param lengthBytes of the whole image
 * @param pagesHere how many pages it carries
 * @param pagesInAll how many the function has
 * @param coreBytes of the function's registers, which only the last image carries
 * @param last whether the chain ends
 * @param writer of the pages
 * @param fingerprint of all pages once the chain has ended
 */
record Mlx5ImageHeader(
    long identity,
    long chain,
    int sequence,
    int previous,
    int lengthBytes,
    int pagesHere,
    int pagesInAll,
    int coreBytes,
    boolean last,
    long writer,
    long fingerprint) {

  static final int BYTES = 96;
  static final int TABLE_ENTRY_BYTES = 8;
  static final int PAGE_COST_BYTES = TABLE_ENTRY_BYTES + Mlx5Pattern.PAGE_BYTES;
  private static final long MAGIC = 0x4d4c_5835_464d_4947L;
  private static final int FORMAT = 1;
  private static final int CHECKSUM_AT = 0x5c;

  static long imageBytes(long pages, int coreBytes) {
    return BYTES + coreBytes + pages * PAGE_COST_BYTES;
  }

  /** Writes the header with the check sum of header, core and table. */
  Mlx5Message encode(byte[] coreAndTable) {
    Mlx5Message header = Mlx5Message.ofLength(BYTES);
    header.qword(0x00, MAGIC).dword(0x08, FORMAT).dword(0x0c, sequence);
    header.qword(0x10, identity).qword(0x18, chain).dword(0x20, previous);
    header.dword(0x24, lengthBytes).dword(0x28, pagesHere).dword(0x2c, pagesInAll);
    header.dword(0x30, coreBytes).dword(0x34, last ? 1 : 0).qword(0x38, writer);
    header.qword(0x40, fingerprint);
    return header.dword(CHECKSUM_AT, checksum(header, coreAndTable));
  }

  static int checksumOf(Mlx5Message header) {
    return header.dword(CHECKSUM_AT);
  }

  static int checksum(Mlx5Message header, byte[] coreAndTable) {
    CRC32C crc = new CRC32C();
    crc.update(header.content(), 0, CHECKSUM_AT);
    crc.update(coreAndTable);
    return (int) crc.getValue();
  }

  /** Reads a header; returns null if it is none. */
  static @org.jspecify.annotations.Nullable Mlx5ImageHeader decode(Mlx5Message header) {
    if (header.qword(0x00) != MAGIC || header.dword(0x08) != FORMAT) {
      return null;
    }
    return new Mlx5ImageHeader(
        header.qword(0x10),
        header.qword(0x18),
        header.dword(0x0c),
        header.dword(0x20),
        header.dword(0x24),
        header.dword(0x28),
        header.dword(0x2c),
        header.dword(0x30),
        header.dword(0x34) == 1,
        header.qword(0x38),
        header.qword(0x40));
  }
}
