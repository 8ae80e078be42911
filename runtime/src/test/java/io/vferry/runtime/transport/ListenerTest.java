package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Who gets in and who does not. */
@Timeout(120)
class ListenerTest {

  private static final TransportSettings SETTINGS =
      TransportSettings.defaults().withConnections(2).withDeadlines(1_000, 200, 10_000, 1_000);

  /** For handshakes that cost a cold virtual machine some time. */
  private static final TransportSettings PATIENT =
      SETTINGS.withDeadlines(60_000, 200, 10_000, 1_000);

  private static final Security PLAIN = new Security.Plain();

  @TempDir static Path directory;
  private static TestCredentials alice;
  private static TestCredentials bob;
  private static TestCredentials mallory;

  @RegisterExtension final Ends ends = new Ends();

  @BeforeAll
  static void makeCredentials() throws Exception {
    alice = TestCredentials.make(directory, "alice.example", "EC");
    bob = TestCredentials.make(directory, "bob.example", "EC");
    mallory = TestCredentials.make(directory, "mallory.example", "EC");
  }

  private static void assertFails(ThrowingCallable call, ErrorCode code, String text) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(MigrationException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageContaining(text);
  }

  private static void assertRefused(SocketChannel channel, Hello hello, String why) {
    assertFails(
        () -> Handshake.greet(new TcpLink(channel, "destination"), hello),
        RuntimeError.TRANSPORT_HANDSHAKE_FAILED,
        "the destination destination refused: " + why);
  }

  /** Waits until the listener says that it dropped somebody for the given reason. */
  private static void awaitDrop(TransportListener listener, String why) throws Exception {
    while (true) {
      try {
        listener.accept(20).close();
        throw new AssertionError("somebody was admitted");
      } catch (MigrationException e) {
        assertThat(e.code()).isEqualTo(RuntimeError.DEADLINE_MISSED);
        if (e.getMessage().contains(why)) {
          return;
        }
      }
    }
  }

  @Test
  void strangersAreDroppedAndDisturbNobody() throws Exception {
    TransportListener listener = ends.listen(SETTINGS, PLAIN);
    UUID session = new UUID(3, 4);
    SocketChannel web = ends.dial(listener);
    Ends.write(web, ByteBuffer.wrap(new byte[Hello.BYTES]));
    assertThat(Ends.readToEnd(web)).isZero();
    assertRefused(
        ends.dial(listener), new Hello(9, 0, 1, session), "it speaks version 9 of the protocol");
    assertRefused(
        ends.dial(listener), new Hello(1, 0, 3, session), "it wants 3 data connections, but 1");
    assertRefused(ends.dial(listener), new Hello(1, 0, 0, session), "it wants 0 data connections");
    assertRefused(
        ends.dial(listener), new Hello(1, 2, 1, session), "it is connection 2 of a session of 1");
    assertRefused(
        ends.dial(listener), new Hello(1, 1, 2, session), "it belongs to a session that is not");
    Handshake.greet(new TcpLink(ends.dial(listener), "d"), new Hello(1, 0, 2, session));
    assertRefused(
        ends.dial(listener), new Hello(1, 0, 2, session), "connection 0 of its session is there");
    assertRefused(
        ends.dial(listener), new Hello(1, 1, 1, session), "it says the session has 1 data");

    SourceSession source = ends.connect(SETTINGS, PLAIN, listener);
    DestinationSession destination = ends.closing(listener.accept(20_000));
    source.control().send(new byte[] {42});
    assertThat(destination.control().receive()).hasValue(new byte[] {42});
    assertFails(
        () -> ends.connect(SETTINGS, PLAIN, listener),
        RuntimeError.TRANSPORT_HANDSHAKE_FAILED,
        "busy with another migration");
    source.control().send(new byte[] {43});
    assertThat(destination.control().receive()).hasValue(new byte[] {43});
  }

  @Test
  void anotherSessionIsAdmittedWhenItIsWaitedFor() throws Exception {
    TransportListener listener = ends.listen(SETTINGS, PLAIN);
    ends.connect(SETTINGS, PLAIN, listener);
    ends.closing(listener.accept(20_000));
    FutureTask<DestinationSession> second = new FutureTask<>(() -> listener.accept(0));
    Thread thread = ends.thread(second);
    thread.start();
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    ends.connect(SETTINGS, PLAIN, listener);
    ends.closing(second.get(30, TimeUnit.SECONDS));
  }

  @Test
  void whoIsSlowIsDroppedAtTheDeadline() throws Exception {
    TransportListener listener = ends.listen(SETTINGS, PLAIN);
    SocketChannel slow = ends.dial(listener);
    Ends.write(slow, new Hello(1, 0, 1, new UUID(1, 1)).encode().limit(35));
    assertThat(Ends.readToEnd(slow)).isZero();
    awaitDrop(listener, "did not finish the handshake");
  }

  @Test
  void aSessionThatNeverGetsCompleteIsDropped() throws Exception {
    TransportListener listener = ends.listen(SETTINGS, PLAIN);
    SocketChannel lonely = ends.dial(listener);
    Handshake.greet(new TcpLink(lonely, "d"), new Hello(1, 0, 2, new UUID(5, 5)));
    assertThat(Ends.readToEnd(lonely)).isZero();
  }

  @Test
  void aCrowdOfSilentStrangersDoesNotKeepOthersOut() throws Exception {
    TransportListener listener = ends.listen(PATIENT, PLAIN);
    List<SocketChannel> crowd = new ArrayList<>();
    for (int i = 0; i < 140; i++) {
      crowd.add(ends.dial(listener));
    }
    for (int i = 0; i < 6; i++) {
      Handshake.greet(new TcpLink(ends.dial(listener), "d"), new Hello(1, 0, 2, new UUID(6, i)));
    }
    assertThat(Ends.readToEnd(crowd.get(0))).isZero();
    ends.connect(SETTINGS, PLAIN, listener);
    ends.closing(listener.accept(20_000));
  }

