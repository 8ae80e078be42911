package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Runs on an event counter, which makes a reader wait as a device with data under way does. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class KernelMigrationDataTest {

  private final int number = Fd.eventfd();

  private KernelMigrationData data() throws KernelError {
    return new KernelMigrationData("d", new MigrationFd(number), false);
  }

  /** Starts a reader and returns when it waits in the kernel. */
  private static <T> CompletableFuture<T> inPoll(Callable<T> read) throws IOException {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                result.complete(read.call());
              } catch (Exception e) {
                result.completeExceptionally(e);
              }
            },
            "poll-test");
    thread.start();
    while (!waitsInPoll("poll-test")) {
      Thread.onSpinWait();
    }
    return result;
  }

  private static boolean waitsInPoll(String threadName) throws IOException {
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path task : tasks) {
        if (Files.readString(task.resolve("comm")).strip().equals(threadName)) {
          // The number of the system call: poll on x86-64, ppoll on arm64.
          return Files.readString(task.resolve("syscall")).matches("(?s)(7|73) .*");
        }
      }
    }
    return false;
  }

  @Test
  void closeWakesAReader() throws Exception {
    KernelMigrationData data = data();
    CompletableFuture<MigrationException> failure =
        inPoll(
            () ->
                catchThrowableOfType(
                    MigrationException.class, () -> data.read(ByteBuffer.allocateDirect(8))));
    data.close();
    assertThat(failure.get().code()).isEqualTo(DeviceError.SESSION_CLOSED);
  }

  @Test
  void dataWakeAReader() throws Exception {
    try (KernelMigrationData data = data()) {
      ByteBuffer into = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
      CompletableFuture<Integer> read = inPoll(() -> data.read(into));
      ByteBuffer seven = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
      assertThat(data.write(seven.putLong(0, 7))).isEqualTo(8);
      assertThat(seven.hasRemaining()).isFalse();
      assertThat(read.get()).isEqualTo(8);
      assertThat(into.getLong(0)).isEqualTo(7);
    }
  }

  @Test
  void afterCloseNothingWorks() throws Exception {
    KernelMigrationData data = data();
    data.close();
    data.close();
    for (MigrationException e :
        new MigrationException[] {
          catchThrowableOfType(MigrationException.class, () -> data.read(ByteBuffer.allocate(8))),
          catchThrowableOfType(MigrationException.class, () -> data.write(ByteBuffer.allocate(8))),
          catchThrowableOfType(MigrationException.class, data::precopy)
        }) {
      assertThat(e.code()).isEqualTo(DeviceError.SESSION_CLOSED);
    }
  }

  /** An event counter refuses a write of less than eight bytes with EINVAL, as a device does. */
  @Test
  void refusedDataAreCorrupt() throws Exception {
    try (KernelMigrationData data = data()) {
      MigrationException e =
          catchThrowableOfType(MigrationException.class, () -> data.write(ByteBuffer.allocate(3)));
      assertThat(e.code()).isEqualTo(DeviceError.DATA_CORRUPT);
      assertThat(e.errno()).hasValue(Errno.EINVAL);
    }
  }
}
