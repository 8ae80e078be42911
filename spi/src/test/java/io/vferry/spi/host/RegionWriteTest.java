package io.vferry.spi.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class RegionWriteTest {

  @Test
  void isOfOneToEightBytes() {
    for (int bytes : new int[] {0, 9, 16}) {
      assertThatThrownBy(() -> new RegionWrite(0, ByteBuffer.allocate(bytes)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(bytes + " bytes");
    }
    assertThat(new RegionWrite(0, ByteBuffer.allocate(8)).bytes().remaining()).isEqualTo(8);
  }

  @Test
  void canBeDoneMoreThanOnce() {
    ByteBuffer given = ByteBuffer.wrap(new byte[] {1, 2, 3, 4}).position(1);
    RegionWrite write = new RegionWrite(8, given);
    given.position(4);
    for (int again = 0; again < 2; again++) {
      byte[] bytes = new byte[3];
      write.bytes().get(bytes);
      assertThat(bytes).containsExactly(2, 3, 4);
    }
    assertThat(write.bytes().isReadOnly()).isTrue();
  }
}
