package io.vferry.host.linux.user.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.MemoryFile;
import io.vferry.host.linux.user.socket.ConnectionException.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
@Timeout(60)
class MessageSocketTest {

  private static final long LONG = TimeUnit.SECONDS.toNanos(30);
  private static final MessageSocket.Limits LIMITS = new MessageSocket.Limits(8 << 20, LONG);
  private static final MessageSocket.Limits IMPATIENT =
      new MessageSocket.Limits(8 << 20, TimeUnit.MILLISECONDS.toNanos(20));

  private long openBefore;
  private Fd raw;
  private MessageSocket socket;

  @BeforeEach
  void connect() throws KernelError {
    openBefore = OpenFiles.count();
    open(LIMITS);
  }

  private void open(MessageSocket.Limits limits) throws KernelError {
    List<Fd> pair = MessageSocket.pair();
    raw = pair.get(0);
    socket = new MessageSocket(pair.get(1), limits);
  }

  @AfterEach
  void nothingStaysOpen() {
    socket.close();
    raw.close();
    assertThat(OpenFiles.count()).isEqualTo(openBefore);
  }

  private static ByteBuffer message(int id, byte[] body) {
    return ByteBuffer.allocate(16 + body.length)
        .order(ByteOrder.nativeOrder())
        .putShort((short) id)
        .putShort((short) 9)
        .putInt(16 + body.length)
        .putLong(0)
        .put(body)
        .flip();
  }

