package io.vferry.spi.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FeatureSetTest {

  @ParameterizedTest
  @EnumSource
  void performsExactlyTheArcsOfItsFeatures(FeatureSet features) {
    PathOracle oracle = new PathOracle(features.p2p(), features.preCopy());
    for (Arc arc : Arc.values()) {
      assertThat(features.supports(arc))
          .as("%s has %s", features, arc)
          .isEqualTo(oracle.hasArc(arc.from().name(), arc.to().name()));
    }
    assertThat(Arrays.stream(Arc.values()).filter(features::supports)).hasSize(oracle.arcs());
  }

  @ParameterizedTest
  @CsvSource({
    "STOP_COPY, 6",
    "STOP_COPY_P2P, 8",
    "STOP_COPY_PRE_COPY, 9",
    "STOP_COPY_P2P_PRE_COPY, 15"
  })
  void performsAsManyArcsAsTheKernelAsksForOfADriver(FeatureSet features, int arcs) {
    assertThat(Arrays.stream(Arc.values()).filter(features::supports)).hasSize(arcs);
  }

  @ParameterizedTest
  @EnumSource
  void isFoundByItsFlagsAndByItsFeatures(FeatureSet features) {
    assertThat(FeatureSet.ofFlags(features.flags())).contains(features);
    assertThat(FeatureSet.ofFlags(features.flags() | 0xffff_ffff_0000_0008L)).contains(features);
    assertThat(FeatureSet.of(features.p2p(), features.preCopy())).isEqualTo(features);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 2, 4, 6, 8, 0x7fff_ffff_ffff_fff8L})
  void flagsWithoutStopCopyAreReserved(long flags) {
    assertThat(FeatureSet.ofFlags(flags)).isEmpty();
  }

  @Test
  void statesHaveTheNumbersOfTheKernel() {
    String[] byNumber = {
      "ERROR", "STOP", "RUNNING", "STOP_COPY", "RESUMING", "RUNNING_P2P", "PRE_COPY", "PRE_COPY_P2P"
    };
    for (int number = 0; number < byNumber.length; number++) {
      DeviceState state = DeviceState.valueOf(byNumber[number]);
      assertThat(state.number()).isEqualTo(number);
      assertThat(DeviceState.ofNumber(number)).contains(state);
    }
    assertThat(DeviceState.values()).hasSameSizeAs(byNumber);
    assertThat(DeviceState.ofNumber(8)).isEmpty();
    assertThat(DeviceState.ofNumber(-1)).isEmpty();
    assertThat(DeviceState.ofNumber(Integer.MIN_VALUE)).isEmpty();
  }
}
