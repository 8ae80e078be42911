package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The reply to {@link Command#DEVICE_GET_REGION_IO_FDS}: parts of a region that files stand for.
 *
 * @param argsz size of the whole reply as {@link #put} writes it, in bytes; if the client did not
 *     get the whole, the size to ask again with
 * @param index which region, unsigned
 * @param layout how the parts are laid out
 * @param parts those that came
 */
public record RegionIoFdsMessage(int argsz, int index, Layout layout, List<Part> parts)
    implements Payload {

  /** A write to the part signals an event counter. */
  public static final int TYPE_IOEVENTFD = 0;

  /** Accesses to the part go to a file as messages. */
  public static final int TYPE_IOREGIONFD = 1;

  /** As {@link #TYPE_IOEVENTFD}, with memory beside it that is written first; libvfio-user only. */
  public static final int TYPE_IOEVENTFD_SHADOW = 2;

  private static final int SIZEOF = 16;
  private static final int ARGSZ = 0;
  private static final int FLAGS = 4;
  private static final int INDEX = 8;
  private static final int COUNT = 12;

  private static final int PART_OFFSET = 0;
  private static final int PART_SIZE = 8;
  private static final int PART_FD_INDEX = 16;
  private static final int PART_TYPE = 20;
  private static final int PART_FLAGS = 24;
  private static final int PART_DATAMATCH = 32;
  private static final int PART_SHADOW_FD_INDEX = 28;
  private static final int PART_SHADOW_OFFSET = 32;
  private static final int PART_SHADOW_DATAMATCH = 40;

  /** How a part is laid out: peers differ. */
  public enum Layout {
    /** As in the specification. */
    SPECIFICATION(40),
    /** As in libvfio-user, with room for memory beside the event counter. */
    LIBVFIO_USER(48);

    private final int partBytes;

    Layout(int partBytes) {
      this.partBytes = partBytes;
    }
  }

  /**
   * A part of the region.
   *
   * @param offset from the start of the region, unsigned
   * @param size bytes, unsigned
   * @param fdIndex which of the files of the message stands for it, unsigned
   * @param type {@link #TYPE_IOEVENTFD} and so on
   * @param flags bit 0: only the value in {@code datamatch} signals
   * @param shadowFdIndex which file is the memory beside it; 0 in {@link Layout#SPECIFICATION}
   * @param shadowOffset where in that file it begins; 0 in {@link Layout#SPECIFICATION}
   * @param datamatch the value, or what a message carries for the user
   */
  public record Part(
      long offset,
      long size,
      int fdIndex,
      int type,
      int flags,
      int shadowFdIndex,
      long shadowOffset,
      long datamatch) {}

  /**
   * What the client asks.
   *
   * @param argsz the largest reply it takes, in bytes
   * @param index which region, unsigned
   */
  public record Question(int argsz, int index) implements Payload {

    /**
     * Reads the payload of the command.
     *
     * @throws MalformedMessageException if it is not as specified
     */
    public static Question decode(ByteBuffer payload) throws MalformedMessageException {
      PayloadReader in = PayloadReader.atLeast(Command.DEVICE_GET_REGION_IO_FDS, payload, SIZEOF);
      if (in.i32(FLAGS) != 0) {
        throw in.malformed("flags 0x%x are not 0".formatted(in.i32(FLAGS)));
      }
      return new Question(in.argsz(SIZEOF), in.i32(INDEX));
    }

    @Override
    public int sizeBytes() {
      return SIZEOF;
    }

    @Override
    public void put(ByteBuffer out) {
      out.putInt(argsz).putInt(0).putInt(index).putInt(0);
    }
  }

  /** Creates a reply; the list is copied. */
  public RegionIoFdsMessage {
    parts = List.copyOf(parts);
  }

  /** Returns a reply that is whole. */
  public static RegionIoFdsMessage of(int index, Layout layout, List<Part> parts) {
    return new RegionIoFdsMessage(SIZEOF + parts.size() * layout.partBytes, index, layout, parts);
  }

  /** Returns what a client gets that does not take the whole: no parts, and the size to ask for. */
  public RegionIoFdsMessage upTo(int largestBytes) {
    return argsz <= largestBytes ? this : new RegionIoFdsMessage(argsz, index, layout, List.of());
  }

  /** Whether the client has to ask again, with {@link #argsz()}. */
  public boolean truncated() {
    return argsz > sizeBytes();
  }

  /**
   * Reads the payload of the reply, in either layout: the size tells.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static RegionIoFdsMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_GET_REGION_IO_FDS, payload, SIZEOF);
    int argsz = in.argsz(SIZEOF);
    int index = in.i32(INDEX);
    if (argsz > in.sizeBytes()) {
      return new RegionIoFdsMessage(argsz, index, Layout.SPECIFICATION, List.of());
    }
    int count =
        in.upTo(
            COUNT,
            (in.sizeBytes() - SIZEOF) / Layout.SPECIFICATION.partBytes,
            "the number of parts");
    int stride = count == 0 ? Layout.SPECIFICATION.partBytes : (argsz - SIZEOF) / count;
    Layout layout =
        stride >= Layout.LIBVFIO_USER.partBytes ? Layout.LIBVFIO_USER : Layout.SPECIFICATION;
    if (stride < layout.partBytes) {
      throw in.malformed("%d parts do not fit into argsz %d".formatted(count, argsz));
    }
    List<Part> parts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      parts.add(part(in, SIZEOF + i * stride, layout));
    }
    return of(index, layout, parts);
  }

  private static Part part(PayloadReader in, int at, Layout layout) {
    boolean shadow = layout == Layout.LIBVFIO_USER;
    return new Part(
        in.i64(at + PART_OFFSET),
        in.i64(at + PART_SIZE),
        in.i32(at + PART_FD_INDEX),
        in.i32(at + PART_TYPE),
        in.i32(at + PART_FLAGS),
        shadow ? in.i32(at + PART_SHADOW_FD_INDEX) : 0,
        shadow ? in.i64(at + PART_SHADOW_OFFSET) : 0,
        in.i64(at + (shadow ? PART_SHADOW_DATAMATCH : PART_DATAMATCH)));
  }

  @Override
  public int sizeBytes() {
    return SIZEOF + parts.size() * layout.partBytes;
  }

  @Override
  public void put(ByteBuffer out) {
    int start = out.position();
    out.putInt(start + ARGSZ, argsz)
        .putInt(start + FLAGS, 0)
        .putInt(start + INDEX, index)
        .putInt(start + COUNT, parts.size())
        .position(start + SIZEOF);
    for (Part part : parts) {
      out.putLong(part.offset)
          .putLong(part.size)
          .putInt(part.fdIndex)
          .putInt(part.type)
          .putInt(part.flags)
          .putInt(part.shadowFdIndex);
      if (layout == Layout.LIBVFIO_USER) {
        out.putLong(part.shadowOffset);
      }
      out.putLong(part.datamatch);
    }
  }
}
