package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.MappedMemory;
import io.vferry.host.linux.syscall.MemoryFile;
import io.vferry.host.linux.user.client.LibvfioUser.Answer;
import io.vferry.host.linux.user.socket.MessageSocket;
import io.vferry.host.linux.user.socket.OpenFiles;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace.Direction;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Memory that a server reaches: by files and by its orders, and the log of that. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ClientMemoryOverSocketTest extends SocketFixture {

  private static final int VERSION = 1;
  private static final int DMA_MAP = 2;
  private static final int DMA_UNMAP = 3;
  private static final int SET_IRQS = 8;
  private static final int REGION_WRITE = 10;
  private static final int DMA_READ = 11;
  private static final int DMA_WRITE = 12;
  private static final int RESET = 13;
  private static final int DEVICE_FEATURE = 16;
  private static final int EFAULT = 14;
  private static final int EACCES = 13;
  private static final int EINVAL = 22;
  private static final int ENOSPC = 28;

  @TempDir Path folder;
  private final List<Integer> maps = new ArrayList<>();
  private final BlockingQueue<Integer> values = new LinkedBlockingQueue<>();

  /** Returns a server that looks at the memory it is given. */
  private LibvfioUser looking() {
    return server()
        .on(
            DMA_MAP,
            (message, files, usual) -> {
              maps.add(files.size());
              if (!files.isEmpty()) {
                try (MappedMemory map =
                    MappedMemory.of(files.get(0), message.getLong(24), PAGE, true, true)) {
                  ByteBuffer bytes = map.slice(0, PAGE);
                  values.add(bytes.getInt(0));
                  bytes.putInt(4, 4711);
                } catch (KernelError e) {
                  throw new AssertionError(e);
                }
              }
              return usual.get();
            });
  }

  @Test
  void givesMemoryAsTheFileThatIsBehindIt() throws Exception {
    open(looking(), "");
    try (MemoryFile file = MemoryFile.create("guest", 8 * PAGE)) {
      ByteBuffer part = file.slice(3 * PAGE, 2 * PAGE);
      part.putInt(0, 1234);
      device.dma().map(0x10000, part, Direction.READ_WRITE);
      assertThat(values.take()).isEqualTo(1234);
      assertThat(part.getInt(4)).isEqualTo(4711);
      device.dma().unmap(new MemoryRange(0x10000, 2 * PAGE));
    }
    Path path = folder.resolve("ram");
    // The file is mapped and not open any more: it is found by its path.
    ByteBuffer mapped = mapped(path);
    mapped.putInt(0, 77);
    device.dma().map(0x20000, mapped, Direction.READ_WRITE);
    assertThat(values.take()).isEqualTo(77);
    assertThat(mapped.getInt(4)).isEqualTo(4711);
    device.dma().unmap(new MemoryRange(0x20000, PAGE));
    ByteBuffer plain = aligned(PAGE);
    device.dma().map(0x30000, plain, Direction.READ_WRITE);
    assertThat(maps).containsExactly(1, 1, 0);
  }

  private static ByteBuffer mapped(Path path) throws java.io.IOException {
    try (FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, PAGE, PAGE).order(ByteOrder.nativeOrder());
    }
  }

  @Test
  void givesNoFileIfNoneAreWanted() throws Exception {
    open(looking(), "?dma=messages");
    try (MemoryFile file = MemoryFile.create("guest", PAGE)) {
      device.dma().map(0, file.slice(0, PAGE), Direction.READ_WRITE);
      device.dma().unmap(new MemoryRange(0, PAGE));
    }
    assertThat(maps).containsExactly(0);
  }

  private static byte[] order(int command, byte[] body) {
    return ByteBuffer.allocate(16 + body.length)
        .order(ByteOrder.nativeOrder())
        .putShort((short) 4242)
        .putShort((short) command)
        .putInt(16 + body.length)
        .putLong(0)
        .put(body)
        .array();
  }

  private static byte[] access(long address, long count, byte[] data) {
    return ByteBuffer.allocate(16 + data.length)
        .order(ByteOrder.nativeOrder())
        .putLong(address)
        .putLong(count)
        .put(data)
        .array();
  }

  private static byte[] body(byte[] message) {
    return Arrays.copyOfRange(message, 16, message.length);
  }

  private void assertRefused(int errno, byte[] order) throws Exception {
    byte[] answer = thread.order(order);
    assertThat(answer).hasSize(16);
    ByteBuffer header = ByteBuffer.wrap(answer).order(ByteOrder.nativeOrder());
    assertThat(header.getShort(0)).isEqualTo((short) 4242);
    assertThat(header.getInt(8)).isEqualTo(0x21);
    assertThat(header.getInt(12)).isEqualTo(errno);
  }

  @Test
  void servesMemoryByMessage() throws Exception {
    open(server(), "");
    ByteBuffer memory = aligned(2 * PAGE);
    for (int i = 0; i < memory.capacity(); i++) {
      memory.put(i, (byte) (i * 7));
    }
    // Two mappings side by side, and one that is only read.
    device.dma().map(0x10000, memory.slice(0, PAGE), Direction.READ_WRITE);
    device.dma().map(0x11000, memory.slice(PAGE, PAGE), Direction.READ_WRITE);
    device.dma().map(0x40000, aligned(PAGE), Direction.READ);

    byte[] expected = new byte[100];
    memory.get(PAGE - 50, expected);
    assertThat(body(thread.order(order(DMA_READ, access(0x11000 - 50, 100, new byte[0])))))
        .isEqualTo(access(0x11000 - 50, 100, expected));

    byte[] data = "written by the device".getBytes(java.nio.charset.StandardCharsets.UTF_8);
    assertThat(body(thread.order(order(DMA_WRITE, access(0x10ff8, data.length, data)))))
        .isEqualTo(access(0x10ff8, data.length, new byte[0]));
    byte[] found = new byte[data.length];
    memory.get(PAGE - 8, found);
    assertThat(found).isEqualTo(data);

    assertRefused(EFAULT, order(DMA_READ, access(0x12000 - 4, 8, new byte[0])));
    assertRefused(EFAULT, order(DMA_WRITE, access(0x9000, 4, new byte[4])));
    assertRefused(EACCES, order(DMA_WRITE, access(0x40000, 4, new byte[4])));
    assertRefused(EINVAL, order(DMA_READ, access(0x10000, 0, new byte[0])));
    assertRefused(EINVAL, order(DMA_READ, access(0x10000, Long.MIN_VALUE, new byte[0])));
    assertRefused(EINVAL, order(DMA_READ, access(0x10000, (1 << 20) + 1, new byte[0])));
    assertRefused(EINVAL, order(DMA_READ, access(-4, 8, new byte[0])));
    assertRefused(EINVAL, order(DMA_WRITE, access(0x10000, 5, new byte[4])));
    assertRefused(EINVAL, order(DMA_READ, new byte[3]));
    assertRefused(EINVAL, order(DMA_READ, new byte[17]));
    // A command that is the client's to give.
    assertRefused(95, order(9, new byte[16]));
    // The conversation goes on.
    device.region(0).read(0, ByteBuffer.allocate(4));
    device.dma().unmap(new MemoryRange(0x10000, 2 * PAGE));
    assertRefused(EFAULT, order(DMA_READ, access(0x10000, 4, new byte[0])));
  }

  @Test
  void takesOrdersWhileItWaitsForAnAnswer() throws Exception {
    Answer order = new Answer(order(DMA_READ, access(0, 4, new byte[0])), List.of());
    open(
        server().on(REGION_WRITE, (message, files, usual) -> List.of(order, usual.get().get(0))),
        "");
    ByteBuffer memory = aligned(PAGE).order(ByteOrder.nativeOrder());
    memory.putInt(0, 99);
    device.dma().map(0, memory, Direction.READ_WRITE);
    device.region(0).write(0, ByteBuffer.allocate(4));
    byte[] read = thread.order(order.bytes());
    assertThat(ByteBuffer.wrap(read).order(ByteOrder.nativeOrder()).getInt(32)).isEqualTo(99);
  }

  /** As libvfio-user does whenever a device does not map it. */
  @Test
  void servesMemoryByMessageThatTheServerHasAFileOf() throws Exception {
    open(server(), "");
    try (MemoryFile file = MemoryFile.create("guest", 4 * PAGE)) {
      ByteBuffer memory = file.slice(0, 4 * PAGE).order(ByteOrder.nativeOrder());
      memory.putInt(0, 99);
      device.dma().map(0x10000, memory, Direction.READ_WRITE);
      // While nobody asks, first and later, and between two questions.
      for (int round = 0; round < 3; round++) {
        byte[] read = thread.order(order(DMA_READ, access(0x10000, 4, new byte[0])));
        assertThat(ByteBuffer.wrap(read).order(ByteOrder.nativeOrder()).getInt(32)).isEqualTo(99);
        device.region(0).read(0, ByteBuffer.allocate(4));
      }
      thread.order(order(DMA_WRITE, access(0x10000 + PAGE, 1, new byte[] {42})));
      assertThat(memory.get(PAGE)).isEqualTo((byte) 42);
      device.dma().unmap(new MemoryRange(0x10000, 4 * PAGE));
      assertRefused(EFAULT, order(DMA_READ, access(0x10000, 4, new byte[0])));
    }
  }

  @Test
  void takesTheOrderThatCameAlongWithAnAnswer() throws Exception {
    byte[] order = order(DMA_READ, access(0, 4, new byte[0]));
    open(
        server()
            .on(
                REGION_WRITE,
                (message, files, usual) ->
                    List.of(
                        new Answer(
                            LibvfioUser.concat(usual.get().get(0).bytes(), order), List.of()))),
        "");
    try (MemoryFile file = MemoryFile.create("guest", PAGE)) {
      ByteBuffer memory = file.slice(0, PAGE).order(ByteOrder.nativeOrder());
      memory.putInt(0, 99);
      device.dma().map(0, memory, Direction.READ_WRITE);
      device.region(0).write(0, ByteBuffer.allocate(4));
      byte[] read = thread.answer();
      assertThat(ByteBuffer.wrap(read).order(ByteOrder.nativeOrder()).getInt(32)).isEqualTo(99);
      device.dma().unmap(new MemoryRange(0, PAGE));
    }
  }

  /** Opens a device whose server gives its orders over a second socket; returns its end of that. */
  private Fd openWithSecondSocket(LibvfioUser server) throws Exception {
    List<Fd> twins = MessageSocket.pair();
    server.on(
        VERSION,
        (message, files, usual) ->
            List.of(new Answer(usual.get().get(0).bytes(), List.of(twins.get(0)))));
    server.versionJson = "{\"capabilities\":{\"twin_socket\":{\"supported\":true,\"fd_index\":0}}}";
    open(server, "");
    twins.get(0).close();
    return twins.get(1);
  }

  @Test
  void takesOrdersOverASecondSocket() throws Exception {
    LibvfioUser server = server();
    Fd twin = openWithSecondSocket(server);
    try (ServerThread orders = new ServerThread(twin, server)) {
      ByteBuffer memory = aligned(PAGE).order(ByteOrder.nativeOrder());
      memory.putInt(0, 99);
      device.dma().map(0, memory, Direction.READ_WRITE);
      byte[] answer = orders.order(order(DMA_READ, access(0, 4, new byte[0])));
      assertThat(ByteBuffer.wrap(answer).order(ByteOrder.nativeOrder()).getInt(32)).isEqualTo(99);
      device.close();
    }
  }

  @Test
  void logsWhatTheServerHadItWrite() throws Exception {
    open(server(), "?dma=messages");
    device.dma().map(0x10000, aligned(16 * PAGE), Direction.READ_WRITE);
    DmaLog log = device.capability(DmaLog.class).orElseThrow();
    assertThat(log.start(List.of(new MemoryRange(0x10000, 16 * PAGE)), PAGE)).isEqualTo(PAGE);
    thread.order(order(DMA_WRITE, access(0x10000 + 2 * PAGE - 1, 2, new byte[2])));
    thread.order(order(DMA_WRITE, access(0x10000 + 9 * PAGE, 2, new byte[2])));
    // Half of it is asked for: the rest is told later.
    DirtyBitmap half = new DirtyBitmap(new MemoryRange(0x10000, 8 * PAGE), PAGE);
    log.report(half);
    assertThat(half.dirtyPages()).isEqualTo(2);
    assertThat(half.isDirty(1)).isTrue();
    assertThat(half.isDirty(2)).isTrue();
    DirtyBitmap all = new DirtyBitmap(new MemoryRange(0x10000, 16 * PAGE), PAGE);
    log.report(all);
    assertThat(all.dirtyPages()).isEqualTo(1);
    assertThat(all.isDirty(9)).isTrue();
    log.stop();
    assertThatThrownBy(() -> log.report(all)).isInstanceOf(MigrationException.class);
  }

  @Test
  void asksTheServerForItsLogMappingByMapping() throws Exception {
    List<String> asked = new ArrayList<>();
    LibvfioUser.Responder logs =
        (message, files, usual) -> {
          int flags = message.getInt(20);
          byte[] body = LibvfioUser.body(message);
          return switch (flags & 0xffff) {
            case 6 -> {
              if ((flags & 0x40000) == 0) {
                asked.add("start " + message.getLong(24) + " " + message.getInt(32));
              }
              yield List.of(LibvfioUser.reply(message, body));
            }
            case 7 -> {
              asked.add("stop");
              yield List.of(LibvfioUser.reply(message, body));
            }
            case 8 -> {
              asked.add(
                  "report %x %x %d"
                      .formatted(message.getLong(24), message.getLong(32), message.getLong(40)));
              yield List.of(
                  LibvfioUser.reply(
                      message, LibvfioUser.concat(body, new byte[] {5, 0, 0, 0, 0, 0, 0, 0})));
            }
            default -> usual.get();
          };
        };
    open(server().on(DEVICE_FEATURE, logs), "");
    DmaLog log = device.capability(DmaLog.class).orElseThrow();
    // Nothing is mapped, so the server, which would end itself, is not asked.
    log.start(List.of(new MemoryRange(0, 1 << 20)), PAGE);
    log.stop();
    assertThat(asked).isEmpty();
    try (MemoryFile file = MemoryFile.create("guest", 8 * PAGE)) {
      device.dma().map(0x10000, file.slice(0, 4 * PAGE), Direction.READ_WRITE);
      device.dma().map(0x20000, file.slice(4 * PAGE, 4 * PAGE), Direction.READ_WRITE);
      assertThat(log.start(List.of(new MemoryRange(0, 1 << 20)), PAGE)).isEqualTo(PAGE);
      DirtyBitmap part = new DirtyBitmap(new MemoryRange(0x11000, 2 * PAGE), PAGE);
      log.report(part);
      assertThat(part.dirtyPages()).isEqualTo(1);
      assertThat(part.isDirty(1)).isTrue();
      log.stop();
      assertThat(asked).containsExactly("start 4096 1", "report 10000 4000 4096", "stop");
      device.close();
    }
  }

  /** A server logs what it writes into the file, not what it asks for. */
  @Test
  void logsWhatTheServerHadItWriteIntoAFile() throws Exception {
    LibvfioUser.Responder logs =
        (message, files, usual) -> {
          int feature = message.getInt(20) & 0xffff;
          byte[] body = LibvfioUser.body(message);
          return feature < 6 || feature > 8
              ? usual.get()
              : List.of(
                  LibvfioUser.reply(
                      message, feature == 8 ? LibvfioUser.concat(body, new byte[8]) : body));
        };
    open(server().on(DEVICE_FEATURE, logs), "");
    DmaLog log = device.capability(DmaLog.class).orElseThrow();
    try (MemoryFile file = MemoryFile.create("guest", 4 * PAGE)) {
      device.dma().map(0x10000, file.slice(0, 4 * PAGE), Direction.READ_WRITE);
      log.start(List.of(new MemoryRange(0x10000, 4 * PAGE)), PAGE);
      thread.order(order(DMA_WRITE, access(0x10000 + 2 * PAGE, 1, new byte[1])));
      DirtyBitmap all = new DirtyBitmap(new MemoryRange(0x10000, 4 * PAGE), PAGE);
      log.report(all);
      assertThat(all.dirtyPages()).isEqualTo(1);
      assertThat(all.isDirty(2)).isTrue();
      log.stop();
      device.close();
    }
  }

  @Test
  void whatTheServerDoesNotMapItDoesNotReach() throws Exception {
    open(
        server().on(DMA_MAP, (message, files, usual) -> List.of(LibvfioUser.refusal(message))), "");
    assertThatThrownBy(() -> device.dma().map(0x10000, aligned(PAGE), Direction.READ_WRITE))
        .isInstanceOf(MigrationException.class);
    assertRefused(EFAULT, order(DMA_READ, access(0x10000, 4, new byte[0])));
  }

  @Test
  void mapsNoMoreThanTheServerAllows() throws Exception {
    LibvfioUser server = server();
    server.versionJson = "{\"capabilities\":{\"max_dma_maps\":1}}";
    open(server, "");
    device.dma().map(0x10000, aligned(PAGE), Direction.READ_WRITE);
    assertThatThrownBy(() -> device.dma().map(0x20000, aligned(PAGE), Direction.READ_WRITE))
        .hasMessageContaining("it allows 1 mappings");
    assertThat(Collections.frequency(server.commands, DMA_MAP)).isEqualTo(1);
  }

  @Test
  void aServerThatUnmapsSomethingElseIsNotBelieved() throws Exception {
    open(
        server()
            .on(
                DMA_UNMAP,
                (message, files, usual) -> {
                  byte[] other = LibvfioUser.body(message);
                  other[9] ^= 0x10;
                  return List.of(LibvfioUser.reply(message, other));
                }),
        "");
    device.dma().map(0x10000, aligned(PAGE), Direction.READ_WRITE);
    assertThatThrownBy(() -> device.dma().unmap(new MemoryRange(0x10000, PAGE)))
        .hasMessageContaining("something else than was asked for");
  }

  @Test
  void whatIsMappedWhileTheLogIsOnCountsAsWritten() throws Exception {
    open(server(), "?dma=messages");
    device.dma().map(0x10000, aligned(PAGE), Direction.READ_WRITE);
    DmaLog log = device.capability(DmaLog.class).orElseThrow();
    log.start(List.of(new MemoryRange(0x10000, 16 * PAGE)), PAGE);
    device.dma().map(0x12000, aligned(2 * PAGE), Direction.READ_WRITE);
    DirtyBitmap all = new DirtyBitmap(new MemoryRange(0x10000, 16 * PAGE), PAGE);
    log.report(all);
    assertThat(all.dirtyPages()).isEqualTo(2);
    assertThat(all.isDirty(2)).isTrue();
    assertThat(all.isDirty(3)).isTrue();
    log.stop();
  }

  @Test
  void aFileThatTheServerDoesNotMapIsClosed() throws Exception {
    int[] errno = {ENOSPC};
    open(
        server()
            .on(
                DMA_MAP,
                (message, files, usual) -> List.of(LibvfioUser.refusal(message, errno[0]))),
        "");
    try (MemoryFile file = MemoryFile.create("guest", PAGE)) {
      long before = OpenFiles.count();
      MigrationException e = notMapped(file);
      assertThat(e.code()).isEqualTo(DeviceError.OUT_OF_RESOURCES);
      errno[0] = EINVAL;
      assertThat(notMapped(file).code()).isEqualTo(DeviceError.BAD_REQUEST);
      // The server closes its own before it takes the next question.
      device.region(0).read(0, ByteBuffer.allocate(4));
      assertThat(OpenFiles.count()).isEqualTo(before);
    }
  }

  private MigrationException notMapped(MemoryFile file) {
    return catchThrowableOfType(
        MigrationException.class,
        () -> device.dma().map(0x10000, file.slice(0, PAGE), Direction.READ_WRITE));
  }

  @Test
  void whatTheServerDoesNotUnmapItStillReaches() throws Exception {
    boolean[] refuses = {true};
    open(
        server()
            .on(
                DMA_UNMAP,
                (message, files, usual) ->
                    refuses[0] ? List.of(LibvfioUser.refusal(message)) : usual.get()),
        "");
    device.dma().map(0x10000, aligned(PAGE), Direction.READ_WRITE);
    MemoryRange range = new MemoryRange(0x10000, PAGE);
    assertThat(
            catchThrowableOfType(MigrationException.class, () -> device.dma().unmap(range)).code())
        .isEqualTo(DeviceError.IO_FAILED);
    assertThat(body(thread.order(order(DMA_READ, access(0x10000, 4, new byte[0]))))).hasSize(20);
    refuses[0] = false;
    device.dma().unmap(range);
    assertRefused(EFAULT, order(DMA_READ, access(0x10000, 4, new byte[0])));
  }

  @Test
  void aServerThatUnmapsLessIsNotBelieved() throws Exception {
    open(
        server()
            .on(
                DMA_UNMAP,
                (message, files, usual) -> {
                  byte[] less = LibvfioUser.body(message);
                  less[17] = 0;
                  return List.of(LibvfioUser.reply(message, less));
                }),
        "");
    device.dma().map(0x10000, aligned(PAGE), Direction.READ_WRITE);
    assertThatThrownBy(() -> device.dma().unmap(new MemoryRange(0x10000, PAGE)))
        .hasMessageContaining("something else than was asked for");
  }

  @Test
  void theServerLearnsInWhichDirectionMemoryIsGiven() throws Exception {
    List<Integer> flags = new ArrayList<>();
    open(
        server()
            .on(
                DMA_MAP,
                (message, files, usual) -> {
                  flags.add(message.getInt(20));
                  return usual.get();
                }),
        "");
    device.dma().map(0x10000, aligned(PAGE), Direction.READ);
    device.dma().map(0x20000, aligned(PAGE), Direction.WRITE);
    device.dma().map(0x30000, aligned(PAGE), Direction.READ_WRITE);
    assertThat(flags).containsExactly(1, 2, 3);
  }

  @Test
  void aServerThatTakesNoFilesGetsNone() throws Exception {
    LibvfioUser server = looking();
    server.versionJson = "{\"capabilities\":{\"max_msg_fds\":0}}";
    open(server, "");
    try (MemoryFile file = MemoryFile.create("guest", PAGE)) {
      device.dma().map(0, file.slice(0, PAGE), Direction.READ_WRITE);
      device.dma().unmap(new MemoryRange(0, PAGE));
    }
    assertThat(maps).containsExactly(0);
    // Nor files for interrupts.
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class, () -> device.interrupts().enable(2, 1, vector -> {}));
    assertThat(e.errno()).hasValue(EINVAL);
    assertThat(server.commands).doesNotContain(SET_IRQS);
  }

  @Test
  void withoutItsSecondSocketADeviceIsLost() throws Exception {
    Fd twin = openWithSecondSocket(server());
    device.region(0).read(0, ByteBuffer.allocate(4));
    twin.close();
    // The end of the first connection is what the server sees of it.
    thread.awaitEnd();
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class, () -> device.region(0).read(0, ByteBuffer.allocate(4)));
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
  }

  @Test
  void anInterruptedThreadStillGetsItsAnswer() throws Exception {
    Thread asks = Thread.currentThread();
    open(
        server()
            .on(
                RESET,
                (message, files, usual) -> {
                  // Not before it began to wait.
                  while (asks.isInterrupted()) {
                    Thread.onSpinWait();
                  }
                  return usual.get();
                }),
        "");
    device.dma().map(0, aligned(PAGE), Direction.READ);
    // Nobody asks, so it is a thread of the channel that hears this, and answers from now on.
    thread.order(order(DMA_READ, access(0, 4, new byte[0])));
    asks.interrupt();
    device.reset();
    assertThat(Thread.interrupted()).as("still interrupted").isTrue();
  }
}
