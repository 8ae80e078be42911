package io.vferry.spi.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DriverInfoTest {

  @ParameterizedTest
  @ValueSource(strings = {"mlx5", "hisi-acc", "a", "vfio", "a1-2b"})
  void idsAreKebabCase(String id) {
    assertThat(new DriverInfo(id, "vendor", "1.0").id()).isEqualTo(id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Mlx5", "5mlx", "-a", "a-", "a--b", "a_b", "a b", "a\n", "\na", "ä"})
  void otherIdsAreRefused(String id) {
    assertThatThrownBy(() -> new DriverInfo(id, "vendor", "1.0"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
