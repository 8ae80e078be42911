package io.vferry.spi.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MemoryRangeTest {

  private static final long[] CORNERS = {
    0,
    1,
    2,
    0xfff,
    0x1000,
    Long.MAX_VALUE - 1,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    Long.MIN_VALUE + 1,
    -0x1000,
    -2,
    -1
  };

  @Test
  void existsExactlyIfItDoesNotWrap() {
    BigInteger end = BigInteger.ONE.shiftLeft(64);
    for (long start : CORNERS) {
      for (long length : CORNERS) {
        BigInteger past = unsigned(start).add(unsigned(length));
        if (length != 0 && past.compareTo(end) <= 0) {
          assertThat(unsigned(new MemoryRange(start, length).last()))
              .isEqualTo(past.subtract(BigInteger.ONE));
        } else {
          assertThatThrownBy(() -> new MemoryRange(start, length))
              .isInstanceOf(IllegalArgumentException.class);
        }
      }
    }
  }

  @Test
  void saysWhyItWraps() {
    assertThatThrownBy(() -> new MemoryRange(-0x1000, 0x1001))
        .hasMessage("range of 0x1001 bytes at 0xfffffffffffff000 wraps");
  }

  @Test
  void containsAndOverlapsAsSetsOfNumbersDo() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 20_000; round++) {
      MemoryRange a = random(random);
      MemoryRange b = random(random);
      boolean contains =
          unsigned(a.start()).compareTo(unsigned(b.start())) <= 0
              && unsigned(b.last()).compareTo(unsigned(a.last())) <= 0;
      boolean overlaps =
          unsigned(a.start())
                  .max(unsigned(b.start()))
                  .compareTo(unsigned(a.last()).min(unsigned(b.last())))
              <= 0;
      assertThat(a.contains(b)).as("seed %d: %s contains %s", seed, a, b).isEqualTo(contains);
      assertThat(a.overlaps(b)).as("seed %d: %s overlaps %s", seed, a, b).isEqualTo(overlaps);
    }
  }

  @Test
  void printsBothEnds() {
    assertThat(new MemoryRange(-0x1000, 0x1000))
        .hasToString("[0xfffffffffffff000-0xffffffffffffffff]");
  }

  /** Near a few places, so that ranges meet. */
  private static MemoryRange random(Random random) {
    long start = CORNERS[random.nextInt(CORNERS.length)] + random.nextInt(8);
    long most = start == 0 ? -1L : -start;
    long length = 1L + random.nextInt(8);
    return new MemoryRange(start, Long.compareUnsigned(length, most) <= 0 ? length : most);
  }

  private static BigInteger unsigned(long value) {
    return new BigInteger(Long.toUnsignedString(value));
  }
}
