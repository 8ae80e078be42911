package io.vferry.host.linux.user.server;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.wire.Capabilities;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DeviceInfoMessage;
import io.vferry.host.linux.user.wire.DmaMapMessage;
import io.vferry.host.linux.user.wire.DmaUnmapMessage;
import io.vferry.host.linux.user.wire.IrqInfoMessage;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.VersionMessage;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The conversation of a served device with one client: a command comes in, an answer goes out. Owns
 * no socket, thread or clock; what a client sent along and memory that only it reaches come through
 * {@link ClientFile} and {@link MemoryMessages}.
 *
 * <p>One thread at a time.
 */
final class ServerSession implements AutoCloseable {

  /** The newest minor version of major version 0 that this server knows. */
  static final int MINOR = 2;

  private static final int LARGEST_FIELDS = 64;

  private final ServedDevice served;
  private final HostDevice visible;
  private final ServerSettings settings;
  private final ServerListener listener;
  private final DmaTable dma;
  private final IrqTable irqs;
  private final @Nullable MigrationSession migration;
  private final @Nullable LoggingSession logging;
  private final @Nullable MigrationDataCommands data;
  private final RegionCommands regions;
  private final FeatureCommands features;
  private final ByteBuffer out;
  private boolean greeted;
  private boolean twinWanted;
  private List<Fd> filesOut = List.of();
  private Capabilities client = Capabilities.NONE;
  private long commands;
  private long refusals;

  /**
   * Begins a conversation.
   *
   * @throws MigrationException if the device does not answer
   */
  ServerSession(
      ServedDevice served,
      ServerSettings settings,
      MemoryMessages messages,
      ServerListener listener)
      throws MigrationException {
    this.served = served;
    this.visible = served.visible();
    this.settings = settings;
    this.listener = listener;
    this.dma = new DmaTable(visible.dma(), messages, settings.maxDmaMaps());
    this.irqs = new IrqTable(visible.interrupts());
    this.migration =
        served.driven().isPresent()
            ? new MigrationSession(served.driven().get(), settings, listener)
            : null;
    Optional<DmaLog> log = served.dmaLog();
    this.logging = log.isPresent() ? new LoggingSession(log.get(), dma) : null;
    this.data = migration == null ? null : new MigrationDataCommands(migration, settings);
    this.regions = new RegionCommands(visible, migration, settings);
    this.features = new FeatureCommands(migration, logging, settings.maxDataXferSize(), listener);
    this.out =
        ByteBuffer.allocateDirect(MessageHeader.BYTES + LARGEST_FIELDS + settings.maxDataXferSize())
            .order(ByteOrder.nativeOrder());
  }

  /** Returns the largest message that makes sense to this session. */
  int largestMessageBytes() {
    return MessageHeader.BYTES + LARGEST_FIELDS + settings.maxDataXferSize();
  }

  /** Returns what the client said it can do. */
  Capabilities client() {
    return client;
  }

  /** Whether some memory of the client is reached by messages. */
  boolean needsMessages() {
    return dma.byMessages();
  }

  SessionCounters counters() {
    return new SessionCounters(
        commands,
        refusals,
        data == null ? 0 : data.savedBytes(),
        data == null ? 0 : data.loadedBytes());
  }

  /** A step that a device or a client can make fail. */
  private interface Handler {
    void run() throws Refusal, MalformedMessageException, MigrationException;
  }

  /**
   * Answers a command.
   *
   * @param header of the command, not of a reply
   * @param payload what followed it, in native order; not read after the return
   * @param files what came along; all of them are taken over
   */
  Answer answer(MessageHeader header, ByteBuffer payload, List<ClientFile> files) {
    commands++;
    List<ClientFile> left = new ArrayList<>(files);
    boolean firstContact = !greeted;
    // The body of the reply is written behind the place of the header.
    out.clear().position(MessageHeader.BYTES);
    twinWanted = false;
    filesOut = List.of();
    try {
      if (files.size() > settings.maxMsgFds()) {
        throw Refusal.invalid(
            "%d files came along, more than %d".formatted(files.size(), settings.maxMsgFds()));
      }
      run(header, payload, left);
    } catch (Refusal e) {
      return refuse(header, e, firstContact);
    } catch (MalformedMessageException e) {
      return refuse(header, Refusal.of(e), firstContact);
    } catch (MigrationException e) {
      return refuse(header, Refusal.of(e), firstContact);
    } catch (RuntimeException e) {
      return refuse(header, Refusal.broken(e), firstContact);
    } finally {
      left.forEach(ClientFile::close);
    }
    if (header.noReply()) {
      filesOut.forEach(Fd::close);
      return new Answer(out.clear().limit(0), false, List.of(), Optional.empty());
    }
    out.flip();
    header.reply(out.limit() - MessageHeader.BYTES).put(out.duplicate().order(out.order()));
    return new Answer(out, twinWanted, filesOut, Optional.empty());
  }

