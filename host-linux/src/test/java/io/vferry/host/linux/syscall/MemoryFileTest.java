package io.vferry.host.linux.syscall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class MemoryFileTest {

  @Test
  void isSharedWithWhoeverMapsItsFile() throws KernelError {
    try (MemoryFile file = MemoryFile.create("test", 3 * 4096)) {
      ByteBuffer part = file.slice(4096, 100);
      assertThat(part.isDirect()).isTrue();
      part.putLong(0, 42);
      try (Fd second = new Fd(file.fd().duplicate());
          MappedMemory other = MappedMemory.of(second, 4096, 4096, true, false)) {
        assertThat(other.slice(0, 8).getLong()).isEqualTo(42);
        assertThat(other.lengthBytes()).isEqualTo(4096);
        assertThatThrownBy(() -> other.slice(4090, 8))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> other.slice(-1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(other.slice(4096, 0).remaining()).isZero();
      }
    }
  }

  @Test
  void saysWhyThereIsNone() {
    assertThatThrownBy(() -> MemoryFile.create("test", -4096))
        .isInstanceOfSatisfying(
            KernelError.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
  }
}