  @Test
  void acceptEndsAtItsTimeoutAndWhenTheListenerIsClosed() throws Exception {
    TransportListener listener = ends.listen(SETTINGS, PLAIN);
    assertFails(() -> listener.accept(20), RuntimeError.DEADLINE_MISSED, "no source came to");
    FutureTask<DestinationSession> waiting = new FutureTask<>(() -> listener.accept(0));
    Thread thread = ends.thread(waiting);
    thread.start();
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    listener.close();
    assertThatThrownBy(() -> waiting.get(30, TimeUnit.SECONDS))
        .hasMessageContaining("the listener on")
        .hasMessageContaining("is closed");
  }

  @Test
  void aDestinationThatIsNotThereIsNamed() throws Exception {
    TransportListener listener = ends.listen(SETTINGS, PLAIN);
    listener.close();
    assertFails(
        () -> ends.connect(SETTINGS, PLAIN, listener),
        RuntimeError.TRANSPORT_CONNECT_FAILED,
        "no session with /127.0.0.1:" + listener.address().getPort());
    TransportListener other = ends.listen(SETTINGS, PLAIN);
    assertFails(
        () -> TransportListener.bind(other.address(), SETTINGS, PLAIN, ends.clock(), ends::thread),
        RuntimeError.TRANSPORT_BIND_FAILED,
        "cannot listen on");
  }

  @Test
  void aDestinationThatSaysNothingIsLeftAtTheDeadline() throws Exception {
    ServerSocketChannel silent = ends.closing(ServerSocketChannel.open().bind(Ends.loopback()));
    assertFails(
        () ->
            new TransportConnector(SETTINGS, PLAIN, ends.clock(), ends::thread)
                .connect((InetSocketAddress) silent.getLocalAddress()),
        RuntimeError.TRANSPORT_CONNECT_FAILED,
        "within 1000 ms");
  }

  @Test
  void oneSideWithTlsAndOneWithoutIsExplained() throws Exception {
    Security.Tls tls = bob.writeTo(directory.resolve("half"), alice, Optional.empty());
    TransportListener secure = ends.listen(PATIENT, tls);
    assertFails(
        () -> ends.connect(PATIENT, PLAIN, secure),
        RuntimeError.TRANSPORT_HANDSHAKE_FAILED,
        "it speaks TLS, but this side was told not to");
    TransportListener plain = ends.listen(PATIENT, PLAIN);
    assertThatThrownBy(() -> ends.connect(PATIENT, tls, plain))
        .isInstanceOf(MigrationException.class);
    awaitDrop(plain, "it speaks TLS, but this side was told not to");
  }

  @Test
  void certificatesThatNobodySignedAreRefusedOnBothSides() throws Exception {
    Security.Tls good = bob.writeTo(directory.resolve("b1"), alice, Optional.empty());
    TransportListener listener = ends.listen(PATIENT, good);
    Security.Tls stranger = mallory.writeTo(directory.resolve("m1"), bob, Optional.empty());
    assertFails(
        () -> ends.connect(PATIENT, stranger, listener),
        RuntimeError.TRANSPORT_UNTRUSTED,
        "no trust between this side and");
    Security.Tls distrustful = alice.writeTo(directory.resolve("a1"), mallory, Optional.empty());
    assertFails(
        () -> ends.connect(PATIENT, distrustful, listener),
        RuntimeError.TRANSPORT_UNTRUSTED,
        "PKIX path");
    awaitDrop(listener, "2 connections were dropped");
  }

  @Test
  void aCertificateOfAnotherNameIsRefusedOnBothSides() throws Exception {
    Security.Tls source = alice.writeTo(directory.resolve("a2"), bob, Optional.of("carol.example"));
    TransportListener anyName =
        ends.listen(PATIENT, bob.writeTo(directory.resolve("b2"), alice, Optional.empty()));
    assertFails(
        () -> ends.connect(PATIENT, source, anyName),
        RuntimeError.TRANSPORT_UNTRUSTED,
        "carol.example");
    TransportListener oneName =
        ends.listen(
            PATIENT, bob.writeTo(directory.resolve("b3"), alice, Optional.of("carol.example")));
    Security.Tls right = alice.writeTo(directory.resolve("a3"), bob, Optional.of("bob.example"));
    assertFails(() -> ends.connect(PATIENT, right, oneName), RuntimeError.TRANSPORT_UNTRUSTED, "");
  }

  @Test
  void badCredentialFilesAreNamed() throws Exception {
    Path files = directory.resolve("bad");
    Security.Tls tls = alice.writeTo(files, bob, Optional.empty());
    Files.writeString(files.resolve("key.pem"), "-----BEGIN RSA PRIVATE KEY-----");
    assertBadFile(tls, "key.pem has no line '-----BEGIN PRIVATE KEY-----'");
    Files.writeString(
        files.resolve("key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----");
    assertBadFile(tls, "key.pem is no EC key");
    Files.writeString(files.resolve("cert.pem"), "", StandardCharsets.US_ASCII);
    assertBadFile(tls, "cert.pem has no certificate in it");
    Files.write(files.resolve("ca.pem"), new byte[(1 << 20) + 1]);
    assertBadFile(tls, "ca.pem is larger than 1 MiB");
    Files.delete(files.resolve("ca.pem"));
    assertBadFile(tls, "ca.pem cannot be read");
  }

  private void assertBadFile(Security tls, String text) {
    assertFails(() -> ends.listen(SETTINGS, tls), RuntimeError.TRANSPORT_BAD_CREDENTIALS, text);
  }
}
