package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.syscall.MemoryFile;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.socket.MessageSocket;
import io.vferry.host.linux.user.socket.OpenFiles;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DmaAccessMessage;
import io.vferry.host.linux.user.wire.DmaLayout;
import io.vferry.host.linux.user.wire.DmaMapMessage;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.host.linux.user.wire.RegionAccessMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Action;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Data;
import io.vferry.host.linux.user.wire.VersionMessage;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.state.DeviceState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server at a real socket, and clients that mean no good. */
@Timeout(60)
class UserServerTest {

  private static final int EINVAL = 22;

  @TempDir private Path directory;

  private final ScriptedDevice device = new ScriptedDevice();
  private final HandClock clock = new HandClock();
  private final BlockingQueue<String> left = new LinkedBlockingQueue<>();
  private final List<Fd> secondSockets = new ArrayList<>();
  private UserServer server;
  private Thread thread;
  private Path socket;
  private int nextId;

  @BeforeEach
  void serve() throws Exception {
    serve(ServerSettings.DEFAULT);
  }

  private void serve(ServerSettings settings) throws Exception {
    serve(settings, new ServedDevice("dev", device, Optional.of(device)));
  }

  private void serve(ServerSettings settings, ServedDevice served) throws Exception {
    assumeTrue(Libc.availability().available());
    socket = directory.resolve("a.sock");
    server =
        UserServer.listen(
            socket,
            served,
            settings,
            clock,
            new ServerListener() {
              @Override
              public void disconnected(String reason, SessionCounters counters) {
                left.add(reason);
              }
            });
    thread =
        new Thread(
            () -> {
              try {
                server.run();
              } catch (MigrationException e) {
                left.add("server failed: " + e.getMessage());
              }
            });
    thread.start();
  }

  @AfterEach
  void stop() throws Exception {
    secondSockets.forEach(Fd::close);
    server.close();
    thread.join();
    assertThat(socket).doesNotExist();
  }

  private MessageSocket connect() throws Exception {
    return MessageSocket.connect(socket, MessageSocket.Limits.DEFAULT);
  }

  private MessageSocket greeted(String json) throws Exception {
    MessageSocket client = connect();
    send(client, Command.VERSION, Talk.version(1, json), List.of());
    MessageConnection.Incoming welcome = client.receive(MessageConnection.NO_LIMIT);
    assertThat(MessageHeader.peek(welcome.header()).error()).isFalse();
    secondSockets.addAll(welcome.takeFiles());
    return client;
  }

  private MessageSocket greeted() throws Exception {
    return greeted("{\"capabilities\":{\"max_msg_fds\":8}}\0");
  }

  private void send(MessageSocket client, Command command, ByteBuffer payload, List<Fd> files)
      throws ConnectionException {
    ByteBuffer header = ByteBuffer.allocate(MessageHeader.BYTES).order(ByteOrder.nativeOrder());
    MessageHeader.command(nextId++ & 0xffff, command, payload.remaining()).put(header);
    client.send(files, header.flip(), payload);
  }

  private void send(MessageSocket client, Command command, Payload payload, Fd... files)
      throws ConnectionException {
    send(client, command, Talk.bytes(payload), List.of(files));
  }

  /** Sends a command and returns the error of the reply, 0 if it went well. */
  private int ask(MessageSocket client, Command command, Payload payload, Fd... files)
      throws ConnectionException {
    send(client, command, payload, files);
    return reply(client);
  }

  private static int reply(MessageSocket client) throws ConnectionException {
    MessageHeader header = MessageHeader.peek(client.receive(MessageConnection.NO_LIMIT).header());
    assertThat(header.isReply()).isTrue();
    return header.error() ? header.errno() : 0;
  }

  private void raw(MessageSocket client, String... hex) throws ConnectionException {
    client.send(List.of(), Talk.bytes(hex));
  }

  private String whyItLeft() throws InterruptedException {
    String why = left.poll(30, TimeUnit.SECONDS);
    assertThat(why).isNotNull();
    return why;
  }

  private static final RegionAccessMessage READ = RegionAccessMessage.withoutData(0, 0, 4);

