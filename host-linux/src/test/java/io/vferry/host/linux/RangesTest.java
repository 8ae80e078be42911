package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.spi.memory.MemoryRange;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Arithmetic at the ends of the address space, and chains that a kernel would never make. */
class RangesTest {

  private static IovaSpace space(long first, long last, long page) {
    return IovaSpace.of(List.of(new IovaSpace.Bounds(first, last)), page);
  }

  @Test
  void whatCanBeMappedIsWholePages() {
    assertThat(space(0, 0xfedfffffL, 4096).ranges())
        .containsExactly(new MemoryRange(0, 0xfee00000L));
    assertThat(space(1, 0x2ffe, 4096).ranges()).containsExactly(new MemoryRange(0x1000, 0x1000));
    assertThat(space(1, 0x1ffe, 4096).ranges()).isEmpty();
    assertThat(space(0, 0xffff, 1).pageSizeBytes()).isEqualTo(4096);
    assertThat(space(0, 0x1ffff, 0x10000).ranges()).containsExactly(new MemoryRange(0, 0x20000));
  }

  @Test
  void theWholeAddressSpaceLacksItsLastPage() {
    assertThat(space(0, -1, 4096).ranges()).containsExactly(new MemoryRange(0, -4096));
    assertThat(space(-4096, -1, 4096).ranges()).isEmpty();
    assertThat(space(-1, -1, 4096).ranges()).isEmpty();
  }

  @Test
  void rangesAreInOrder() {
    assertThat(
            IovaSpace.of(
                    List.of(
                        new IovaSpace.Bounds(-0x10000, -0x8001), new IovaSpace.Bounds(0, 0xffff)),
                    4096)
                .ranges())
        .containsExactly(new MemoryRange(0, 0x10000), new MemoryRange(-0x10000, 0x8000));
  }

  @Test
  void loggedRangesAreWidenedAndJoined() {
    assertThat(
            LoggedRanges.wholePages(
                List.of(
                    new MemoryRange(0x5800, 0x100),
                    new MemoryRange(0x1800, 0x1000),
                    new MemoryRange(0x3000, 0x10),
                    new MemoryRange(-0x800, 0x800)),
                4096))
        .containsExactly(
            new MemoryRange(0x1000, 0x3000),
            new MemoryRange(0x5000, 0x1000),
            new MemoryRange(-0x1000, 0x1000));
    assertThat(
            LoggedRanges.wholePages(
                List.of(new MemoryRange(0, 0x10000), new MemoryRange(0x2000, 0x1000)), 4096))
        .containsExactly(new MemoryRange(0, 0x10000));
  }

  @Test
  void capabilitiesAreFoundInsideTheirMemoryOnly() {
    Argument info = new Argument(64).putShort(32, 7).putInt(36, 48).putShort(48, 9);
    assertThat(CapChain.find(info, 32, 7, 16)).isEqualTo(32);
    assertThat(CapChain.find(info, 32, 9, 16)).isEqualTo(48);
    assertThat(CapChain.find(info, 32, 9, 17)).isZero();
    assertThat(CapChain.find(info, 32, 1, 8)).isZero();
    assertThat(CapChain.find(info, 60, 7, 8)).isZero();
    assertThat(CapChain.find(info, -4, 7, 8)).isZero();
    assertThat(CapChain.find(info.putInt(52, 32), 32, 1, 8)).as("a chain in a circle").isZero();
    assertThat(CapChain.find(info.putInt(52, Integer.MAX_VALUE), 32, 1, 8)).isZero();
  }

  @Test
  void argumentsAreAlignedAndZero() {
    for (int size = 1; size < 40; size++) {
      Argument argument = new Argument(size);
      assertThat(argument.address() % 8).isZero();
      assertThat(argument.sizeBytes()).isEqualTo(size);
    }
    assertThat(Argument.sized(16).getInt(0)).isEqualTo(16);
    assertThat(Argument.text("ab").sizeBytes()).isEqualTo(3);
  }
}
