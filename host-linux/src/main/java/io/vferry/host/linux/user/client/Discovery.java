package io.vferry.host.linux.user.client;

import io.vferry.host.linux.IrqControl.IrqLayout;
import io.vferry.host.linux.RegionMappings;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DeviceInfoMessage;
import io.vferry.host.linux.user.wire.IrqInfoMessage;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.RegionCapability;
import io.vferry.host.linux.user.wire.RegionInfoMessage;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.RegionInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a server says that its device has.
 *
 * @param regions by index; whoever discovers closes them
 * @param irqs by index, those that have vectors
 */
record Discovery(
    String server,
    ClientChannel channel,
    HostDeviceInfo info,
    Map<Integer, ClientRegion> regions,
    Map<Integer, IrqLayout> irqs,
    Optional<ClientMigration> migration) {

  private static final int PCI = 2;
  private static final int REGION_INFO_BYTES = 32;

  /** More than any description of a region with its capabilities takes. */
  private static final int LARGEST_REGION_INFO_BYTES = 1 << 20;

  /** {@code VFIO_REGION_TYPE_MIGRATION} and its only subtype, in Linux 5.8 to 5.17. */
  private static final RegionCapability.Type V1_MIGRATION = new RegionCapability.Type(3, 1);

  private static final int VENDOR_ID = 0;
  private static final int DEVICE_ID = 2;
  private static final int SUBSYSTEM_VENDOR_ID = 0x2c;
  private static final int SUBSYSTEM_ID = 0x2e;
  private static final int HEADER_BYTES = 0x40;

  private record Described(RegionInfoMessage info, List<Fd> files) {}

  /** Asks for everything; on failure nothing stays open but the channel. */
  static Discovery of(
      DeviceAddress address,
      ClientParameters parameters,
      ClientChannel channel,
      Agreement agreement,
      Optional<ClientMigration> migration)
      throws KernelError, MigrationException {
    String server = address.path();
    DeviceInfoMessage counts =
        channel.ask(
            Request.of(Command.DEVICE_GET_INFO, new DeviceInfoMessage(0, 0, 0)),
            incoming -> DeviceInfoMessage.decodeReply(incoming.body()));
    boolean pci = (counts.flags() & PCI) != 0;
    Map<Integer, ClientRegion> regions = new TreeMap<>();
    Map<String, String> properties = properties(parameters, agreement);
    boolean complete = false;
    try {
      for (int index = 0; index < counts.regions(); index++) {
        if (region(server, channel, agreement, pci, index, regions).contains(V1_MIGRATION)) {
          properties.put("v1-region", Integer.toString(index));
        }
      }
      Map<Integer, IrqLayout> irqs = new TreeMap<>();
      for (int index = 0; index < counts.irqs(); index++) {
        irq(channel, index, irqs);
      }
      HostDeviceInfo info =
          info(address, pci ? regions.get(RegionInfo.PCI_CONFIG) : null, migration, properties);
      complete = true;
      return new Discovery(server, channel, info, regions, irqs, migration);
    } finally {
      if (!complete) {
        regions.values().forEach(ClientRegion::close);
      }
    }
  }

  /**
   * Takes in a region, and returns what more is said about it. One that the server counts but
   * refuses to describe does not exist.
   */
  private static List<RegionCapability> region(
      String server,
      ClientChannel channel,
      Agreement agreement,
      boolean pci,
      int index,
      Map<Integer, ClientRegion> regions)
      throws MigrationException, KernelError {
    Described described;
    try {
      described = describe(channel, index, REGION_INFO_BYTES);
      if (described.info.truncated()) {
        described.files.forEach(Fd::close);
        described =
            describe(channel, index, Math.min(described.info.argsz(), LARGEST_REGION_INFO_BYTES));
      }
    } catch (KernelError e) {
      if (e.errno() == Errno.EINVAL) {
        return List.of();
      }
      throw e;
    }
    RegionInfoMessage info = described.info;
    if (info.size() == 0) {
      described.files.forEach(Fd::close);
      return List.of();
    }
    int access = info.flags() & (RegionInfoMessage.READ | RegionInfoMessage.WRITE);
    // Libvfio-user says nothing of a config space that it serves by itself.
    boolean both = pci && index == RegionInfo.PCI_CONFIG && access == 0;
    boolean readable = both || (access & RegionInfoMessage.READ) != 0;
    boolean writable = both || (access & RegionInfoMessage.WRITE) != 0;
    RegionMappings mappings =
        new RegionMappings(
            "region %d of the device at vfio-user server %s".formatted(index, server),
            info.size(),
            readable,
            writable,
            areas(info, described.files));
    regions.put(
        index,
        new ClientRegion(
            server,
            channel,
            new RegionInfo(index, info.size(), readable, writable, mappings.possible()),
            agreement,
            mappings,
            described.files));
    return info.capabilities();
  }

  private static Described describe(ClientChannel channel, int index, int argsz)
      throws KernelError, MigrationException {
    return channel.ask(
        Request.of(Command.DEVICE_GET_REGION_INFO, new RegionInfoMessage.Question(argsz, index)),
        incoming -> {
          RegionInfoMessage info = RegionInfoMessage.decode(incoming.body());
          if (info.index() != index || info.size() < 0) {
            throw malformed(
                "region %d with %s bytes is described, where region %d was asked for"
                    .formatted(info.index(), Long.toUnsignedString(info.size()), index));
          }
          // Judged while the files are still the message's, which closes them if it is refused.
          List<Fd> files = incoming.takeFiles();
          try {
            check(info, files.size());
          } catch (MalformedMessageException e) {
            files.forEach(Fd::close);
            throw e;
          }
          return new Described(info, files);
        });
  }

  /** Each part that can be mapped lies inside the region and has its file. */
  private static void check(RegionInfoMessage info, int files) throws MalformedMessageException {
    for (RegionCapability capability : info.capabilities()) {
      if (capability instanceof RegionCapability.SparseMmap sparse) {
        for (RegionCapability.Area area : sparse.areas()) {
          checkInside(info, area.offset(), area.size());
        }
      } else if (capability instanceof RegionCapability.SparseMmapFds sparse) {
        for (RegionCapability.FdArea area : sparse.areas()) {
          checkInside(info, area.offset(), area.size());
          if (area.fdIndex() < 0 || area.fdIndex() >= files) {
            throw malformed(
                "a part of region %d is behind file %s; %d files came"
                    .formatted(info.index(), Integer.toUnsignedString(area.fdIndex()), files));
          }
        }
      }
    }
  }

  private static void checkInside(RegionInfoMessage info, long offset, long size)
      throws MalformedMessageException {
    if (offset < 0 || size < 0 || offset > info.size() - size) {
      throw malformed(
          "a part of region %d, %s bytes at %s, is outside of its %d bytes"
              .formatted(
                  info.index(),
                  Long.toUnsignedString(size),
                  Long.toUnsignedString(offset),
                  info.size()));
    }
  }

  private static MalformedMessageException malformed(String what) {
    return new MalformedMessageException(
        Errno.EPROTO, Command.DEVICE_GET_REGION_INFO + ": " + what);
  }

  private static List<RegionMappings.Area> areas(RegionInfoMessage info, List<Fd> files) {
    List<RegionMappings.Area> areas = new ArrayList<>();
    // Of a description that is still cut off nobody knows which parts may be mapped.
    if ((info.flags() & RegionInfoMessage.MMAP) == 0 || files.isEmpty() || info.truncated()) {
      return areas;
    }
    boolean whole = true;
    for (RegionCapability capability : info.capabilities()) {
      if (capability instanceof RegionCapability.SparseMmap sparse) {
        whole = false;
        for (RegionCapability.Area area : sparse.areas()) {
          add(areas, area.offset(), area.size(), files.get(0), info.offset() + area.offset());
        }
      } else if (capability instanceof RegionCapability.SparseMmapFds sparse) {
        whole = false;
        for (RegionCapability.FdArea area : sparse.areas()) {
          add(areas, area.offset(), area.size(), files.get(area.fdIndex()), area.fdOffset());
        }
      }
    }
    if (whole) {
      add(areas, 0, info.size(), files.get(0), info.offset());
    }
    return areas;
  }

  private static void add(
      List<RegionMappings.Area> areas, long offset, long size, Fd file, long fileOffset) {
    if (size > 0 && fileOffset >= 0 && holds(file, fileOffset, size)) {
      areas.add(new RegionMappings.Area(offset, size, file, fileOffset));
    }
  }

  /** Whoever touches a mapping beyond the end of its file is killed by the kernel. */
  private static boolean holds(Fd file, long offset, long size) {
    int number = file.claim();
    if (number < 0) {
      return false;
    }
    try {
      Path path = Path.of("/proc/self/fd", Integer.toString(number));
      return Files.isRegularFile(path) && offset <= Files.size(path) - size;
    } catch (IOException e) {
      return false;
    } finally {
      file.release();
    }
  }

  /** As {@link #region}; a kind without vectors is no kind. */
  private static void irq(ClientChannel channel, int index, Map<Integer, IrqLayout> irqs)
      throws KernelError, MigrationException {
    try {
      IrqInfoMessage info =
          channel.ask(
              Request.of(Command.DEVICE_GET_IRQ_INFO, IrqInfoMessage.question(index)),
              incoming -> IrqInfoMessage.decode(incoming.body()));
      if (info.count() > 0) {
        irqs.put(index, new IrqLayout(index, info.count(), info.flags()));
      }
    } catch (KernelError e) {
      if (e.errno() != Errno.EINVAL) {
        throw e;
      }
    }
  }

  private static Map<String, String> properties(ClientParameters parameters, Agreement agreement) {
    Map<String, String> properties = new TreeMap<>();
    properties.put("host-migration-known-from", "device");
    properties.put("write-chunk", Integer.toString(agreement.writeBytes()));
    if (!parameters.keepPrecopyData()) {
      properties.put("precopy-data", "discard");
    }
    if (parameters.virtualFunction().isPresent()) {
      properties.put("vf-index", Integer.toString(parameters.virtualFunction().getAsInt()));
    }
    return properties;
  }

  private static HostDeviceInfo info(
      DeviceAddress address,
      @Nullable ClientRegion config,
      Optional<ClientMigration> migration,
      Map<String, String> properties)
      throws MigrationException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    boolean pci = config != null && config.info().sizeBytes() >= HEADER_BYTES;
    if (config != null && pci) {
      config.read(0, header.duplicate());
    }
    return new HostDeviceInfo(
        address,
        pci ? "pci" : "vfio-user",
        Short.toUnsignedInt(header.getShort(VENDOR_ID)),
        Short.toUnsignedInt(header.getShort(DEVICE_ID)),
        Short.toUnsignedInt(header.getShort(SUBSYSTEM_VENDOR_ID)),
        Short.toUnsignedInt(header.getShort(SUBSYSTEM_ID)),
        migration.isPresent(),
        properties);
  }
}
