package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.MappedMemory;
import io.vferry.host.linux.syscall.MemoryFile;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.host.linux.user.socket.ListeningSocket;
import io.vferry.host.linux.user.socket.MessageSocket;
import io.vferry.host.linux.user.socket.OpenFiles;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace.Direction;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
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
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What only a real socket shows: files, waiting, and the server's orders. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ClientOverSocketTest {

  private static final int PAGE = 4096;
  private static final int DMA_READ = 11;
  private static final int DMA_WRITE = 12;
  private static final int EFAULT = 14;
  private static final int EACCES = 13;
  private static final int EINVAL = 22;

  @TempDir Path folder;
  private long openBefore;
  private ServerThread thread;
  private HostDevice device;

  @BeforeEach
  void count() {
    openBefore = OpenFiles.count();
  }

  @AfterEach
  void nothingStaysOpen() throws Exception {
    if (device != null) {
      device.close();
    }
    if (thread != null) {
      thread.close();
    }
    assertThat(OpenFiles.count()).isEqualTo(openBefore);
  }

  private void open(LibvfioUser server, String parameters) throws Exception {
    List<Fd> pair = MessageSocket.pair();
    thread = new ServerThread(pair.get(0), server);
    DeviceAddress address = DeviceAddress.parse("vfio-user:/run/test.sock" + parameters);
    device =
        VfioUserBackend.open(
            address,
            ClientParameters.of(address),
            NoClock.INSTANCE,
            Map.of(),
            new MessageSocket(pair.get(1), MessageSocket.Limits.DEFAULT));
  }

  private static ByteBuffer aligned(int bytes) {
    return ByteBuffer.allocateDirect(bytes + PAGE).alignedSlice(PAGE).slice(0, bytes);
  }

  /** A server that looks at what it is given. */
  private static final class Memory extends LibvfioUser {
    final List<Long> maps = new ArrayList<>();
    final BlockingQueue<Integer> values = new LinkedBlockingQueue<>();

    Memory() {
      super(Version.JUNE, 64);
    }

    @Override
    List<Answer> answer(ByteBuffer message, List<Fd> files) {
      if (message.getShort(2) == 2) {
        maps.add((long) files.size());
        if (!files.isEmpty()) {
          try (MappedMemory map =
              MappedMemory.of(files.get(0), message.getLong(24), PAGE, true, true)) {
            ByteBuffer bytes = map.slice(0, PAGE);
            values.add(bytes.getInt(0));
            bytes.putInt(4, 4711);
          } catch (io.vferry.host.linux.syscall.KernelError e) {
            throw new AssertionError(e);
          }
        }
      }
      return super.answer(message, files);
    }
  }

  @Test
  void givesMemoryAsTheFileThatIsBehindIt() throws Exception {
    Memory server = new Memory();
    open(server, "");
    try (MemoryFile file = MemoryFile.create("guest", 8 * PAGE)) {
      ByteBuffer part = file.slice(3 * PAGE, 2 * PAGE);
      part.putInt(0, 1234);
      device.dma().map(0x10000, part, Direction.READ_WRITE);
      assertThat(server.values.take()).isEqualTo(1234);
      assertThat(part.getInt(4)).isEqualTo(4711);
      device.dma().unmap(new MemoryRange(0x10000, 2 * PAGE));
    }
    Path path = folder.resolve("ram");
    // The file is mapped and not open any more: it is found by its path.
    ByteBuffer mapped = mapped(path);
    mapped.putInt(0, 77);
    device.dma().map(0x20000, mapped, Direction.READ_WRITE);
    assertThat(server.values.take()).isEqualTo(77);
    assertThat(mapped.getInt(4)).isEqualTo(4711);
    device.dma().unmap(new MemoryRange(0x20000, PAGE));
    ByteBuffer plain = aligned(PAGE);
    device.dma().map(0x30000, plain, Direction.READ_WRITE);
    assertThat(server.maps).containsExactly(1L, 1L, 0L);
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
    Memory server = new Memory();
    open(server, "?dma=messages");
    try (MemoryFile file = MemoryFile.create("guest", PAGE)) {
      device.dma().map(0, file.slice(0, PAGE), Direction.READ_WRITE);
      device.dma().unmap(new MemoryRange(0, PAGE));
    }
    assertThat(server.maps).containsExactly(0L);
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

  private static byte[] shortAccess(long address, int count, byte[] data) {
    return ByteBuffer.allocate(12 + data.length)
        .order(ByteOrder.nativeOrder())
        .putLong(address)
        .putInt(count)
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
  void servesMemoryByMessageInBothLayouts() throws Exception {
    open(new LibvfioUser(Version.JUNE, 64), "");
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
    assertThat(body(thread.order(order(DMA_READ, shortAccess(0x11000 - 50, 100, new byte[0])))))
        .isEqualTo(shortAccess(0x11000 - 50, 100, expected));

    byte[] data = "written by the device".getBytes(java.nio.charset.StandardCharsets.UTF_8);
    assertThat(body(thread.order(order(DMA_WRITE, access(0x10ff8, data.length, data)))))
        .isEqualTo(access(0x10ff8, data.length, new byte[0]));
    byte[] found = new byte[data.length];
    memory.get(PAGE - 8, found);
    assertThat(found).isEqualTo(data);
    // The older layout, whose reply has no body.
    assertThat(body(thread.order(order(DMA_WRITE, shortAccess(0x10002, data.length, data)))))
        .isEmpty();
    memory.get(2, found);
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
    CompletableFuture<byte[]> read = new CompletableFuture<>();
    LibvfioUser server =
        new LibvfioUser(Version.JUNE, 64) {
          @Override
          List<Answer> answer(ByteBuffer message, List<Fd> files) {
            List<Answer> answers = super.answer(message, files);
            return message.getShort(2) == 10
                ? List.of(
                    new Answer(order(DMA_READ, access(0, 4, new byte[0])), List.of()),
                    answers.get(0))
                : answers;
          }
        };
    open(server, "");
    ByteBuffer memory = aligned(PAGE).order(ByteOrder.nativeOrder());
    memory.putInt(0, 99);
    device.dma().map(0, memory, Direction.READ_WRITE);
    device.region(0).write(0, ByteBuffer.allocate(4));
    read.complete(thread.order(order(DMA_READ, access(0, 4, new byte[0]))));
    assertThat(ByteBuffer.wrap(read.get()).order(ByteOrder.nativeOrder()).getInt(32)).isEqualTo(99);
  }

  @Test
  void takesOrdersOverASecondSocket() throws Exception {
    List<Fd> twins = MessageSocket.pair();
    LibvfioUser server =
        new LibvfioUser(Version.JUNE, 64) {
          @Override
          List<Answer> answer(ByteBuffer message, List<Fd> files) {
            List<Answer> answers = super.answer(message, files);
            return message.getShort(2) == 1
                ? List.of(new Answer(answers.get(0).bytes(), List.of(twins.get(0))))
                : answers;
          }
        };
    server.versionJson = "{\"capabilities\":{\"twin_socket\":{\"supported\":true,\"fd_index\":0}}}";
    open(server, "");
    twins.get(0).close();
    try (ServerThread orders = new ServerThread(twins.get(1), server)) {
      ByteBuffer memory = aligned(PAGE).order(ByteOrder.nativeOrder());
      memory.putInt(0, 99);
      device.dma().map(0, memory, Direction.READ_WRITE);
      byte[] answer = orders.order(order(DMA_READ, access(0, 4, new byte[0])));
      assertThat(ByteBuffer.wrap(answer).order(ByteOrder.nativeOrder()).getInt(32)).isEqualTo(99);
      device.close();
    }
  }

  @Test
  void tellsOfInterrupts() throws Exception {
    List<Fd> signals = Collections.synchronizedList(new ArrayList<>());
    List<Integer> counts = new ArrayList<>();
    LibvfioUser server =
        new LibvfioUser(Version.JUNE, 64) {
          @Override
          List<Answer> answer(ByteBuffer message, List<Fd> files) {
            if (message.getShort(2) == 7) {
              return List.of(reply(message, ints(16, 1, message.getInt(24), 20)));
            }
            if (message.getShort(2) == 8) {
              assertThat(files).hasSize((message.getInt(20) & 4) != 0 ? message.getInt(32) : 0);
              counts.add(message.getInt(32));
              files.forEach(file -> signals.add(new Fd(file.duplicate())));
            }
            return super.answer(message, files);
          }
        };
    open(server, "");
    BlockingQueue<Integer> heard = new LinkedBlockingQueue<>();
    device.interrupts().enable(2, 20, heard::add);
    // Eight files a message.
    assertThat(counts).containsExactly(8, 8, 4);
    Argument one = new Argument(8).putLong(0, 1);
    signals.get(17).write(one.address(), 8);
    assertThat(heard.take()).isEqualTo(17);
    device.interrupts().disable(2);
    assertThat(counts).containsExactly(8, 8, 4, 0);
    signals.forEach(Fd::close);
  }

  private static LibvfioUser withFiles(byte[] moreOfRegion0, int flags, Fd... files) {
    return new LibvfioUser(Version.JUNE, PAGE) {
      @Override
      List<Answer> answer(ByteBuffer message, List<Fd> got) {
        if (message.getShort(2) != 5 || message.getInt(24) != 0) {
          return super.answer(message, got);
        }
        int whole = 32 + moreOfRegion0.length;
        ByteBuffer body =
            ByteBuffer.allocate(whole)
                .order(ByteOrder.nativeOrder())
                .putInt(whole)
                .putInt(flags)
                .putInt(0)
                .putInt(flags > 7 ? 32 : 0)
                .putLong(PAGE)
                .putLong(0)
                .put(moreOfRegion0);
        // Less room than needed: only the size, without flag of capabilities, as libvfio-user does.
        if (message.getInt(16) >= whole) {
          return List.of(reply(message, body.array(), files));
        }
        // Too little room: only the size, without the flag of capabilities, as libvfio-user does.
        body.putInt(4, flags & 7).putInt(12, 0);
        return List.of(reply(message, Arrays.copyOf(body.array(), 32), files));
      }
    };
  }

  @Test
  void mapsARegionThroughItsFile() throws Exception {
    try (MemoryFile file = MemoryFile.create("bar", 4 * PAGE)) {
      byte[] sparse =
          ByteBuffer.allocate(16 + 32)
              .order(ByteOrder.nativeOrder())
              .putShort((short) 16)
              .putShort((short) 1)
              .putInt(0)
              .putInt(1)
              .putInt(0)
              .putLong(0)
              .putLong(2 * PAGE)
              .putLong(PAGE)
              .putInt(1)
              .array();
      try (EventFd other = new EventFd()) {
        open(withFiles(sparse, 15, other.fd(), file.fd()), "");
      }
      assertThat(device.region(0).info().mappable()).isTrue();
      ByteBuffer mapped = device.region(0).map(16, 8).orElseThrow();
      file.slice(2 * PAGE, PAGE).putLong(16, 0x55aa);
      assertThat(mapped.order(ByteOrder.nativeOrder()).getLong(0)).isEqualTo(0x55aa);
      device.close();
    }
  }

  @Test
  void takesFilesThatCannotBeMappedForWhatTheyAre() throws Exception {
    try (EventFd event = new EventFd();
        MemoryFile tooShort = MemoryFile.create("short", PAGE)) {
      open(withFiles(new byte[0], 7, event.fd()), "");
      assertThat(device.region(0).info().mappable()).isFalse();
      assertThat(device.region(0).map(0, 8)).isEmpty();
      device.close();
      thread.close();
      byte[] beyond =
          ByteBuffer.allocate(16 + 32)
              .order(ByteOrder.nativeOrder())
              .putShort((short) 16)
              .putShort((short) 1)
              .putInt(0)
              .putInt(1)
              .putInt(0)
              .putLong(0)
              .putLong(PAGE)
              .putLong(PAGE)
              .putInt(0)
              .array();
      open(withFiles(beyond, 15, tooShort.fd()), "");
      assertThat(device.region(0).info().mappable()).isFalse();
      device.close();
    }
  }

  @Test
  void closesMoreFilesThanItHasUseFor() throws Exception {
    try (EventFd event = new EventFd()) {
      Fd[] many = Collections.nCopies(253, event.fd()).toArray(Fd[]::new);
      open(withFiles(new byte[0], 3, many), "");
      device.close();
      thread.close();
      // In a reply that is refused as well.
      LibvfioUser server =
          new LibvfioUser(Version.JUNE, 64) {
            @Override
            List<Answer> answer(ByteBuffer message, List<Fd> files) {
              return message.getShort(2) == 4
                  ? List.of(reply(message, ints(16, 3), many))
                  : super.answer(message, files);
            }
          };
      MigrationException e = catchThrowableOfType(MigrationException.class, () -> open(server, ""));
      assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    }
  }

  @Test
  void givesUpAServerThatDoesNotAnswer() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    LibvfioUser server =
        new LibvfioUser(Version.JUNE, 64) {
          @Override
          List<Answer> answer(ByteBuffer message, List<Fd> files) {
            if (message.getShort(2) == 13) {
              try {
                over.await();
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              return List.of();
            }
            return super.answer(message, files);
          }
        };
    for (boolean listens : new boolean[] {false, true}) {
      open(server, "?deadline=50ms");
      if (listens) {
        device.dma().map(0, aligned(PAGE), Direction.READ);
      }
      MigrationException e = catchThrowableOfType(MigrationException.class, () -> device.reset());
      assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
      assertThat(e.getMessage()).contains("/run/test.sock").contains("answer");
      device.close();
      over.countDown();
      thread.close();
    }
  }

  @Test
  void closeEndsAQuestionThatWaits() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    LibvfioUser server =
        new LibvfioUser(Version.JUNE, 64) {
          @Override
          List<Answer> answer(ByteBuffer message, List<Fd> files) {
            if (message.getShort(2) == 13) {
              asked.countDown();
              return List.of();
            }
            return super.answer(message, files);
          }
        };
    open(server, "");
    CompletableFuture<MigrationException> ended =
        CompletableFuture.supplyAsync(
            () -> catchThrowableOfType(MigrationException.class, () -> device.reset()));
    asked.await();
    device.close();
    assertThat(ended.get(30, TimeUnit.SECONDS).getMessage()).contains("was closed");
  }

  @Test
  void logsWhatTheServerHadItWrite() throws Exception {
    open(new LibvfioUser(Version.JUNE, 64), "?dma=messages");
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
    LibvfioUser server =
        new LibvfioUser(Version.JUNE, 64) {
          @Override
          List<Answer> answer(ByteBuffer message, List<Fd> files) {
            if (message.getShort(2) != 16) {
              return super.answer(message, files);
            }
            int flags = message.getInt(20);
            return switch (flags & 0xffff) {
              case 6 -> {
                if ((flags & 0x40000) == 0) {
                  asked.add("start " + message.getLong(24) + " " + message.getInt(32));
                }
                yield List.of(reply(message, LibvfioUser.body(message)));
              }
              case 7 -> {
                asked.add("stop");
                yield List.of(reply(message, LibvfioUser.body(message)));
              }
              case 8 -> {
                asked.add(
                    "report %x %x %d"
                        .formatted(message.getLong(24), message.getLong(32), message.getLong(40)));
                yield List.of(
                    reply(
                        message,
                        LibvfioUser.concat(
                            LibvfioUser.body(message), new byte[] {5, 0, 0, 0, 0, 0, 0, 0})));
              }
              default -> super.answer(message, files);
            };
          }
        };
    open(server, "");
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

  @Test
  void isFoundBehindItsSocket() throws Exception {
    Path path = folder.resolve("s.sock");
    OpenContext context = new OpenContext("nic0", NoClock.INSTANCE);
    DeviceAddress address = DeviceAddress.parse("vfio-user:" + path + "?deadline=5s");
    VfioUserBackend backend = new VfioUserBackend();
    assertThatThrownBy(() -> backend.open(address, context))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("there is no socket " + path);
    try (ListeningSocket listening = ListeningSocket.at(path)) {
      CompletableFuture<HostDevice> opening =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return backend.open(address, context);
                } catch (MigrationException e) {
                  throw new AssertionError(e);
                }
              });
      try (MessageSocket socket = listening.accept(MessageSocket.Limits.DEFAULT)) {
        List<Fd> none = List.of();
        LibvfioUser server = new LibvfioUser(Version.JUNE, 64);
        while (!opening.isDone()) {
          var incoming = socket.receive(TimeUnit.SECONDS.toNanos(30));
          ByteBuffer message =
              ByteBuffer.allocate(16 + incoming.remainingBytes()).order(ByteOrder.nativeOrder());
          message.put(incoming.header().duplicate());
          incoming.read(message);
          socket.send(none, ByteBuffer.wrap(server.answer(message.flip(), none).get(0).bytes()));
          if (server.commands.size() == 4 + 9 + 5 + 4 + 1) {
            break;
          }
        }
        device = opening.get();
        assertThat(device.info().address()).isEqualTo(address);
        assertThat(device.info().bus()).isEqualTo("pci");
        assertThat(device.info().hostMigration()).isTrue();
        device.close();
      }
    }
    assertThatThrownBy(() -> backend.open(DeviceAddress.parse("vfio-user:/x?dedline=1s"), context))
        .isInstanceOf(MigrationException.class)
        .hasMessageContaining("dedline");
  }
}
