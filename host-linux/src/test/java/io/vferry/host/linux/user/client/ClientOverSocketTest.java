package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What only a real socket shows: files and waiting. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ClientOverSocketTest extends SocketFixture {

  private static final int GET_INFO = 4;
  private static final int GET_REGION_INFO = 5;
  private static final int GET_IRQ_INFO = 7;
  private static final int SET_IRQS = 8;
  private static final int RESET = 13;

  @TempDir Path folder;

  /** Answers that each kind of interrupts has so many vectors. */
  private static LibvfioUser.Responder vectors(int count) {
    return (message, files, usual) ->
        List.of(LibvfioUser.reply(message, LibvfioUser.ints(16, 1, message.getInt(24), count)));
  }

  @Test
  void tellsOfInterrupts() throws Exception {
    List<Fd> signals = Collections.synchronizedList(new ArrayList<>());
    List<Integer> counts = new ArrayList<>();
    LibvfioUser server =
        server()
            .on(GET_IRQ_INFO, vectors(20))
            .on(
                SET_IRQS,
                (message, files, usual) -> {
                  assertThat(files).hasSize((message.getInt(20) & 4) != 0 ? message.getInt(32) : 0);
                  counts.add(message.getInt(32));
                  files.forEach(file -> signals.add(new Fd(file.duplicate())));
                  return usual.get();
                });
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

  @Test
  void allInterruptsAreOnOrNone() throws Exception {
    List<String> said = new ArrayList<>();
    LibvfioUser server =
        server()
            .on(GET_IRQ_INFO, vectors(20))
            .on(
                SET_IRQS,
                (message, files, usual) -> {
                  said.add(message.getInt(28) + "+" + message.getInt(32));
                  return message.getInt(28) == 8
                      ? List.of(LibvfioUser.refusal(message))
                      : usual.get();
                });
    open(server, "");
    assertThatThrownBy(() -> device.interrupts().enable(2, 20, vector -> {}))
        .isInstanceOf(MigrationException.class);
    assertThat(said).containsExactly("0+8", "8+8", "0+0");
  }

  @Test
  void masksAndUnmasks() throws Exception {
    List<String> said = new ArrayList<>();
    LibvfioUser server =
        server()
            .on(
                GET_IRQ_INFO,
                (message, files, usual) ->
                    List.of(
                        LibvfioUser.reply(message, LibvfioUser.ints(16, 3, message.getInt(24), 4))))
            .on(
                SET_IRQS,
                (message, files, usual) -> {
                  said.add(
                      "%x %d+%d"
                          .formatted(message.getInt(20), message.getInt(28), message.getInt(32)));
                  return usual.get();
                });
    open(server, "");
    device.interrupts().enable(2, 4, vector -> {});
    device.interrupts().mask(2, 1);
    device.interrupts().unmask(2, 2);
    device.interrupts().trigger(2, 3);
    // Without data, and mask, unmask, trigger: Linux 6.12, include/uapi/linux/vfio.h.
    assertThat(said).containsExactly("24 0+4", "9 1+1", "11 2+1", "21 3+1");
  }

  @Test
  void closeTurnsInterruptsOff() throws Exception {
    open(server().on(GET_IRQ_INFO, vectors(3)), "");
    device.interrupts().enable(2, 3, vector -> {});
    device.close();
    thread.close();
    // Their files are closed too, as the fixture counts.
    assertThat(OpenFiles.count()).isEqualTo(openBefore);
  }

  private static LibvfioUser withFiles(byte[] moreOfRegion0, int flags, Fd... files) {
    LibvfioUser.Responder describes =
        (message, got, usual) -> {
          if (message.getInt(24) != 0) {
            return usual.get();
          }
          byte[] whole = LibvfioUser.region(0, flags, PAGE, 0, moreOfRegion0);
          if (message.getInt(16) >= whole.length) {
            return List.of(LibvfioUser.reply(message, whole, files));
          }
          // Too little room: only the size, without the flag of capabilities, as libvfio-user does.
          ByteBuffer body =
              ByteBuffer.wrap(Arrays.copyOf(whole, 32)).order(ByteOrder.nativeOrder());
          body.putInt(4, flags & 7).putInt(12, 0);
          return List.of(LibvfioUser.reply(message, body.array(), files));
        };
    return new LibvfioUser(Version.JUNE, PAGE).on(GET_REGION_INFO, describes);
  }

  private static byte[] type(int type, int subtype) {
    return ByteBuffer.allocate(16)
        .order(ByteOrder.nativeOrder())
        .putShort((short) 2)
        .putShort((short) 1)
        .putInt(0)
        .putInt(type)
        .putInt(subtype)
        .array();
  }

  @Test
  void findsTheMigrationRegionOfLinux58() throws Exception {
    open(withFiles(type(3, 1), 11), "");
    assertThat(device.info().properties()).containsEntry("v1-region", "0");
    device.close();
    thread.close();
    open(withFiles(type(3, 2), 11), "");
    assertThat(device.info().properties()).doesNotContainKey("v1-region");
  }

  /** Libvfio-user describes a config space that it serves by itself with no flag at all. */
  @Test
  void readsAConfigSpaceWithoutFlagsAndNothingElse() throws Exception {
    open(
        server()
            .on(
                GET_REGION_INFO,
                (message, files, usual) -> {
                  byte[] body = LibvfioUser.body(ByteBuffer.wrap(usual.get().get(0).bytes()));
                  ByteBuffer.wrap(body).order(ByteOrder.nativeOrder()).putInt(4, 0);
                  return List.of(LibvfioUser.reply(message, body));
                }),
        "");
    assertThat(device.info().bus()).isEqualTo("pci");
    device.region(7).read(0, ByteBuffer.allocate(4));
    assertThat(device.region(7).info().writable()).isTrue();
    assertThatThrownBy(() -> device.region(0).read(0, ByteBuffer.allocate(4)))
        .isInstanceOf(MigrationException.class);
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
          server()
              .on(
                  GET_INFO,
                  (message, files, usual) ->
                      List.of(LibvfioUser.reply(message, LibvfioUser.ints(16, 3), many)));
      MigrationException e = catchThrowableOfType(MigrationException.class, () -> open(server, ""));
      assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    }
  }

  @Test
  void givesUpAServerThatDoesNotAnswer() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    LibvfioUser server =
        server()
            .on(
                RESET,
                (message, files, usual) -> {
                  try {
                    over.await();
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                  return List.of();
                });
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
    open(
        server()
            .on(
                RESET,
                (message, files, usual) -> {
                  asked.countDown();
                  return List.of();
                }),
        "");
    CompletableFuture<MigrationException> ended =
        CompletableFuture.supplyAsync(
            () -> catchThrowableOfType(MigrationException.class, () -> device.reset()));
    asked.await();
    device.close();
    assertThat(ended.get(30, TimeUnit.SECONDS).getMessage()).contains("was closed");
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
        LibvfioUser server = server();
        while (!opening.isDone()) {
          var incoming = socket.receive(TimeUnit.SECONDS.toNanos(30));
          ByteBuffer message =
              ByteBuffer.allocate(16 + incoming.remainingBytes()).order(ByteOrder.nativeOrder());
          message.put(incoming.header().duplicate());
          incoming.read(message);
          socket.send(none, ByteBuffer.wrap(server.answer(message.flip(), none).get(0).bytes()));
          if (server.commands.size() == 4 + 9 + 5 + 1 + 1) {
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
