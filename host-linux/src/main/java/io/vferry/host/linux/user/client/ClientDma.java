package io.vferry.host.linux.user.client;

import io.vferry.host.linux.AddressSpace;
import io.vferry.host.linux.DmaMapper;
import io.vferry.host.linux.MemoryBacking;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DmaMapMessage;
import io.vferry.host.linux.user.wire.DmaUnmapMessage;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Gives the server memory: as a file where the memory has one and files are wanted, else by
 * message.
 */
final class ClientDma implements DmaMapper {

  private final String server;
  private final ClientChannel channel;
  private final ClientLog log;
  private final ServedMemory served;
  private final boolean byFiles;
  private final long mostMaps;

  /** Whether orders come over the connection over which questions are asked. */
  private final boolean ordersOnChannel;

  /** What the server has, and the file of it. */
  private record Given(AddressSpace.Mapping mapping, Optional<MemoryBacking> backing) {}

  private final Map<Long, Given> byStart = new HashMap<>();

  ClientDma(
      String server,
      ClientChannel channel,
      ServedMemory served,
      ClientLog log,
      Agreement agreement,
      boolean byFiles) {
    this.server = server;
    this.channel = channel;
    this.served = served;
    this.log = log;
    this.byFiles = byFiles && agreement.files() > 0;
    this.mostMaps = agreement.dmaMaps();
    this.ordersOnChannel = agreement.twin().isEmpty();
  }

  @Override
  public void map(AddressSpace.Mapping mapping) throws KernelError, MigrationException {
    if (byStart.size() >= mostMaps) {
      throw new KernelError(Command.DMA_MAP.name(), Errno.ENOSPC);
    }
    Optional<MemoryBacking> backing =
        byFiles
            ? MemoryBacking.of(mapping.address(), mapping.iova().length(), mapping.deviceWrites())
            : Optional.empty();
    // Before the server knows of it: it may want it at once. It may ask for what it has a file of
    // as well; libvfio-user does unless a device maps it.
    served.add(mapping);
    if (ordersOnChannel) {
      channel.listen();
    }
    log.add(mapping.iova(), backing.isPresent());
    boolean mapped = false;
    try {
      channel.ask(request(mapping, backing), ReplyReader.NOTHING);
      byStart.put(mapping.iova().start(), new Given(mapping, backing));
      mapped = true;
    } finally {
      if (!mapped) {
        forget(mapping, backing);
      }
    }
  }

  private static Request request(AddressSpace.Mapping mapping, Optional<MemoryBacking> backing) {
    int flags =
        (mapping.deviceReads() ? DmaMapMessage.READABLE : 0)
            | (mapping.deviceWrites() ? DmaMapMessage.WRITEABLE : 0);
    return new Request(
        Command.DMA_MAP,
        new DmaMapMessage(
            flags,
            backing.map(MemoryBacking::offset).orElse(0L),
            mapping.iova().start(),
            mapping.iova().length()),
        ByteBuffer.allocate(0),
        backing.map(file -> List.<Fd>of(file.file())).orElse(List.of()));
  }

  private void forget(AddressSpace.Mapping mapping, Optional<MemoryBacking> backing) {
    served.remove(mapping);
    log.remove(mapping.iova());
    backing.ifPresent(MemoryBacking::close);
  }

  @Override
  public void unmap(AddressSpace.Mapping mapping) throws KernelError, MigrationException {
    Given given = byStart.get(mapping.iova().start());
    if (given == null) {
      throw new IllegalStateException(mapping.iova() + " is not mapped");
    }
    channel.ask(
        Request.of(
            Command.DMA_UNMAP,
            new DmaUnmapMessage(
                DmaUnmapMessage.SIZEOF, 0, mapping.iova().start(), mapping.iova().length())),
        incoming -> {
          // Some repeat what was asked, some do not.
          if (incoming.remainingBytes() > 0) {
            DmaUnmapMessage done = DmaUnmapMessage.decode(incoming.body());
            if (done.address() != mapping.iova().start()
                || done.size() != mapping.iova().length()) {
              throw new MalformedMessageException(
                  Errno.EPROTO, "DMA_UNMAP: it unmapped something else than was asked for");
            }
          }
          return true;
        });
    byStart.remove(mapping.iova().start());
    forget(given.mapping, given.backing);
  }

  @Override
  public MigrationException explain(KernelError e, AddressSpace.Mapping mapping) {
    return e.as(
        switch (e.errno()) {
          case Errno.ENOMEM, Errno.ENOSPC, Errno.EMFILE -> DeviceError.OUT_OF_RESOURCES;
          default -> DeviceError.BAD_REQUEST;
        },
        "vfio-user server %s does not map %s; it says that it allows %d mappings; some servers take fewer, and none while the device is stopped"
            .formatted(server, mapping.iova(), mostMaps));
  }

  /** Lets go of everything; the server has done so by itself when the connection ended. */
  void close() {
    byStart.values().forEach(given -> forget(given.mapping, given.backing));
    byStart.clear();
  }
}