  @Test
  void theNextClientComesWhenOneHasLeft() throws Exception {
    MessageSocket first = greeted();
    MessageSocket second = connect();
    send(second, Command.VERSION, Talk.version(0, "{}\0"), List.of());
    assertThat(ask(first, Command.REGION_READ, READ)).isZero();
    first.close();
    assertThat(whyItLeft()).contains("closed the connection");
    assertThat(reply(second)).isZero();
    assertThat(ask(second, Command.REGION_READ, READ)).isZero();
    second.close();
    whyItLeft();
  }

  @Test
  void messagesMayComeInPieces() throws Exception {
    try (MessageSocket client = greeted()) {
      ByteBuffer message =
          Talk.bytes("0900 0900 20000000 00000000 00000000", "00".repeat(12), "04000000");
      for (int i = 0; i < message.capacity(); i++) {
        client.send(List.of(), message.slice(i, 1));
      }
      assertThat(reply(client)).isZero();
    }
    whyItLeft();
  }

  @Test
  void manyCommandsMayBeOnTheWay() throws Exception {
    try (MessageSocket client = greeted()) {
      for (int i = 0; i < 100; i++) {
        send(client, Command.REGION_READ, READ);
      }
      for (int i = 0; i < 100; i++) {
        MessageHeader header =
            MessageHeader.peek(client.receive(MessageConnection.NO_LIMIT).header());
        assertThat(header.messageId()).isEqualTo(i + 1);
      }
    }
    whyItLeft();
  }

  @Test
  void whatIsTooLongIsSkippedOrEndsIt() throws Exception {
    try (MessageSocket client = greeted()) {
      ByteBuffer large = ByteBuffer.allocateDirect(2 << 20);
      send(client, Command.REGION_WRITE, large, List.of());
      assertThat(reply(client)).isEqualTo(EINVAL);
      assertThat(ask(client, Command.REGION_READ, READ)).as("goes on").isZero();
      raw(client, "0900 0a00 ffffffff 00000000 00000000");
      assertThat(reply(client)).isEqualTo(EINVAL);
      assertThatThrownBy(() -> client.receive(MessageConnection.NO_LIMIT))
          .isInstanceOf(ConnectionException.class);
    }
    assertThat(whyItLeft()).contains("4294967295 bytes");
  }

  @Test
  void nonsenseEndsIt() throws Exception {
    List<String> nonsense =
        List.of(
            "0900 0900 0f000000 00000000 00000000", // shorter than a header
            "0900 0900 10000000 02000000 00000000", // neither command nor reply
            "0900 0b00 10000000 01000000 00000000", // the answer to nothing
            "0900 0b00 10000000 21000000 16000000");
    for (String message : nonsense) {
      MessageSocket client = greeted();
      raw(client, message);
      assertThat(whyItLeft()).as(message).isNotBlank();
      client.close();
    }
    try (MessageSocket client = greeted()) {
      assertThat(ask(client, Command.REGION_READ, READ)).isZero();
    }
    whyItLeft();
  }

  @Test
  void aClientThatLeavesInTheMiddleIsNoTrouble() throws Exception {
    for (String begun :
        List.of(
            "09",
            "0900 0900 20000000 00000000 000000",
            "0900 0900 20000000 00000000 00000000 00")) {
      MessageSocket client = greeted();
      raw(client, begun);
      client.close();
      assertThat(whyItLeft()).contains("in the middle of a message");
    }
  }

  private static List<String> openFiles() throws IOException {
    try (Stream<Path> numbers = Files.list(Path.of("/proc/self/fd"))) {
      List<String> targets = new ArrayList<>();
      for (Path number : numbers.toList()) {
        try {
          targets.add(Files.readSymbolicLink(number).toString().replaceAll("[0-9]+", "N"));
        } catch (IOException e) {
          // The one that lists.
        }
      }
      Collections.sort(targets);
      return targets;
    }
  }