  private Answer refuse(MessageHeader header, Refusal refusal, boolean hangUp) {
    refusals++;
    String why = String.valueOf(refusal.getMessage());
    listener.refused(header.commandName(), refusal.errno(), why);
    out.clear();
    if (header.noReply()) {
      out.limit(0);
    } else {
      header.refusal(refusal.errno()).put(out);
      out.flip();
    }
    return new Answer(
        out,
        false,
        List.of(),
        hangUp ? Optional.of("after " + header.commandName() + ": " + why) : Optional.empty());
  }

  /**
   * Answers a command whose body is too long to be looked at.
   *
   * @param hangUp whether it is so long that it is not even skipped
   */
  Answer tooLong(MessageHeader header, boolean hangUp) {
    commands++;
    return refuse(
        header,
        Refusal.invalid(
            "the message has %s bytes, more than %d"
                .formatted(Integer.toUnsignedString(header.sizeBytes()), largestMessageBytes())),
        hangUp || !greeted);
  }

  /** Answers what is neither a command nor a reply; the conversation is over. */
  Answer nonsense(MessageHeader header, String why) {
    commands++;
    return refuse(header, Refusal.invalid(why), true);
  }

  private void run(MessageHeader header, ByteBuffer payload, List<ClientFile> files)
      throws Refusal, MalformedMessageException, MigrationException {
    Command command =
        Command.ofNumber(header.command())
            .filter(known -> !known.fromServer())
            .orElseThrow(() -> Refusal.invalid("there is no such command for a server"));
    if (greeted == (command == Command.VERSION)) {
      throw Refusal.invalid(
          greeted ? "the version is agreed already" : "the first command is not VERSION");
    }
    if (!files.isEmpty() && command != Command.DMA_MAP && command != Command.DEVICE_SET_IRQS) {
      throw Refusal.invalid("files came with a command that takes none");
    }
    switch (command) {
      case VERSION -> version(payload);
      case DMA_MAP -> dmaMap(payload, files);
      case DMA_UNMAP -> dmaUnmap(payload);
      case DEVICE_GET_INFO -> deviceInfo(payload);
      case DEVICE_GET_REGION_INFO -> filesOut = regions.info(payload, out);
      case DEVICE_GET_REGION_IO_FDS -> regions.ioFds(payload, out);
      case DEVICE_GET_IRQ_INFO -> put(irqs.info(IrqInfoMessage.decode(payload).index()));
      case DEVICE_SET_IRQS -> irqs.set(SetIrqsMessage.decode(payload), files);
      case REGION_READ -> regions.read(payload, out);
      case REGION_WRITE -> regions.write(payload, out);
      case DEVICE_RESET -> reset(payload);
      case REGION_WRITE_MULTI -> regions.writeMulti(payload, out);
      case DEVICE_FEATURE -> features.answer(payload, out);
      case MIG_DATA_READ -> data().read(payload, out);
      case MIG_DATA_WRITE -> data().write(payload, out);
      case GET_PRECOPY_INFO -> data().precopyInfo(payload, out);
      case DMA_READ, DMA_WRITE -> throw new IllegalStateException("filtered above");
    }
  }

  private void put(Payload payload) {
    payload.put(out);
  }

