package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The guest gets the half of BAR 2 that is its own. */
final class HisiAccGuestBarTest {

  private final HisiAccTestClock clock = new HisiAccTestClock();

  @ParameterizedTest
  @CsvSource({"3,false,0x8000", "4,false,0x8000", "5,false,0x8000", "4,true,0x10000"})
  void theHalfIsHiddenUnlessThePhysicalFunctionHasIt(int version, boolean windows, String size)
      throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "qm=%d&windows=%s".formatted(version, windows));
    long bytes = Long.decode(size);
    assertThat(side.guarded.region(2).info().sizeBytes()).isEqualTo(bytes);
    assertThat(side.guarded.regions())
        .filteredOn(info -> info.index() == 2)
        .singleElement()
        .matches(info -> info.sizeBytes() == bytes);
    assertThat(side.host.region(2).info().sizeBytes()).isEqualTo(0x10000);
    assertThat(side.device.capability(GuestRegions.class).orElseThrow().limitsBytes())
        .isEqualTo(windows ? Map.of() : Map.of(2, 0x8000L));
  }

  @Test
  void accessesBeyondTheHalfDoNotReachTheDevice() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    Region region = side.guarded.region(2);
    side.chip.shared().recording = true;
    region.read(0x7ffc, ByteBuffer.allocate(4));
    assertThat(side.chip.accesses()).hasSize(1);
    side.chip.forgetAccesses();
    for (long offset : new long[] {0x7ffe, 0x8000, 0x8004, 0xfffc, 0x10000, -4, Long.MAX_VALUE}) {
      assertThatThrownBy(() -> region.read(offset, ByteBuffer.allocate(4)))
          .as("read at 0x%x", offset)
          .isInstanceOf(MigrationException.class);
      assertThatThrownBy(() -> region.write(offset, ByteBuffer.allocate(4)))
          .as("write at 0x%x", offset)
          .isInstanceOf(MigrationException.class);
    }
    assertThatThrownBy(() -> region.map(0x4000, 0x8000)).isInstanceOf(MigrationException.class);
    assertThat(side.chip.accesses()).isEmpty();
  }

  @Test
  void aGuestCannotSpoilItsOwnMigration() throws MigrationException {
    HisiAccSide source = HisiAccSide.of(clock, "queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    source.boot();
    source.guest.submit(9);
    ByteBuffer nonsense = ByteBuffer.allocate(28);
    nonsense.putInt(0, -1);
    assertThatThrownBy(() -> source.guarded.region(2).write(0x8000, nonsense))
        .hasMessageContaining("not wholly inside the 0x8000 bytes");
    assertThat(source.guarded.companion("pf")).isEmpty();
    HisiAccMove.move(source, target, 176);
    HisiAccMove.finish(target);
  }

  @Test
  void inWindowsTheOtherHalfIsEmpty() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "qm=4&windows=true");
    side.boot();
    Region region = side.guarded.region(2);
    ByteBuffer word = ByteBuffer.allocate(4);
    region.write(0x8004, ByteBuffer.allocate(4).putInt(0, 5));
    region.read(0x8004, word);
    assertThat(word.getInt(0)).isEqualTo(-1);
    side.guest.submit(3);
    side.finish();
  }
}