  @Test
  void noFileIsLeftOpen() throws Exception {
    greeted().close();
    whyItLeft();
    List<String> before = openFiles();
    try (MemoryFile memory = MemoryFile.create("test", 1 << 20);
        EventFd counter = new EventFd();
        MessageSocket client = greeted()) {
      DmaMapMessage map = new DmaMapMessage(3, 0, 0, 1 << 20);
      assertThat(ask(client, Command.DMA_MAP, map, memory.fd())).isZero();
      assertThat(ask(client, Command.DMA_MAP, map, memory.fd())).as("the same").isZero();
      DmaMapMessage longer = new DmaMapMessage(3, 0, 1 << 30, 2 << 20);
      assertThat(ask(client, Command.DMA_MAP, longer, memory.fd())).isEqualTo(EINVAL);
      DmaMapMessage elsewhere = new DmaMapMessage(3, 0, 1 << 30, 4096);
      assertThat(ask(client, Command.DMA_MAP, elsewhere, counter.fd()))
          .as("an event counter cannot be mapped")
          .isEqualTo(EINVAL);
      assertThat(ask(client, Command.DMA_MAP, elsewhere, memory.fd(), memory.fd()))
          .isEqualTo(EINVAL);
      SetIrqsMessage irq = SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 1);
      assertThat(ask(client, Command.DEVICE_SET_IRQS, irq, memory.fd()))
          .as("memory counts nothing")
          .isEqualTo(EINVAL);
      assertThat(ask(client, Command.DEVICE_SET_IRQS, irq, counter.fd())).isZero();
      device.listener.signalled(0);
      assertThat(counter.take()).isEqualTo(1);
      Fd[] many = new Fd[253];
      Arrays.fill(many, counter.fd());
      assertThat(ask(client, Command.DEVICE_SET_IRQS, irq, many)).isEqualTo(EINVAL);
      assertThat(ask(client, Command.REGION_READ, READ, many)).isEqualTo(EINVAL);
      assertThat(ask(client, Command.REGION_READ, READ, counter.fd())).isEqualTo(EINVAL);
      // Files with a message that never ends.
      client.send(List.of(many), Talk.bytes("0900 0800 24000000 00000000 00000000 14"));
    }
    whyItLeft();
    assertThat(openFiles()).isEqualTo(before);
    assertThat(device.mapped).isEmpty();
    assertThat(device.enabledVectors).isZero();
    assertThat(device.state).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void memoryIsSharedWithTheClient() throws Exception {
    try (MemoryFile memory = MemoryFile.create("test", 1 << 20);
        MessageSocket client = greeted()) {
      assertThat(
              ask(
                  client,
                  Command.DMA_MAP,
                  new DmaMapMessage(3, 0x1000, 0x9000, 0x1000),
                  memory.fd()))
          .isZero();
      ByteBuffer seen = (ByteBuffer) device.mapped.get(0x9000L);
      seen.put(7, (byte) 42);
      assertThat(memory.slice(0x1007, 1).get(0)).isEqualTo((byte) 42);
      assertThat(
              ask(
                  client,
                  Command.DMA_MAP,
                  new DmaMapMessage(1, 0x2000, 0xa000, 0x1000),
                  memory.fd()))
          .isZero();
      assertThat(((ByteBuffer) device.mapped.get(0xa000L)).isReadOnly()).isTrue();
    }
    whyItLeft();
  }

  private Region remoteMemory() {
    return (Region) device.mapped.get(0x10000L);
  }

  private interface Attempt {
    void run() throws MigrationException;
  }

