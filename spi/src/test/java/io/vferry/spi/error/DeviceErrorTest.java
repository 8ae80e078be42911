package io.vferry.spi.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DeviceErrorTest {

  /** Programs rely on these: a line may be added, none may change. */
  private static final String NUMBERS =
      """
      1001 ARC_FAILED
      1002 ARC_UNSUPPORTED
      1003 WRONG_STATE
      1004 DATA_CORRUPT
      1005 DATA_INCOMPATIBLE
      1006 DATA_TOO_LONG
      1007 SESSION_CLOSED
      1008 IO_FAILED
      1009 ACCESS_DENIED
      1010 TIMEOUT
      1011 DEVICE_LOST
      1012 RESET_FAILED
      1013 OPEN_FAILED
      1014 NOT_MIGRATABLE
      1015 BAD_REQUEST
      1016 OUT_OF_RESOURCES
      1017 DMA_LOG_FAILED
      1018 DRIVER_BROKEN
      1019 INTERRUPTED
      """;

  @Test
  void numbersNeverChangeTheirMeaning() {
    StringBuilder numbers = new StringBuilder();
    for (DeviceError error : DeviceError.values()) {
      numbers.append(error.number()).append(' ').append(error.name()).append('\n');
    }
    assertThat(numbers.toString()).isEqualTo(NUMBERS);
  }

  @Test
  void numbersAreUnique() {
    Map<Integer, DeviceError> seen = new HashMap<>();
    for (DeviceError error : DeviceError.values()) {
      assertThat(seen.put(error.number(), error)).as(error.label()).isNull();
    }
  }

  @ParameterizedTest
  @EnumSource
  void isInTheRangeOfDevicesAndAdvises(DeviceError error) {
    assertThat(error.number()).isBetween(1000, 1999);
    assertThat(error.label()).isEqualTo("VF-" + error.number());
    assertThat(error.advice()).matches("[A-Z][^\n]+\\.").doesNotContain("below", "above");
  }
}
