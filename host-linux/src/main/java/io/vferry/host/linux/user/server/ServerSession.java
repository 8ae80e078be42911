package io.vferry.host.linux.user.server;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.user.wire.Capabilities;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DeviceInfoMessage;
import io.vferry.host.linux.user.wire.DeviceStateFeature;
import io.vferry.host.linux.user.wire.DmaMapMessage;
import io.vferry.host.linux.user.wire.DmaUnmapMessage;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.IrqInfoMessage;
import io.vferry.host.linux.user.wire.LoggingReportFeature;
import io.vferry.host.linux.user.wire.LoggingStartFeature;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.MigrationDataMessage;
import io.vferry.host.linux.user.wire.MigrationFlagsFeature;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.host.linux.user.wire.PrecopyInfoMessage;
import io.vferry.host.linux.user.wire.RegionAccessMessage;
import io.vferry.host.linux.user.wire.RegionInfoMessage;
import io.vferry.host.linux.user.wire.RegionIoFdsMessage;
import io.vferry.host.linux.user.wire.RegionWriteMultiMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.VersionMessage;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
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

  /** The kernel has these nine for each PCI device. */
  private static final int PCI_REGIONS = 9;

  private static final int LARGEST_FIELDS = 64;

  private final ServedDevice served;
  private final HostDevice visible;
  private final ServerSettings settings;
  private final ServerListener listener;
  private final DmaTable dma;
  private final IrqTable irqs;
  private final @Nullable MigrationSession migration;
  private final @Nullable LoggingSession logging;
  private final Map<Integer, Region> regions = new TreeMap<>();
  private final int regionCount;
  private final ByteBuffer out;
  private boolean greeted;
  private boolean twinWanted;
  private Capabilities client = Capabilities.NONE;
  private int clientXferSize;
  private long commands;
  private long refusals;
  private long savedBytes;
  private long loadedBytes;

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
        served.driven().isPresent() ? new MigrationSession(served.driven().get(), settings) : null;
    Optional<DmaLog> log = served.dmaLog();
    this.logging = log.isPresent() ? new LoggingSession(log.get(), dma) : null;
    int count = PCI_REGIONS;
    for (RegionInfo info : visible.regions()) {
      regions.put(info.index(), visible.region(info.index()));
      count = Math.max(count, info.index() + 1);
    }
    this.regionCount = count;
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
    return new SessionCounters(commands, refusals, savedBytes, loadedBytes);
  }

  /** What comes behind the header of a reply, if it is not in {@link #out} already. */
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
      return new Answer(out.clear().limit(0), false, Optional.empty());
    }
    out.flip();
    header.reply(out.limit() - MessageHeader.BYTES).put(out.duplicate().order(out.order()));
    return new Answer(out, twinWanted, Optional.empty());
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
      case DEVICE_GET_REGION_INFO -> regionInfo(payload);
      case DEVICE_GET_REGION_IO_FDS -> regionIoFds(payload);
      case DEVICE_GET_IRQ_INFO -> put(irqs.info(IrqInfoMessage.decode(payload).index()));
      case DEVICE_SET_IRQS -> irqs.set(SetIrqsMessage.decode(payload), files);
      case REGION_READ -> regionRead(payload);
      case REGION_WRITE -> regionWrite(payload);
      case DEVICE_RESET -> reset(payload);
      case REGION_WRITE_MULTI -> regionWriteMulti(payload);
      case DEVICE_FEATURE -> feature(payload);
      case MIG_DATA_READ -> dataRead(payload);
      case MIG_DATA_WRITE -> dataWrite(payload);
      case GET_PRECOPY_INFO -> precopyInfo(payload);
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
    clientXferSize = Math.min(said.effectiveMaxDataXferSize(), settings.maxDataXferSize());
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
        Optional.of(true));
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
            DeviceInfoMessage.RESET | VfioUapi.VFIO_DEVICE_FLAGS_PCI, regionCount, IrqTable.KINDS));
  }

  private void regionInfo(ByteBuffer payload) throws Refusal, MalformedMessageException {
    RegionInfoMessage.Question question = RegionInfoMessage.Question.decode(payload);
    int index = checkedIndex(question.index());
    Region region = regions.get(index);
    if (region == null) {
      put(RegionInfoMessage.of(0, index, 0, 0, List.of()));
      return;
    }
    RegionInfo info = region.info();
    int flags =
        (info.readable() ? RegionInfoMessage.READ : 0)
            | (info.writable() ? RegionInfoMessage.WRITE : 0);
    // Memory of this process cannot be given to another without a file, so nothing can be mapped.
    put(RegionInfoMessage.of(flags, index, info.sizeBytes(), 0, List.of()));
  }

  private int checkedIndex(int index) throws Refusal {
    if (index < 0 || index >= regionCount) {
      throw Refusal.invalid(
          "there is no region %s; there are %d"
              .formatted(Integer.toUnsignedString(index), regionCount));
    }
    return index;
  }

  private void regionIoFds(ByteBuffer payload) throws Refusal, MalformedMessageException {
    RegionIoFdsMessage.Question question = RegionIoFdsMessage.Question.decode(payload);
    put(
        RegionIoFdsMessage.of(
            checkedIndex(question.index()), RegionIoFdsMessage.Layout.SPECIFICATION, List.of()));
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

  private void regionRead(ByteBuffer payload)
      throws Refusal, MalformedMessageException, MigrationException {
    RegionAccessMessage message =
        RegionAccessMessage.decodeWithoutData(
            Command.REGION_READ, payload, settings.maxDataXferSize());
    Region region = accessible(message.region(), message.offset(), message.count());
    message.putFields(out);
    int end = out.position() + message.count();
    region.read(message.offset(), out.limit(end));
    out.position(end);
  }

  private void regionWrite(ByteBuffer payload)
      throws Refusal, MalformedMessageException, MigrationException {
    RegionAccessMessage message =
        RegionAccessMessage.decodeWithData(
            Command.REGION_WRITE, payload, settings.maxDataXferSize());
    accessible(message.region(), message.offset(), message.count())
        .write(message.offset(), message.data());
    message.putFields(out);
  }

  private void regionWriteMulti(ByteBuffer payload)
      throws Refusal, MalformedMessageException, MigrationException {
    if (!client.effectiveWriteMultiple()) {
      throw Refusal.invalid("several writes at once were not agreed on");
    }
    RegionWriteMultiMessage message = RegionWriteMultiMessage.decode(payload);
    for (RegionWriteMultiMessage.Write write : message.writes()) {
      accessible(write.region(), write.offset(), write.count());
    }
    int done = 0;
    try {
      for (RegionWriteMultiMessage.Write write : message.writes()) {
        accessible(write.region(), write.offset(), write.count())
            .write(write.offset(), write.bytes());
        done++;
      }
    } catch (MigrationException | Refusal e) {
      if (done == 0) {
        throw e;
      }
      // What was done cannot be undone; the client is told how far it went.
    }
    put(new RegionWriteMultiMessage.Done(done));
  }

  private void reset(ByteBuffer payload) throws Refusal, MigrationException {
    if (payload.hasRemaining()) {
      throw Refusal.invalid("a reset has no payload");
    }
    DeviceState before = migration == null ? DeviceState.RUNNING : migration.state();
    try {
      served.reset();
    } finally {
      if (migration != null) {
        migration.wasReset();
      }
    }
    if (before != DeviceState.RUNNING) {
      listener.moved(before, DeviceState.RUNNING);
    }
  }

  private MigrationSession migration() throws Refusal {
    if (migration == null) {
      throw Refusal.invalid("the device cannot be migrated through this server");
    }
    return migration;
  }

  private void dataRead(ByteBuffer payload) throws Refusal, MalformedMessageException {
    MigrationDataMessage message = MigrationDataMessage.decodeRead(payload, clientXferSize);
    int start = out.position();
    ByteBuffer data = out.slice(start + MigrationDataMessage.FIELDS_BYTES, message.size());
    migration().read(data);
    int size = data.position();
    new MigrationDataMessage(MigrationDataMessage.FIELDS_BYTES + size, size, ByteBuffer.allocate(0))
        .putFields(out);
    // Some clients insist on as many bytes as they asked for; the rest is zero.
    while (data.remaining() >= Long.BYTES) {
      data.putLong(0);
    }
    while (data.hasRemaining()) {
      data.put((byte) 0);
    }
    out.position(start + MigrationDataMessage.FIELDS_BYTES + message.size());
    savedBytes += size;
  }

  private void dataWrite(ByteBuffer payload) throws Refusal, MalformedMessageException {
    MigrationDataMessage message =
        MigrationDataMessage.decodeWrite(payload, settings.maxDataXferSize());
    migration().write(message.data());
    loadedBytes += message.size();
    if (settings.longWriteReply()) {
      put(MigrationDataMessage.written(message.size()));
    }
  }

  private void precopyInfo(ByteBuffer payload) throws Refusal, MalformedMessageException {
    PrecopyInfoMessage.decode(payload);
    put(migration().precopyInfo());
  }

  private void feature(ByteBuffer payload) throws Refusal, MalformedMessageException {
    FeatureMessage message = FeatureMessage.decode(payload);
    if (message.unknownFlags() != 0) {
      throw Refusal.invalid("flags 0x%x are not known".formatted(message.unknownFlags()));
    }
    if (!message.probe() && message.get() == message.set()) {
      throw Refusal.invalid("a feature is either asked for or set");
    }
    switch (message.index()) {
      case VfioUapi.VFIO_DEVICE_FEATURE_MIGRATION -> {
        MigrationSession session = migration();
        get(message, new MigrationFlagsFeature(session.features().flags()));
      }
      case VfioUapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE -> deviceState(message);
      case VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START -> loggingStart(message);
      case VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP -> {
        LoggingSession log = logging();
        if (settable(message)) {
          log.stop();
        }
        echo(message);
      }
      case VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT -> loggingReport(message);
      case VfioUapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE -> {
        if (!migration().estimates()) {
          throw Refusal.invalid("the device makes no estimate");
        }
        if (message.probe()) {
          get(message, Payload.NONE);
        } else {
          ByteBuffer estimate =
              ByteBuffer.allocate(Long.BYTES)
                  .order(ByteOrder.nativeOrder())
                  .putLong(0, migration().stopCopyBytes());
          reply(message, estimate);
        }
      }
      default -> throw Refusal.invalid("feature %d is not known".formatted(message.index()));
    }
  }

  private LoggingSession logging() throws Refusal {
    if (logging == null) {
      throw Refusal.invalid("the device does not log its DMA");
    }
    return logging;
  }

  /** Answers for a feature that can only be asked for. */
  private void get(FeatureMessage message, Payload data) throws Refusal {
    if (message.set()) {
      throw Refusal.invalid("feature %d cannot be set".formatted(message.index()));
    }
    if (message.probe()) {
      echo(message);
      return;
    }
    ByteBuffer bytes = ByteBuffer.allocate(data.sizeBytes()).order(ByteOrder.nativeOrder());
    data.put(bytes);
    reply(message, bytes.flip());
  }

  /** Whether a feature that can only be set is to be set now, or only probed. */
  private static boolean settable(FeatureMessage message) throws Refusal {
    if (message.get()) {
      throw Refusal.invalid("feature %d can only be set".formatted(message.index()));
    }
    return !message.probe();
  }

  private void echo(FeatureMessage message) {
    put(message);
  }

  private void reply(FeatureMessage message, ByteBuffer data) throws Refusal {
    int size = FeatureMessage.FIELDS_BYTES + data.remaining();
    if (message.argsz() < size) {
      throw Refusal.invalid(
          "argsz is %d, but the reply has %d bytes".formatted(message.argsz(), size));
    }
    put(new FeatureMessage(size, message.flags(), data));
  }

  private void deviceState(FeatureMessage message) throws Refusal, MalformedMessageException {
    MigrationSession session = migration();
    if (message.probe()) {
      echo(message);
    } else if (message.get()) {
      get(message, new DeviceStateFeature(session.state().number(), 0));
    } else {
      DeviceStateFeature wish = DeviceStateFeature.decode(message.data());
      DeviceState from = session.setState(wish.state());
      DeviceState now = DeviceState.ofNumber(wish.state()).orElse(from);
      if (from != now) {
        listener.moved(from, now);
      }
      echo(message);
    }
  }

  private void loggingStart(FeatureMessage message) throws Refusal, MalformedMessageException {
    LoggingSession log = logging();
    if (!settable(message)) {
      echo(message);
      return;
    }
    LoggingStartFeature wish = LoggingStartFeature.decode(message.data());
    long used = log.start(wish);
    put(FeatureMessage.of(message.flags(), new LoggingStartFeature(used, wish.ranges())));
  }

  private void loggingReport(FeatureMessage message) throws Refusal, MalformedMessageException {
    LoggingSession log = logging();
    if (message.set()) {
      throw Refusal.invalid("the log can only be asked for");
    }
    if (message.probe()) {
      echo(message);
      return;
    }
    LoggingReportFeature question = LoggingReportFeature.decode(message.data());
    if (question.bitmapBytes() > settings.maxDataXferSize()) {
      throw Refusal.invalid(
          "0x%x bytes in pages of %s make no bitmap that fits into a message"
              .formatted(question.length(), Long.toUnsignedString(question.pageSize())));
    }
    int size =
        FeatureMessage.FIELDS_BYTES
            + LoggingReportFeature.FIELDS_BYTES
            + (int) question.bitmapBytes();
    if (message.argsz() < size) {
      throw Refusal.invalid(
          "argsz is %d, but the reply has %d bytes".formatted(message.argsz(), size));
    }
    // Asking clears the log, so everything is checked before.
    ByteBuffer words = log.report(question);
    put(
        FeatureMessage.of(
            message.flags(),
            new LoggingReportFeature(
                question.iova(), question.length(), question.pageSize(), words)));
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