  private static CompletableFuture<Optional<MigrationException>> inTheDevice(Attempt attempt) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            attempt.run();
            return Optional.empty();
          } catch (MigrationException e) {
            return Optional.of(e);
          }
        });
  }

  @Test
  void otherMemoryIsReachedByMessages() throws Exception {
    try (MessageSocket client = greeted()) {
      assertThat(ask(client, Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000))).isZero();
      ByteBuffer read = ByteBuffer.allocate(4);
      CompletableFuture<Optional<MigrationException>> reading =
          inTheDevice(() -> remoteMemory().read(8, read));
      MessageConnection.Incoming question = client.receive(MessageConnection.NO_LIMIT);
      MessageHeader header = MessageHeader.peek(question.header());
      assertThat(header.command()).isEqualTo(Command.DMA_READ.number());
      assertThat(question.body()).isEqualTo(Talk.bytes("0800010000000000 0400000000000000"));
      // A command comes in between, and is answered while the device waits.
      assertThat(ask(client, Command.REGION_READ, READ)).isZero();
      answer(
          client,
          header,
          DmaAccessMessage.withData(DmaLayout.CURRENT, 0x10008, Talk.bytes("0a0b0c0d")));
      assertThat(reading.get()).isEmpty();
      assertThat(read.flip()).isEqualTo(Talk.bytes("0a0b0c0d"));

      CompletableFuture<Optional<MigrationException>> writing =
          inTheDevice(() -> remoteMemory().write(0, Talk.bytes("01")));
      question = client.receive(MessageConnection.NO_LIMIT);
      header = MessageHeader.peek(question.header());
      assertThat(header.command()).isEqualTo(Command.DMA_WRITE.number());
      assertThat(question.body()).isEqualTo(Talk.bytes("0000010000000000 0100000000000000 01"));
      ByteBuffer refusal = ByteBuffer.allocate(MessageHeader.BYTES).order(ByteOrder.nativeOrder());
      header.refusal(14).put(refusal);
      client.send(List.of(), refusal.flip());
      assertThat(writing.get().orElseThrow().errno()).hasValue(14);
    }
    whyItLeft();
  }

  private static void answer(MessageSocket client, MessageHeader command, Payload payload)
      throws ConnectionException {
    ByteBuffer reply =
        ByteBuffer.allocate(MessageHeader.BYTES + payload.sizeBytes())
            .order(ByteOrder.nativeOrder());
    command.reply(payload.sizeBytes()).put(reply);
    payload.put(reply);
    client.send(List.of(), reply.flip());
  }

  @Test
  void aSecondSocketCarriesTheServersCommands() throws Exception {
    MessageSocket client = connect();
    send(
        client,
        Command.VERSION,
        Talk.version(1, "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}\0"),
        List.of());
    MessageConnection.Incoming welcome = client.receive(MessageConnection.NO_LIMIT);
    VersionMessage version = VersionMessage.decode(welcome.body());
    assertThat(version.capabilities().twinSocket().orElseThrow().fdIndex()).hasValue(0);
    List<Fd> files = welcome.takeFiles();
    assertThat(files).hasSize(1);
    try (MessageSocket second = new MessageSocket(files.get(0), MessageSocket.Limits.DEFAULT)) {
      assertThat(ask(client, Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000))).isZero();
      CompletableFuture<Optional<MigrationException>> writing =
          inTheDevice(() -> remoteMemory().write(0, Talk.bytes("0102")));
      MessageHeader header =
          MessageHeader.peek(second.receive(MessageConnection.NO_LIMIT).header());
      answer(second, header, DmaAccessMessage.withoutData(DmaLayout.CURRENT, 0x10000, 2));
      assertThat(writing.get()).isEmpty();

      CompletableFuture<Optional<MigrationException>> wrong =
          inTheDevice(() -> remoteMemory().write(0, Talk.bytes("0102")));
      header = MessageHeader.peek(second.receive(MessageConnection.NO_LIMIT).header());
      answer(second, header, DmaAccessMessage.withoutData(DmaLayout.CURRENT, 0x10000, 1));
      assertThat(wrong.get().orElseThrow().getMessage()).contains("answers for 1 at 0x10000");
    }
    client.close();
    assertThat(whyItLeft()).contains("answers for 1 at 0x10000");
  }

  private static final List<String> ONE_SOCKET_OR_TWO =
      List.of("{}\0", "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}\0");

  /** The time is the test's: nothing happens before it says so. */
  @Test
  void whoDoesNotAnswerLosesTheConnection() throws Exception {
    for (String json : ONE_SOCKET_OR_TWO) {
      MessageSocket client = greeted(json);
      assertThat(ask(client, Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000))).isZero();
      Region memory = remoteMemory();
      CompletableFuture<Optional<MigrationException>> writing =
          inTheDevice(() -> memory.write(0, Talk.bytes("01")));
      HandClock.Later deadline = clock.later.take();
      assertThat(deadline.delayNanos).isEqualTo(ServerSettings.DEFAULT.dmaDeadlineNanos());
      if (secondSockets.isEmpty()) {
        MessageHeader order =
            MessageHeader.peek(client.receive(MessageConnection.NO_LIMIT).header());
        assertThat(order.command()).isEqualTo(Command.DMA_WRITE.number());
      }
      assertThat(ask(client, Command.REGION_READ, READ)).as("it goes on meanwhile").isZero();
      assertThat(writing).isNotDone();

      deadline.now();

      MigrationException failure = writing.get().orElseThrow();
      assertThat(failure.code()).as(json).isEqualTo(DeviceError.TIMEOUT);
      assertThat(failure).hasMessageContaining("did not answer DMA_WRITE within 10000 ms");
      assertThat(whyItLeft()).as(json).contains("did not answer DMA_WRITE within 10000 ms");
      MigrationException later =
          inTheDevice(() -> memory.write(0, Talk.bytes("01"))).get().orElseThrow();
      assertThat(later.code()).isEqualTo(DeviceError.BAD_REQUEST);
      assertThat(clock.later).as("nothing is waited for any more").isEmpty();
      client.close();
    }
  }

  @Test
  void aDeadlineThatComesAfterTheAnswerIsNone() throws Exception {
    for (String json : ONE_SOCKET_OR_TWO) {
      try (MessageSocket client = greeted(json)) {
        assertThat(ask(client, Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000))).isZero();
        MessageSocket orders =
            secondSockets.isEmpty()
                ? client
                : new MessageSocket(secondSockets.remove(0), MessageSocket.Limits.DEFAULT);
        for (int round = 0; round < 2; round++) {
          CompletableFuture<Optional<MigrationException>> writing =
              inTheDevice(() -> remoteMemory().write(0, Talk.bytes("01")));
          MessageHeader header =
              MessageHeader.peek(orders.receive(MessageConnection.NO_LIMIT).header());
          answer(orders, header, DmaAccessMessage.withoutData(DmaLayout.CURRENT, 0x10000, 1));
          assertThat(writing.get()).isEmpty();
          clock.later.take().now();
        }
        assertThat(ask(client, Command.REGION_READ, READ)).isZero();
        if (orders != client) {
          orders.close();
        }
      }
      whyItLeft();
    }
  }

  /** Only what waits at the same time is too much, not what comes in the course of time. */
  @Test
  void manyCommandsOneAfterTheOtherAreNoAttack() throws Exception {
    try (MessageSocket client = greeted()) {
      assertThat(ask(client, Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000))).isZero();
      ByteBuffer large = ByteBuffer.allocateDirect(1 << 20);
      for (int megabytes = 0; megabytes < 70; megabytes++) {
        assertThat(
                ask(
                    client,
                    Command.REGION_WRITE,
                    RegionAccessMessage.withData(0, 0, large.duplicate())))
            .as("more than the region has")
            .isEqualTo(EINVAL);
      }
      assertThat(ask(client, Command.REGION_READ, READ)).isZero();
    }
    whyItLeft();
  }

  /** A region whose writes last until somebody interrupts them. */
  private record Slow() implements Region {

    @Override
    public RegionInfo info() {
      return new RegionInfo(0, 4096, true, true, false);
    }

    @Override
    public void read(long offset, ByteBuffer into) {}

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        throw new MigrationException(DeviceError.INTERRUPTED, "as a test wants it", e);
      }
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }

  @Test
  void filesOfCommandsThatStillWaitAreClosed() throws Exception {
    stop();
    serve(
        ServerSettings.DEFAULT,
        new ServedDevice("dev", new OneRegion(device, new Slow()), Optional.empty()));
    long before = OpenFiles.count();
    try (MessageSocket client = greeted();
        EventFd counter = new EventFd()) {
      assertThat(ask(client, Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000))).isZero();
      Payload write = RegionAccessMessage.withData(0, 0, Talk.bytes("01"));
      send(client, Command.REGION_WRITE, Talk.bytes(write), List.of());
      Payload irqs = SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 1);
      send(client, Command.DEVICE_SET_IRQS, Talk.bytes(irqs), List.of(counter.fd()));
    }
    whyItLeft();
    assertThat(OpenFiles.count()).isEqualTo(before);
  }

  @Test
  void aWrongNumberInAnAnswerEndsIt() throws Exception {
    MessageSocket client = greeted();
    assertThat(ask(client, Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000))).isZero();
    CompletableFuture<Optional<MigrationException>> writing =
        inTheDevice(() -> remoteMemory().write(0, Talk.bytes("01")));
    MessageHeader header = MessageHeader.peek(client.receive(MessageConnection.NO_LIMIT).header());
    MessageHeader other =
        new MessageHeader(header.messageId() + 1, header.command(), 16, header.flags(), 0);
    answer(client, other, DmaAccessMessage.withoutData(DmaLayout.CURRENT, 0x10000, 1));
    assertThat(writing.get()).isPresent();
    assertThat(whyItLeft()).contains("which nobody asked");
    client.close();
  }
}