  private void version(ByteBuffer payload) throws Refusal, MalformedMessageException {
    VersionMessage proposal = VersionMessage.decode(payload);
    if (proposal.major() != 0) {
      throw Refusal.invalid("major version %d is not known".formatted(proposal.major()));
    }
    Capabilities said = proposal.capabilities();
    long pageBytes = dma.pageBytes();
    if (said.migration().isPresent()
        && said.migration().get().pgsize().orElse(pageBytes) != pageBytes) {
      throw Refusal.invalid(
          "pages of migration have %d bytes, not %d"
              .formatted(said.migration().get().pgsize().orElse(0), pageBytes));
    }
    greeted = true;
    client = said;
    regions.agreed(said);
    if (data != null) {
      data.agreed(Math.min(said.effectiveMaxDataXferSize(), settings.maxDataXferSize()));
    }
    twinWanted = said.effectiveTwinSocket() && said.effectiveMaxMsgFds() > 0;
    int minor = Math.min(proposal.minor(), MINOR);
    put(new VersionMessage(0, minor, granted(said)));
    listener.connected(
        new ClientInfo(
            proposal.major(),
            minor,
            said.effectiveMaxMsgFds(),
            said.effectiveMaxDataXferSize(),
            twinWanted));
  }

  private Capabilities granted(Capabilities said) {
    return new Capabilities(
        OptionalInt.of(settings.maxMsgFds()),
        OptionalLong.of(settings.maxDataXferSize()),
        OptionalLong.of(settings.maxDmaMaps()),
        OptionalLong.of(dma.pageBytes()),
        twinWanted
            ? Optional.of(new Capabilities.TwinSocket(true, OptionalInt.of(0)))
            : Optional.empty(),
        said.writeMultiple(),
        migration != null && said.migration().isPresent()
            ? Optional.of(
                new Capabilities.MigrationLimits(
                    OptionalLong.of(dma.pageBytes()), OptionalLong.empty()))
            : Optional.empty(),
        // A client that does not know the word may complain of it, as QEMU does.
        said.reassembly().map(known -> true));
  }

  private void dmaMap(ByteBuffer payload, List<ClientFile> files)
      throws Refusal, MalformedMessageException {
    DmaMapMessage message = DmaMapMessage.decode(payload);
    if (files.size() > 1) {
      throw Refusal.invalid(files.size() + " files came along with one mapping");
    }
    ClientFile file = files.isEmpty() ? null : files.remove(0);
    dma.map(message, file);
  }

  private void dmaUnmap(ByteBuffer payload) throws Refusal, MalformedMessageException {
    DmaUnmapMessage message = DmaUnmapMessage.decode(payload);
    dma.unmap(message);
    put(message);
  }

  private void deviceInfo(ByteBuffer payload) throws MalformedMessageException {
    DeviceInfoMessage.checkCommand(payload);
    put(
        new DeviceInfoMessage(
            DeviceInfoMessage.RESET | VfioUapi.VFIO_DEVICE_FLAGS_PCI,
            regions.count(),
            IrqTable.KINDS));
  }

  private void reset(ByteBuffer payload) throws Refusal, MigrationException {
    if (payload.hasRemaining()) {
      throw Refusal.invalid("a reset has no payload");
    }
    try {
      served.reset();
    } finally {
      if (migration != null) {
        migration.wasReset();
      }
    }
  }

  private MigrationDataCommands data() throws Refusal {
    if (data == null) {
      throw Refusal.noMigration();
    }
    return data;
  }

  /**
   * Ends the conversation: nothing of the client's stays with the device, which is reset and {@link
   * DeviceState#RUNNING}.
   */
  @Override
  public void close() {
    List<Exception> failures = new ArrayList<>();
    attempt(failures, migration == null ? () -> {} : migration::closeStreams);
    Refusal unlogged = logging == null ? null : logging.end();
    if (unlogged != null) {
      failures.add(unlogged);
    }
    // Stopped first, so that nothing is on its way to memory that goes away.
    attempt(failures, served::reset);
    attempt(
        failures,
        () -> {
          MigrationException failure = irqs.disableAll();
          if (failure != null) {
            throw failure;
          }
        });
    attempt(
        failures,
        () -> {
          MigrationException failure = dma.unmapAll();
          if (failure != null) {
            throw failure;
          }
        });
    for (Exception failure : failures) {
      listener.unclean(
          "device %s could not be cleaned up: %s".formatted(served.name(), failure.getMessage()));
    }
  }

  private static void attempt(List<Exception> failures, Handler step) {
    try {
      step.run();
    } catch (Refusal | MalformedMessageException | MigrationException | RuntimeException e) {
      failures.add(e);
    }
  }
}
