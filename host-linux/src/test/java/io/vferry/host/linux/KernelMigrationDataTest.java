package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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

  private CompletableFuture<MigrationException> failureOfARead(
      KernelMigrationData data, CompletableFuture<Thread> reader) {
    CompletableFuture<MigrationException> failure = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () ->
                failure.complete(
                    catchThrowableOfType(
                        MigrationException.class, () -> data.read(ByteBuffer.allocateDirect(8)))));
    thread.start();
    reader.complete(thread);
    return failure;
  }

  @Test
  void closeWakesAReader() throws Exception {
    KernelMigrationData data = data();
    CompletableFuture<Thread> reader = new CompletableFuture<>();
    CompletableFuture<MigrationException> failure = failureOfARead(data, reader);
    data.close();
    assertThat(failure.get().code()).isEqualTo(DeviceError.SESSION_CLOSED);
    reader.get().join();
    assertThat(Fd.eventfd()).as("the number is free again").isLessThanOrEqualTo(number + 1);
  }

  @Test
  void dataWakeAReader() throws Exception {
    try (KernelMigrationData data = data()) {
      CompletableFuture<Integer> read = new CompletableFuture<>();
      ByteBuffer into = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
      Thread reader =
          new Thread(
              () -> {
                try {
                  read.complete(data.read(into));
                } catch (MigrationException e) {
                  read.completeExceptionally(e);
                }
              });
      reader.start();
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
