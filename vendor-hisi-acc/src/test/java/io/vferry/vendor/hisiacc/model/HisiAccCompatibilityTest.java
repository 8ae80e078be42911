package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.Compatibility.Difference;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What differs is found before anything moves, and named. */
final class HisiAccCompatibilityTest {

  private final HisiAccTestClock clock = new HisiAccTestClock();

  private Compatibility of(HisiAccKind kind, String parameters) throws MigrationException {
    return HisiAccSide.of(clock, kind, parameters)
        .device
        .capability(Compatibility.class)
        .orElseThrow();
  }

  @Test
  void equalDevicesFit() throws MigrationException {
    Map<String, String> source = of(HisiAccKind.SEC, "queues=16").describe();
    assertThat(of(HisiAccKind.SEC, "queues=16&vfs=5").compare(source)).isEmpty();
    assertThat(source)
        .containsEntry("queue-count", "16")
        .containsEntry("device-id", "0xa256 (sec)");
  }

  @ParameterizedTest
  @CsvSource({
    "queues=16, queues=8, queue-count, 16, 8",
    "isolation=true, isolation=false, doorbell-isolation, on, off",
    "qm=5, qm=3, qm-version, 0x51, 0x30",
    "capabilities=1537, capabilities=513, function-capabilities, 0x601, 0x201"
  })
  void eachDifferenceIsNamed(String there, String here, String key, String theirs, String ours)
      throws MigrationException {
    Map<String, String> source = of(HisiAccKind.ZIP, there).describe();
    assertThat(of(HisiAccKind.ZIP, here).compare(source))
        .containsExactly(new Difference(key, theirs, ours));
  }

  @Test
  void anotherKindDoesNotFit() throws MigrationException {
    Map<String, String> source = of(HisiAccKind.ZIP, "").describe();
    assertThat(of(HisiAccKind.SEC, "").compare(source))
        .containsExactly(new Difference("device-id", "0xa251 (zip)", "0xa256 (sec)"));
  }

  @Test
  void newerHardwareTakesWhatOlderHad() throws MigrationException {
    Map<String, String> source = of(HisiAccKind.HPRE, "qm=3&capabilities=513").describe();
    assertThat(of(HisiAccKind.HPRE, "qm=5&windows=true&capabilities=1537").compare(source))
        .isEmpty();
  }

  @Test
  void describingDoesNotTouchTheMailboxOfTheGuest() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    side.chip.shared().recording = true;
    side.device.capability(Compatibility.class).orElseThrow().describe();
    assertThat(side.writes()).allMatch(write -> write.function() == 0);
    assertThat(side.chip.accesses())
        .noneMatch(
            access ->
                access.function() != 0 && access.offset() >= 0x300 && access.offset() < 0x310);
  }
}
