package io.vferry.host.linux.user.server;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.wire.Capabilities;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.RegionAccessMessage;
import io.vferry.host.linux.user.wire.RegionCapability;
import io.vferry.host.linux.user.wire.RegionCapability.Area;
import io.vferry.host.linux.user.wire.RegionInfoMessage;
import io.vferry.host.linux.user.wire.RegionIoFdsMessage;
import io.vferry.host.linux.user.wire.RegionWriteMultiMessage;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a client asks of the regions. Each method reads the payload of a command and writes that of
 * the reply.
 */
final class RegionCommands {

  /** The kernel has these nine for each PCI device. */
  private static final int PCI_REGIONS = 9;

  private final Map<Integer, Region> regions = new TreeMap<>();
  private final int regionCount;
  private final @Nullable MigrationSession migration;
  private final int largestData;
  private final boolean filePerArea;
  private boolean multipleWrites;
  private int clientFiles;

  /**
   * Creates one.
   *
   * @param migration which may close the regions for a while; null if there is none
   * @param settings where it follows one of several readings of the protocol
   * @throws MigrationException if the device does not answer
   */
  RegionCommands(HostDevice device, @Nullable MigrationSession migration, ServerSettings settings)
      throws MigrationException {
    int count = PCI_REGIONS;
    for (RegionInfo info : device.regions()) {
      regions.put(info.index(), device.region(info.index()));
      count = Math.max(count, info.index() + 1);
    }
    this.regionCount = count;
    this.migration = migration;
    this.largestData = settings.maxDataXferSize();
    this.filePerArea = settings.filePerArea();
  }

  /** Returns how many there are, also those of size 0. */
  int count() {
    return regionCount;
  }

  /** Says what the client can do. */
  void agreed(Capabilities client) {
    multipleWrites = client.effectiveWriteMultiple();
    clientFiles = client.effectiveMaxMsgFds();
  }

  /**
   * Describes a region.
   *
   * @return the files that go with the reply; whoever sends them closes them
   */
  List<Fd> info(ByteBuffer payload, ByteBuffer out)
      throws Refusal, MalformedMessageException, MigrationException {
    RegionInfoMessage.Question question = RegionInfoMessage.Question.decode(payload);
    int index = checkedIndex(question.index());
    Region region = regions.get(index);
    if (region == null) {
      RegionInfoMessage.of(0, index, 0, 0, List.of()).put(out);
      return List.of();
    }
    RegionInfo info = region.info();
    int flags =
        (info.readable() ? RegionInfoMessage.READ : 0)
            | (info.writable() ? RegionInfoMessage.WRITE : 0);
    Optional<RegionFile> file = clientFiles < 1 ? Optional.empty() : RegionFile.of(region);
    if (file.isEmpty()) {
      RegionInfoMessage.of(flags, index, info.sizeBytes(), 0, List.of()).put(out);
      return List.of();
    }
    List<Area> areas = file.get().areas();
    if (filePerArea) {
      areas = areas.subList(0, Math.min(areas.size(), clientFiles));
    }
    RegionInfoMessage whole =
        RegionInfoMessage.of(
            flags | RegionInfoMessage.MMAP,
            index,
            info.sizeBytes(),
            file.get().offset(),
            file.get().whole(info.sizeBytes())
                ? List.of()
                : List.of(new RegionCapability.SparseMmap(areas)));
    if (whole.argsz() > question.argsz()) {
      // Who does not ask again must not take all of the region for what can be mapped.
      file.get().close();
      new RegionInfoMessage(whole.argsz(), flags, index, info.sizeBytes(), 0, List.of()).put(out);
      return List.of();
    }
    whole.put(out);
    return Collections.nCopies(filePerArea ? areas.size() : 1, file.get().file());
  }

  private int checkedIndex(int index) throws Refusal {
    if (index < 0 || index >= regionCount) {
      throw Refusal.invalid(
          "there is no region %s; there are %d"
              .formatted(Integer.toUnsignedString(index), regionCount));
    }
    return index;
  }

  /** Tells which files stand for parts of a region: none, since a device sees each access. */
  void ioFds(ByteBuffer payload, ByteBuffer out) throws Refusal, MalformedMessageException {
    RegionIoFdsMessage.Question question = RegionIoFdsMessage.Question.decode(payload);
    RegionIoFdsMessage.of(
            checkedIndex(question.index()), RegionIoFdsMessage.Layout.SPECIFICATION, List.of())
        .put(out);
  }

  /** Returns a region that may be accessed now. */
  private Region accessible(int index, long offset, int count) throws Refusal {
    Region region = regions.get(checkedIndex(index));
    long size = region == null ? 0 : region.info().sizeBytes();
    if (region == null || offset < 0 || offset > size - count) {
      throw Refusal.invalid(
          "%d bytes at offset 0x%x are not inside region %d of %d bytes"
              .formatted(count, offset, index, size));
    }
    if (migration != null && index != RegionInfo.PCI_CONFIG && migration.regionsClosed()) {
      throw Refusal.invalid(
          "region %d must not be touched while the device is saved".formatted(index));
    }
    return region;
  }

  void read(ByteBuffer payload, ByteBuffer out)
      throws Refusal, MalformedMessageException, MigrationException {
    RegionAccessMessage message =
        RegionAccessMessage.decodeWithoutData(Command.REGION_READ, payload, largestData);
    Region region = accessible(message.region(), message.offset(), message.count());
    message.putFields(out);
    int end = out.position() + message.count();
    region.read(message.offset(), out.limit(end));
    out.position(end);
  }

  void write(ByteBuffer payload, ByteBuffer out)
      throws Refusal, MalformedMessageException, MigrationException {
    RegionAccessMessage message =
        RegionAccessMessage.decodeWithData(Command.REGION_WRITE, payload, largestData);
    write(message.region(), message.offset(), message.count(), message.data());
    message.putFields(out);
  }

  private void write(int index, long offset, int count, ByteBuffer data)
      throws Refusal, MigrationException {
    accessible(index, offset, count).write(offset, data);
    if (migration != null && index == RegionInfo.PCI_CONFIG) {
      migration.lookForReset();
    }
  }

  /** Does one write after the other, as far as it can. */
  void writeMulti(ByteBuffer payload, ByteBuffer out)
      throws Refusal, MalformedMessageException, MigrationException {
    if (!multipleWrites) {
      throw Refusal.invalid("several writes at once were not agreed on");
    }
    RegionWriteMultiMessage message = RegionWriteMultiMessage.decode(payload);
    for (RegionWriteMultiMessage.Write write : message.writes()) {
      accessible(write.region(), write.offset(), write.count());
    }
    int done = 0;
    try {
      for (RegionWriteMultiMessage.Write write : message.writes()) {
        write(write.region(), write.offset(), write.count(), write.bytes());
        done++;
      }
    } catch (MigrationException | Refusal e) {
      if (done == 0) {
        throw e;
      }
      // What was done cannot be undone; the client is told how far it went.
    }
    new RegionWriteMultiMessage.Done(done).put(out);
  }
}
