package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Capabilities;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.RegionWriteMultiMessage;
import io.vferry.host.linux.user.wire.VersionMessage;
import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What client and server agreed on when they met.
 *
 * @param files how many files the server takes with one message
 * @param readBytes how many bytes of data a reply may carry
 * @param writeBytes how many bytes of data a command may carry
 * @param writesAtOnce how many writes of a region one command may carry, 1 if only one
 * @param dmaMaps how many mappings the server allows
 * @param pageBytes the granularity of mappings
 * @param twin this side's end of the second socket, if there is one
 */
record Agreement(
    int files,
    int readBytes,
    int writeBytes,
    int writesAtOnce,
    long dmaMaps,
    long pageBytes,
    Optional<Fd> twin) {

  private static final int MAJOR = 0;

  /** Nothing depends on a later one, and not every server takes one. */
  private static final int MINOR = 0;

  private static final int PAGE_BYTES = 4096;

  /**
   * The most that a server is trusted with that does not say that it puts the pieces of a message
   * together. libvfio-user up to 2026 takes what one call receives for the whole, and a socket of
   * this host delivers about 36 KiB at once.
   */
  static final int CAUTIOUS_WRITE_BYTES = 32 << 10;

  /** QEMU 11.1 sends no more in one message ({@code hw/vfio-user/protocol.h}). */
  private static final int MOST_WRITES = 200;

  private record Greeting(VersionMessage version, List<Fd> files) {}

  /** Greets the server; the first thing that is said on a channel. */
  static Agreement reach(ClientChannel channel, ClientParameters parameters)
      throws KernelError, MigrationException {
    Capabilities proposed =
        new Capabilities(
            OptionalInt.of(MessageConnection.MOST_FILES),
            OptionalLong.of(parameters.transferBytes()),
            OptionalLong.empty(),
            OptionalLong.empty(),
            parameters.twinSocket()
                ? Optional.of(new Capabilities.TwinSocket(true, OptionalInt.empty()))
                : Optional.empty(),
            Optional.of(true),
            Optional.of(
                new Capabilities.MigrationLimits(
                    OptionalLong.of(PAGE_BYTES), OptionalLong.empty())),
            Optional.of(true));
    Greeting greeting =
        channel.ask(
            Request.of(Command.VERSION, new VersionMessage(MAJOR, MINOR, proposed)),
            incoming -> {
              VersionMessage version = VersionMessage.decode(incoming.body());
              check(version, parameters);
              return new Greeting(version, incoming.takeFiles());
            });
    Capabilities granted = greeting.version.capabilities();
    int transfer = Math.min(parameters.transferBytes(), granted.effectiveMaxDataXferSize());
    int cautious =
        granted.reassembly().orElse(false) ? transfer : Math.min(transfer, CAUTIOUS_WRITE_BYTES);
    int write =
        Math.min(parameters.writeChunkBytes().orElse(cautious), granted.effectiveMaxDataXferSize());
    Optional<Fd> twin = twin(greeting);
    return new Agreement(
        Math.min(granted.effectiveMaxMsgFds(), MessageConnection.MOST_FILES),
        transfer,
        write,
        granted.effectiveWriteMultiple()
            ? Math.max(1, Math.min(MOST_WRITES, RegionWriteMultiMessage.fittingIn(write)))
            : 1,
        granted.effectiveMaxDmaMaps(),
        Math.max(PAGE_BYTES, Long.lowestOneBit(granted.effectivePgsizes())),
        twin);
  }

  private static void check(VersionMessage version, ClientParameters parameters)
      throws MalformedMessageException {
    if (version.major() != MAJOR || version.minor() > MINOR) {
      throw bad(
          "it speaks version %d.%d, but %d.%d or older was proposed"
              .formatted(version.major(), version.minor(), MAJOR, MINOR));
    }
    Capabilities granted = version.capabilities();
    if (granted.effectiveTwinSocket() && !parameters.twinSocket()) {
      throw bad("it wants a second socket, which was not proposed");
    }
    if (granted.effectivePgsizes() % PAGE_BYTES != 0) {
      throw bad(
          "its page sizes, 0x%x, are no multiples of %d"
              .formatted(granted.effectivePgsizes(), PAGE_BYTES));
    }
  }

  /** The files of the greeting are all closed but the one that is kept. */
  private static Optional<Fd> twin(Greeting greeting) {
    Optional<Fd> twin = Optional.empty();
    Optional<Capabilities.TwinSocket> said = greeting.version.capabilities().twinSocket();
    if (said.isPresent() && said.get().supported() && said.get().fdIndex().isPresent()) {
      int index = said.get().fdIndex().getAsInt();
      if (index < greeting.files.size()) {
        twin = Optional.of(greeting.files.get(index));
      }
    }
    for (Fd file : greeting.files) {
      if (twin.isEmpty() || file != twin.get()) {
        file.close();
      }
    }
    return twin;
  }

  private static MalformedMessageException bad(String what) {
    return new MalformedMessageException(Errno.EPROTO, "VERSION: " + what);
  }
}
