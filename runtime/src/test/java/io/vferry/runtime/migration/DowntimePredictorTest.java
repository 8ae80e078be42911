package io.vferry.runtime.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.FeatureSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class DowntimePredictorTest {

  private static final long MILLI = 1_000_000;
  private static final long MIB = 1 << 20;

  private final ArcTimes arcs = new ArcTimes(2);
  private final DowntimePredictor predictor =
      new DowntimePredictor(
          List.of(
              new RoleDevice("nic0", FeatureSet.of(true, true)), new RoleDevice("acc0", plain())),
          arcs);

  private static FeatureSet plain() {
    return FeatureSet.of(false, false);
  }

  private static DowntimePredictor.Bytes bytes(long all) {
    return new DowntimePredictor.Bytes(all, all, all);
  }

  @Test
  void withoutRateThereIsNoPrediction() {
    assertThat(predictor.predict(bytes(1))).isEmpty();
  }

  @Test
  void startingToSaveDoesNotCountSinceTheGuestRunsMeanwhile() {
    arcs.took(0, Arc.RUNNING_TO_PRE_COPY, 5_000 * MILLI);
    ExpectedDowntime expected = predictor.predict(bytes(0)).orElseThrow();
    assertThat(expected.millis()).isZero();
    assertThat(expected.leastMillis()).isZero();
  }

  @Test
  void anArcNeverWalkedTakesAtMostAsLongAsTheSlowestKnown() {
    arcs.took(0, Arc.RUNNING_TO_PRE_COPY, 50 * MILLI);
    // Two arcs of nic0 on the source, three on the destination.
    assertThat(predictor.predict(bytes(0)).orElseThrow().mostMillis())
        .isCloseTo(5 * 50, within(0.001));
  }

  @Test
  void devicesWalkSideBySideAndTheTwoSidesOneAfterTheOther() {
    for (Arc arc : Arc.values()) {
      arcs.took(0, arc, 10 * MILLI);
      arcs.took(1, arc, 2 * MILLI);
    }
    // nic0: PRE_COPY -> PRE_COPY_P2P -> STOP_COPY, then RESUMING -> STOP -> RUNNING_P2P -> RUNNING.
    assertThat(predictor.predict(bytes(0)).orElseThrow())
        .isEqualTo(new ExpectedDowntime(50, 50, 50));
    for (Arc arc : List.of(Arc.RUNNING_TO_STOP, Arc.STOP_TO_STOP_COPY)) {
      arcs.took(1, arc, 30 * MILLI);
    }
    // acc0 is the last on the source now, and nic0 still is on the destination.
    assertThat(predictor.predict(bytes(0)).orElseThrow())
        .isEqualTo(new ExpectedDowntime(60 + 30, 20 + 30, 60 + 30));
  }

  @Test
  void theBoundComesFromTheSpreadOfRatesAndOfWhatDevicesSay() {
    predictor.sent(100 * MIB, 1_000 * MILLI);
    predictor.sent(50 * MIB, 1_000 * MILLI);
    ExpectedDowntime expected =
        predictor.predict(new DowntimePredictor.Bytes(75 * MIB, 10 * MIB, 100 * MIB)).orElseThrow();
    assertThat(expected.millis()).isCloseTo(1_000, within(0.001));
    assertThat(expected.leastMillis()).isCloseTo(100, within(0.001));
    assertThat(expected.mostMillis()).isCloseTo(2_000, within(0.001));
  }

  private double leastMillisOf(long bytes) {
    return predictor.predict(bytes(bytes)).orElseThrow().leastMillis();
  }

  @Test
  void aFastStretchOfASlowRoundSaysHowFastItCanGo() {
    predictor.roundBegins(7_000 * MILLI);
    predictor.moved(20 * MIB, 8_000 * MILLI);
    predictor.moved(40 * MIB, 8_200 * MILLI);
    predictor.moved(40 * MIB, 8_250 * MILLI);
    predictor.moved(20 * MIB, 10_000 * MILLI);
    predictor.sent(120 * MIB, 3_000 * MILLI);
    ExpectedDowntime expected = predictor.predict(bytes(320 * MIB)).orElseThrow();
    assertThat(expected.leastMillis()).isCloseTo(1_000, within(0.001));
    assertThat(expected.millis()).isCloseTo(8_000, within(0.001));
    assertThat(expected.mostMillis()).isCloseTo(8_000, within(0.001));
  }

  @Test
  void aStretchThatFitsIntoBuffersOrIsToldOfAtOnceSaysNothing() {
    predictor.roundBegins(0);
    predictor.moved(15 * MIB, 300 * MILLI);
    predictor.sent(15 * MIB, 1_000 * MILLI);
    predictor.roundBegins(1_000 * MILLI);
    predictor.moved(100 * MIB, 1_249 * MILLI);
    predictor.moved(50 * MIB, 11_000 * MILLI);
    predictor.sent(150 * MIB, 10_000 * MILLI);
    assertThat(leastMillisOf(15 * MIB)).isCloseTo(1_000, within(0.001));
  }

  @Test
  void whatDevicesSendBetweenRoundsIsNoStretch() {
    predictor.roundBegins(0);
    predictor.sent(10 * MIB, 1_000 * MILLI);
    predictor.moved(100 * MIB, 1_001 * MILLI);
    predictor.roundBegins(2_000 * MILLI);
    predictor.sent(10 * MIB, 1_000 * MILLI);
    assertThat(leastMillisOf(10 * MIB)).isCloseTo(1_000, within(0.001));
  }

  @Test
  void theBestCountsHoweverLongAgoItWas() {
    predictor.sent(100 * MIB, 1_000 * MILLI);
    for (int i = 0; i < 5; i++) {
      predictor.sent(10 * MIB, 1_000 * MILLI);
    }
    ExpectedDowntime expected = predictor.predict(bytes(100 * MIB)).orElseThrow();
    assertThat(expected.leastMillis()).isCloseTo(1_000, within(0.001));
    assertThat(expected.millis()).isCloseTo(10_000, within(0.001));
  }

  @Test
  void onlyTheLastSamplesCount() {
    predictor.sent(MIB, 100_000 * MILLI);
    for (int i = 0; i < 4; i++) {
      predictor.sent(MIB, 10 * MILLI);
    }
    assertThat(predictor.bytesPerSecond()).contains(100 * MIB);
  }

  @Test
  void aSmallSampleSaysLittleUnlessItIsTheOnlyOne() {
    predictor.sent(4096, MILLI);
    assertThat(predictor.bytesPerSecond()).contains(4_096_000L);
    predictor.sent(4096, 1_000 * MILLI);
    assertThat(predictor.bytesPerSecond()).contains(4_096_000L);
  }
}
