package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.VfioUapi.CapHeader;
import io.vferry.host.linux.VfioUapi.RegionInfo;
import io.vferry.host.linux.VfioUapi.SparseMmap;
import io.vferry.host.linux.VfioUapi.SparseMmapArea;
import io.vferry.host.linux.user.wire.RegionCapability.Area;
import io.vferry.host.linux.user.wire.RegionCapability.FdArea;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The reply to {@link Command#DEVICE_GET_REGION_INFO}.
 *
 * @param argsz size of the whole description as {@link #put} writes it, in bytes; if the client did
 *     not get the whole, the size to ask again with
 * @param flags {@code VFIO_REGION_INFO_FLAG_*}; that of capabilities belongs to the encoding and is
 *     not here
 * @param index which region
 * @param size bytes, unsigned; 0 if the device has no such region
 * @param offset where in its file a region begins that can be mapped, unsigned
 * @param capabilities those that came
 */
public record RegionInfoMessage(
    int argsz, int flags, int index, long size, long offset, List<RegionCapability> capabilities)
    implements Payload {

  /** {@code VFIO_REGION_INFO_FLAG_READ}. */
  public static final int READ = VfioUapi.VFIO_REGION_INFO_FLAG_READ;

  /** {@code VFIO_REGION_INFO_FLAG_WRITE}. */
  public static final int WRITE = VfioUapi.VFIO_REGION_INFO_FLAG_WRITE;

  /** {@code VFIO_REGION_INFO_FLAG_MMAP}. */
  public static final int MMAP = VfioUapi.VFIO_REGION_INFO_FLAG_MMAP;

  private static final int CAP_TYPE = 2;
  private static final int CAP_SPARSE_MMAP_FDS = 16;
  private static final int CAP_VERSION = 1;

  private static final int TYPE_SIZEOF = 16;
  private static final int TYPE_TYPE = 8;
  private static final int TYPE_SUBTYPE = 12;

  private static final int FD_AREA_SIZEOF = 32;
  private static final int FD_AREA_OFFSET = 0;
  private static final int FD_AREA_FD_OFFSET = 8;
  private static final int FD_AREA_SIZE = 16;
  private static final int FD_AREA_FD_INDEX = 24;

  /**
   * What the client asks.
   *
   * @param argsz the largest description it takes, in bytes
   * @param index which region, unsigned
   */
  public record Question(int argsz, int index) implements Payload {

    /**
     * Reads the payload of the command.
     *
     * @throws MalformedMessageException if it is not as specified
     */
    public static Question decode(ByteBuffer payload) throws MalformedMessageException {
      PayloadReader in =
          PayloadReader.atLeast(Command.DEVICE_GET_REGION_INFO, payload, RegionInfo.SIZEOF);
      return new Question(in.argsz(RegionInfo.SIZEOF), in.i32(RegionInfo.INDEX));
    }

    @Override
    public int sizeBytes() {
      return RegionInfo.SIZEOF;
    }

    @Override
    public void put(ByteBuffer out) {
      new RegionInfoMessage(argsz, 0, index, 0, 0, List.of()).putFixed(out, 0, 0);
    }
  }

  /** Creates a description; the list is copied. */
  public RegionInfoMessage {
    capabilities = List.copyOf(capabilities);
  }

  /** Returns a description that is whole. */
  public static RegionInfoMessage of(
      int flags, int index, long size, long offset, List<RegionCapability> capabilities) {
    int argsz = RegionInfo.SIZEOF + capabilities.stream().mapToInt(RegionInfoMessage::bytes).sum();
    return new RegionInfoMessage(argsz, flags, index, size, offset, capabilities);
  }

  /**
   * Returns what a client gets that does not take the whole: the same without capabilities, with
   * the size to ask for.
   */
  public RegionInfoMessage upTo(int largestBytes) {
    return argsz <= largestBytes
        ? this
        : new RegionInfoMessage(argsz, flags, index, size, offset, List.of());
  }

  /** Whether the client has to ask again, with {@link #argsz()}. */
  public boolean truncated() {
    return argsz > sizeBytes();
  }

  /**
   * Reads the payload of the reply.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static RegionInfoMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in =
        PayloadReader.atLeast(Command.DEVICE_GET_REGION_INFO, payload, RegionInfo.SIZEOF);
    int argsz = in.argsz(RegionInfo.SIZEOF);
    int flags = in.i32(RegionInfo.FLAGS);
    int index = in.i32(RegionInfo.INDEX);
    long size = in.i64(RegionInfo.SIZE);
    long offset = in.i64(RegionInfo.OFFSET);
    int plain = flags & ~VfioUapi.VFIO_REGION_INFO_FLAG_CAPS;
    if (argsz > in.sizeBytes()) {
      return new RegionInfoMessage(argsz, plain, index, size, offset, List.of());
    }
    return of(plain, index, size, offset, flags == plain ? List.of() : chain(in));
  }

  private static List<RegionCapability> chain(PayloadReader in) throws MalformedMessageException {
    List<RegionCapability> found = new ArrayList<>();
    int before = RegionInfo.SIZEOF - 1;
    int at = in.i32(RegionInfo.CAP_OFFSET);
    while (at != 0) {
      // Each one lies behind the one before, so that the chain has an end.
      if (at <= before || at > in.sizeBytes() - CapHeader.SIZEOF) {
        throw in.malformed("a capability at byte %d of %d cannot be".formatted(at, in.sizeBytes()));
      }
      found.add(capability(in, at));
      before = at;
      at = in.i32(at + CapHeader.NEXT);
    }
    return found;
  }

  private static RegionCapability capability(PayloadReader in, int at)
      throws MalformedMessageException {
    int id = in.u16(at + CapHeader.ID);
    int version = in.u16(at + CapHeader.VERSION);
    if (version == CAP_VERSION) {
      switch (id) {
        case VfioUapi.VFIO_REGION_INFO_CAP_SPARSE_MMAP -> {
          List<Area> areas = new ArrayList<>();
          int count = areas(in, at, SparseMmapArea.SIZEOF);
          for (int i = 0; i < count; i++) {
            int area = at + SparseMmap.AREAS + i * SparseMmapArea.SIZEOF;
            areas.add(
                new Area(in.i64(area + SparseMmapArea.OFFSET), in.i64(area + SparseMmapArea.SIZE)));
          }
          return new RegionCapability.SparseMmap(areas);
        }
        case CAP_SPARSE_MMAP_FDS -> {
          List<FdArea> areas = new ArrayList<>();
          int count = areas(in, at, FD_AREA_SIZEOF);
          for (int i = 0; i < count; i++) {
            int area = at + SparseMmap.AREAS + i * FD_AREA_SIZEOF;
            areas.add(
                new FdArea(
                    in.i64(area + FD_AREA_OFFSET),
                    in.i64(area + FD_AREA_FD_OFFSET),
                    in.i64(area + FD_AREA_SIZE),
                    in.i32(area + FD_AREA_FD_INDEX)));
          }
          return new RegionCapability.SparseMmapFds(areas);
        }
        case CAP_TYPE -> {
          if (at > in.sizeBytes() - TYPE_SIZEOF) {
            throw in.malformed("the capability 'type' is cut off");
          }
          return new RegionCapability.Type(in.i32(at + TYPE_TYPE), in.i32(at + TYPE_SUBTYPE));
        }
        default -> {
          return new RegionCapability.Unknown(id, version);
        }
      }
    }
    return new RegionCapability.Unknown(id, version);
  }

  private static int areas(PayloadReader in, int at, int areaBytes)
      throws MalformedMessageException {
    if (at > in.sizeBytes() - SparseMmap.SIZEOF) {
      throw in.malformed("the list of parts that can be mapped is cut off");
    }
    return in.upTo(
        at + SparseMmap.NR_AREAS,
        (in.sizeBytes() - at - SparseMmap.SIZEOF) / areaBytes,
        "the number of parts that can be mapped");
  }

  private static int bytes(RegionCapability capability) {
    if (capability instanceof RegionCapability.SparseMmap sparse) {
      return SparseMmap.SIZEOF + sparse.areas().size() * SparseMmapArea.SIZEOF;
    }
    if (capability instanceof RegionCapability.SparseMmapFds sparse) {
      return SparseMmap.SIZEOF + sparse.areas().size() * FD_AREA_SIZEOF;
    }
    return capability instanceof RegionCapability.Type ? TYPE_SIZEOF : CapHeader.SIZEOF;
  }

  @Override
  public int sizeBytes() {
    return RegionInfo.SIZEOF + capabilities.stream().mapToInt(RegionInfoMessage::bytes).sum();
  }

  @Override
  public void put(ByteBuffer out) {
    int start = out.position();
    boolean any = !capabilities.isEmpty();
    putFixed(out, any ? VfioUapi.VFIO_REGION_INFO_FLAG_CAPS : 0, any ? RegionInfo.SIZEOF : 0);
    for (int i = 0; i < capabilities.size(); i++) {
      RegionCapability capability = capabilities.get(i);
      int end = out.position() + bytes(capability);
      put(out, capability, i + 1 < capabilities.size() ? end - start : 0);
      out.position(end);
    }
  }

  private void putFixed(ByteBuffer out, int moreFlags, int capOffset) {
    int at = out.position();
    out.putInt(at + RegionInfo.ARGSZ, argsz)
        .putInt(at + RegionInfo.FLAGS, flags | moreFlags)
        .putInt(at + RegionInfo.INDEX, index)
        .putInt(at + RegionInfo.CAP_OFFSET, capOffset)
        .putLong(at + RegionInfo.SIZE, size)
        .putLong(at + RegionInfo.OFFSET, offset)
        .position(at + RegionInfo.SIZEOF);
  }

  private static void put(ByteBuffer out, RegionCapability capability, int next) {
    if (capability instanceof RegionCapability.SparseMmap sparse) {
      putHeader(out, VfioUapi.VFIO_REGION_INFO_CAP_SPARSE_MMAP, CAP_VERSION, next);
      out.putInt(sparse.areas().size()).putInt(0);
      for (Area area : sparse.areas()) {
        out.putLong(area.offset()).putLong(area.size());
      }
    } else if (capability instanceof RegionCapability.SparseMmapFds sparse) {
      putHeader(out, CAP_SPARSE_MMAP_FDS, CAP_VERSION, next);
      out.putInt(sparse.areas().size()).putInt(0);
      for (FdArea area : sparse.areas()) {
        out.putLong(area.offset())
            .putLong(area.fdOffset())
            .putLong(area.size())
            .putInt(area.fdIndex())
            .putInt(0);
      }
    } else if (capability instanceof RegionCapability.Type type) {
      putHeader(out, CAP_TYPE, CAP_VERSION, next);
      out.putInt(type.type()).putInt(type.subtype());
    } else if (capability instanceof RegionCapability.Unknown unknown) {
      putHeader(out, unknown.id(), unknown.version(), next);
    }
  }

  private static void putHeader(ByteBuffer out, int id, int version, int next) {
    out.putShort((short) id).putShort((short) version).putInt(next);
  }
}
