package io.vferry.host.linux.user.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.socket.ConnectionException.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ListeningSocketTest {

  private static final MessageSocket.Limits LIMITS = MessageSocket.Limits.DEFAULT;

  @TempDir Path folder;
  private long openBefore;

  @BeforeEach
  void count() {
    openBefore = OpenFiles.count();
  }

  @AfterEach
  void nothingStaysOpen() {
    assertThat(OpenFiles.count()).isEqualTo(openBefore);
  }

  private static void assertErrno(int errno, Path path) {
    assertThatThrownBy(() -> ListeningSocket.at(path).close())
        .isInstanceOfSatisfying(KernelError.class, e -> assertThat(e.errno()).isEqualTo(errno))
        .hasMessageContaining(path.toString());
  }

  @Test
  void connectsBothEnds() throws Exception {
    Path path = folder.resolve("s");
    try (ListeningSocket listening = ListeningSocket.at(path)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo("rw-------");
      try (MessageSocket client = MessageSocket.connect(path, LIMITS);
          MessageSocket server = listening.accept(LIMITS)) {
        client.send(
            java.util.List.of(),
            java.nio.ByteBuffer.allocate(16).order(java.nio.ByteOrder.nativeOrder()).putInt(4, 16));
        assertThat(server.receive(TimeUnit.SECONDS.toNanos(30)).remainingBytes()).isZero();
      }
    }
    assertThat(path).doesNotExist();
  }

  @Test
  void replacesWhatAKilledProcessLeft() throws Exception {
    Path path = folder.resolve("s");
    // As if it were killed: the socket stays, nobody listens.
    ListeningSocket first = ListeningSocket.at(path);
    Path kept = folder.resolve("kept");
    Files.move(path, kept);
    first.close();
    Files.move(kept, path);
    try (ListeningSocket second = ListeningSocket.at(path)) {
      assertThat(second.path()).exists();
      assertErrno(Errno.EADDRINUSE, path);
    }
  }

  @Test
  void leavesWhatIsNoSocket() throws Exception {
    Path path = Files.createFile(folder.resolve("precious"));
    assertErrno(Errno.EEXIST, path);
    assertThat(path).exists();
    assertErrno(Errno.ENOENT, folder.resolve("none/s"));
    assertErrno(Errno.ENAMETOOLONG, folder.resolve("x".repeat(108)));
  }

  @Test
  void leavesASocketThatIsSomebodyElsesByNow() throws Exception {
    Path path = folder.resolve("s");
    ListeningSocket first = ListeningSocket.at(path);
    Files.delete(path);
    try (ListeningSocket second = ListeningSocket.at(path)) {
      first.close();
      assertThat(second.path()).exists();
    }
  }

  @Test
  void saysThatNobodyListens() {
    assertThatThrownBy(() -> MessageSocket.connect(folder.resolve("none"), LIMITS))
        .isInstanceOfSatisfying(
            KernelError.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
  }

  @Test
  void closeEndsAnAcceptThatWaits() throws Exception {
    ListeningSocket listening = ListeningSocket.at(folder.resolve("s"));
    CompletableFuture<Reason> ended =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                listening.accept(LIMITS).close();
                return Reason.FAILED;
              } catch (ConnectionException e) {
                return e.reason();
              }
            });
    listening.close();
    listening.close();
    assertThat(ended.get()).isEqualTo(Reason.CLOSED);
  }
}
