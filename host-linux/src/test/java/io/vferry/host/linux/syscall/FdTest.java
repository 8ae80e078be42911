package io.vferry.host.linux.syscall;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class FdTest {

  private static final int REQUEST_OF_VFIO_DEVICES = 0x3b6b;

  private static boolean open(int number) {
    return Files.exists(
        Path.of("/proc/self/fd/" + number), java.nio.file.LinkOption.NOFOLLOW_LINKS);
  }

  @Test
  void closesOnceAndOnlyWhenNobodyUsesIt() {
    int number = Fd.eventfd();
    Fd fd = new Fd(number);
    assertThat(fd.claim()).isEqualTo(number);
    fd.close();
    assertThat(open(number)).as("open while a call uses it").isTrue();
    assertThat(fd.claim()).isEqualTo(-Errno.EBADF);
    fd.release();
    assertThat(open(number)).as("closed after the last call").isFalse();

    // The number belongs to somebody else now; to close it again would be his loss.
    int again = Fd.eventfd();
    assertThat(again).isEqualTo(number);
    fd.close();
    assertThat(open(again)).isTrue();
    new Fd(again).close();
    assertThat(open(again)).isFalse();
  }

  @Test
  void givesTheErrorNumber() {
    assertThat(Fd.open("/does/not/exist", Libc.O_RDWR)).isEqualTo(-Errno.ENOENT);
    try (Fd fd = new Fd(Fd.eventfd())) {
      Argument room = new Argument(8);
      assertThat(fd.read(room.address(), 8)).isEqualTo(-Errno.EAGAIN);
      assertThat(fd.read(room.address(), 4)).isEqualTo(-Errno.EINVAL);
      assertThat(fd.ioctl(REQUEST_OF_VFIO_DEVICES, room)).isEqualTo(-Errno.ENOTTY);
      assertThat(fd.mmap(4096, Libc.PROT_READ, 0)).isEqualTo(-Errno.ENODEV);
    }
  }

  @Test
  void readsAndWritesWhereItIsTold() throws IOException {
    Path file = Files.createTempFile("vferry", "fd");
    try (Fd fd = new Fd(Fd.open(file.toString(), Libc.O_RDWR))) {
      Argument bytes = new Argument(8).putLong(0, 0x1122334455667788L);
      assertThat(fd.pwrite(bytes.address(), 8, 4)).isEqualTo(8);
      Argument back = new Argument(8);
      assertThat(fd.pread(back.address(), 8, 4)).isEqualTo(8);
      assertThat(back.getLong(0)).isEqualTo(0x1122334455667788L);
      assertThat(fd.pread(back.address(), 8, 12)).isZero();
    } finally {
      Files.delete(file);
    }
  }
}