  private static byte[] random(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private void writeRaw(ByteBuffer bytes) {
    Argument memory = new Argument(bytes.remaining());
    memory.bytes().put(bytes.duplicate());
    for (int at = 0; at < memory.sizeBytes(); ) {
      long sent = raw.write(memory.address() + at, memory.sizeBytes() - at);
      assertThat(sent).isPositive();
      at += (int) sent;
    }
    memory.keep();
  }

  /** A second end that speaks messages, over the same pair. */
  private MessageSocket peer() {
    return new MessageSocket(new Fd(raw.duplicate()), LIMITS);
  }

  private static byte[] bytes(ByteBuffer from) {
    byte[] bytes = new byte[from.remaining()];
    from.duplicate().get(bytes);
    return bytes;
  }

  @Test
  void cutsTheStreamIntoMessages() throws Exception {
    List<byte[]> bodies = new ArrayList<>();
    for (int length : new int[] {0, 1, 16, 4096, 16 << 10, (16 << 10) + 1, 300_000, 3 << 20, 5}) {
      bodies.add(random(length, length));
    }
    try (MessageSocket peer = peer()) {
      CompletableFuture<Void> sent =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < bodies.size(); i++) {
                  ByteBuffer whole = message(i, bodies.get(i));
                  // Heap and direct parts in one message.
                  ByteBuffer direct = ByteBuffer.allocateDirect(whole.limit() - 16);
                  direct.put(whole.slice(16, whole.limit() - 16)).flip();
                  send(peer, List.of(), whole.slice(0, 16), direct);
                }
              });
      for (int i = 0; i < bodies.size(); i++) {
        MessageConnection.Incoming incoming = socket.receive(LONG);
        assertThat(incoming.header().getShort(0)).isEqualTo((short) i);
        assertThat(incoming.remainingBytes()).isEqualTo(bodies.get(i).length);
        assertThat(bytes(incoming.body())).isEqualTo(bodies.get(i));
        assertThat(incoming.remainingBytes()).isZero();
      }
      sent.get();
    }
  }

  private static void send(MessageSocket socket, List<Fd> files, ByteBuffer... parts) {
    try {
      socket.send(files, parts);
    } catch (ConnectionException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void toleratesAnyDivisionOnTheWay() throws Exception {
    byte[] body = random(40, 7);
    ByteBuffer two = ByteBuffer.allocate(112).put(message(1, body)).put(message(2, body)).flip();
    CompletableFuture<Void> sent =
        CompletableFuture.runAsync(
            () -> {
              for (int i = 0; i < two.limit(); i++) {
                writeRaw(two.slice(i, 1));
              }
            });
    for (int i = 1; i <= 2; i++) {
      MessageConnection.Incoming incoming = socket.receive(LONG);
      assertThat(incoming.header().getShort(0)).isEqualTo((short) i);
      assertThat(bytes(incoming.body())).isEqualTo(body);
    }
    sent.get();
  }

  @Test
  void readsABodyInPiecesAndThrowsAwayTheRest() throws Exception {
    byte[] body = random(1 << 20, 3);
    CompletableFuture<Void> sent =
        CompletableFuture.runAsync(
            () -> {
              writeRaw(message(1, body));
              writeRaw(message(2, body));
              writeRaw(message(3, new byte[0]));
            });
    MessageConnection.Incoming incoming = socket.receive(LONG);
    ByteBuffer head = ByteBuffer.allocate(8);
    incoming.read(head);
    ByteBuffer direct = ByteBuffer.allocateDirect(600_000);
    incoming.read(direct);
    ByteBuffer heap = ByteBuffer.allocate(100_000);
    incoming.read(heap);
    byte[] all =
        ByteBuffer.allocate(700_008).put(head.flip()).put(direct.flip()).put(heap.flip()).array();
    assertThat(all).isEqualTo(java.util.Arrays.copyOf(body, all.length));
    assertThatThrownBy(() -> incoming.read(ByteBuffer.allocate(1 << 20)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(socket.receive(LONG).header().getShort(0)).isEqualTo((short) 2);
    assertThat(socket.receive(LONG).header().getShort(0)).isEqualTo((short) 3);
    sent.get();
  }

  @Test
  void filesArriveWithTheirMessage() throws Exception {
    try (MessageSocket peer = peer();
        MemoryFile file = MemoryFile.create("test", 4096)) {
      file.slice(0, 4096).putLong(8, 0x1122334455667788L);
      // Messages before and behind it are there already when it is read.
      peer.send(List.of(), message(1, new byte[5]));
      peer.send(List.of(file.fd(), file.fd()), message(2, new byte[7]));
      peer.send(List.of(), message(3, new byte[9]));
      peer.send(List.of(file.fd()), message(4, new byte[0]));

      assertThat(socket.receive(LONG).takeFiles()).isEmpty();
      List<Fd> files = socket.receive(LONG).takeFiles();
      assertThat(files).hasSize(2);
      Argument read = new Argument(8);
      assertThat(files.get(1).pread(read.address(), 8, 8)).isEqualTo(8);
      assertThat(read.getLong(0)).isEqualTo(0x1122334455667788L);
      files.forEach(Fd::close);
      assertThat(socket.receive(LONG).takeFiles()).isEmpty();
      // The last one's file is not taken: closed with the next receive, or with the socket.
      assertThat(socket.receive(LONG).header().getShort(0)).isEqualTo((short) 4);
    }
  }

  @Test
  void filesGoWithTheFirstByteOfALongMessage() throws Exception {
    byte[] body = random(4 << 20, 11);
    try (MessageSocket peer = peer();
        EventFd event = new EventFd()) {
      CompletableFuture<Void> sent =
          CompletableFuture.runAsync(
              () -> {
                send(peer, List.of(event.fd()), message(1, body));
                send(peer, List.of(), message(2, body));
              });
      MessageConnection.Incoming incoming = socket.receive(LONG);
      List<Fd> files = incoming.takeFiles();
      assertThat(files).hasSize(1);
      files.get(0).close();
      assertThat(bytes(incoming.body())).isEqualTo(body);
      assertThat(incoming.takeFiles()).isEmpty();
      assertThat(bytes(socket.receive(LONG).body())).isEqualTo(body);
      sent.get();
    }
  }

  @Test
  void takesAsManyFilesAsTheKernelSends() throws Exception {
    try (MessageSocket peer = peer();
        EventFd event = new EventFd()) {
      List<Fd> many = java.util.Collections.nCopies(MessageConnection.MOST_FILES, event.fd());
      peer.send(many, message(1, new byte[1]));
      List<Fd> files = socket.receive(LONG).takeFiles();
      assertThat(files).hasSize(253);
      files.forEach(Fd::close);
      assertThatThrownBy(
              () ->
                  peer.send(
                      java.util.Collections.nCopies(254, event.fd()), message(1, new byte[1])))
          .isInstanceOf(IllegalArgumentException.class);
      // Not taken, and more to come: all closed with the socket.
      peer.send(many, message(2, new byte[1]));
      peer.send(many, message(3, new byte[1]));
      assertThat(socket.receive(LONG).header().getShort(0)).isEqualTo((short) 2);
    }
  }

  @Test
  void aClosedFileIsNotSent() throws Exception {
    EventFd event = new EventFd();
    event.close();
    assertThatThrownBy(() -> socket.send(List.of(event.fd()), message(1, new byte[0])))
        .isInstanceOf(ConnectionException.class)
        .hasMessageContaining("EBADF");
  }

  @Test
  void refusesSizesThatMakeNoSense() throws Exception {
    for (int size : new int[] {0, 15, (8 << 20) + 1, -1, Integer.MIN_VALUE}) {
      socket.close();
      raw.close();
      open(LIMITS);
      writeRaw(message(77, new byte[0]).putInt(4, size));
      assertThatThrownBy(() -> socket.receive(LONG))
          .isInstanceOfSatisfying(
              ConnectionException.class,
              e -> {
                assertThat(e.reason()).isEqualTo(Reason.BAD_MESSAGE);
                assertThat(e).hasMessageContaining(Integer.toUnsignedString(size));
                assertThat(e.header().orElseThrow().getShort(0)).isEqualTo((short) 77);
              });
    }
  }

  @Test
  void saysThatThePeerIsGone() throws Exception {
    raw.close();
    assertReason(Reason.PEER_GONE, () -> socket.receive(LONG), "closed the connection");
    assertReason(Reason.PEER_GONE, () -> socket.send(List.of(), message(1, new byte[9])), "closed");
  }

  @Test
  void saysThatThePeerIsGoneInTheMiddleOfAMessage() throws Exception {
    writeRaw(message(1, new byte[100]).slice(0, 60));
    raw.close();
    MessageConnection.Incoming incoming = socket.receive(LONG);
    assertReason(Reason.PEER_GONE, incoming::body, "in the middle of a message");
  }

  @Test
  void saysThatThePeerIsGoneInTheMiddleOfAHeader() throws Exception {
    writeRaw(message(1, new byte[0]).slice(0, 6));
    raw.close();
    assertReason(Reason.PEER_GONE, () -> socket.receive(LONG), "in the middle of a message");
  }

  private interface Action {
    Object run() throws ConnectionException;
  }

  private interface Sending {
    void run() throws ConnectionException;
  }

  private static void assertReason(Reason reason, Sending action, String text) {
    assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(
            ConnectionException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(text);
  }

  private static void assertReason(Reason reason, Action action, String text) {
    assertReason(reason, (Sending) action::run, text);
  }

  @Test
  void endsAWaitAtItsLimit() throws Exception {
    assertReason(Reason.NOTHING_CAME, () -> socket.receive(1_000_000), "sent nothing");
  }

  @Test
  void aMessageThatDoesNotGoOnTimesOut() throws Exception {
    socket.close();
    raw.close();
    open(IMPATIENT);
    writeRaw(message(1, new byte[100]).slice(0, 60));
    MessageConnection.Incoming incoming = socket.receive(MessageConnection.NO_LIMIT);
    assertReason(Reason.TIMED_OUT, incoming::body, "in time");
  }

  @Test
  void aPeerThatTakesNothingTimesOut() throws Exception {
    socket.close();
    raw.close();
    open(IMPATIENT);
    ByteBuffer large = message(1, new byte[7 << 20]);
    assertReason(
        Reason.TIMED_OUT,
        () -> {
          for (int i = 0; i < 10; i++) {
            socket.send(List.of(), large);
          }
        },
        "in time");
  }

  @Test
  void closeEndsAReceiveThatWaits() throws Exception {
    CompletableFuture<MessageConnection.Incoming> waiting = new CompletableFuture<>();
    Thread receiver =
        new Thread(
            () -> {
              try {
                waiting.complete(socket.receive(MessageConnection.NO_LIMIT));
              } catch (ConnectionException e) {
                waiting.completeExceptionally(e);
              }
            });
    receiver.start();
    socket.close();
    assertThatThrownBy(waiting::get)
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            ConnectionException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED));
    receiver.join();
  }

  @Test
  void closeEndsASendThatWaits() throws Exception {
    CompletableFuture<Void> sending =
        CompletableFuture.runAsync(
            () -> {
              for (; ; ) {
                send(socket, List.of(), message(1, new byte[1 << 20]));
              }
            });
    // Wait until the first bytes have passed, so that it is under way.
    Argument one = new Argument(1);
    assertThat(raw.read(one.address(), 1)).isEqualTo(1);
    socket.close();
    assertThatThrownBy(sending::get)
        .rootCause()
        .isInstanceOf(ConnectionException.class)
        .hasMessageContaining("was closed");
  }
}
