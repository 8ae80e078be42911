package io.vferry.runtime.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DevicePathTest {

  @ParameterizedTest
  @CsvSource({
    "STOP_COPY, RUNNING -> STOP -> STOP_COPY",
    "STOP_COPY_P2P, RUNNING -> RUNNING_P2P -> STOP -> STOP_COPY",
    "STOP_COPY_PRE_COPY, RUNNING -> PRE_COPY -> STOP_COPY",
    "STOP_COPY_P2P_PRE_COPY, RUNNING -> PRE_COPY -> PRE_COPY_P2P -> STOP_COPY",
  })
  void theSourceGoesByItsFeatures(FeatureSet features, String path) {
    assertThat(DevicePath.source(features)).hasToString(path);
  }

  @ParameterizedTest
  @CsvSource({
    "STOP_COPY, RUNNING -> STOP -> RESUMING -> STOP -> RUNNING",
    "STOP_COPY_PRE_COPY, RUNNING -> STOP -> RESUMING -> STOP -> RUNNING",
    "STOP_COPY_P2P,"
        + " RUNNING -> RUNNING_P2P -> STOP -> RESUMING -> STOP -> RUNNING_P2P -> RUNNING",
    "STOP_COPY_P2P_PRE_COPY,"
        + " RUNNING -> RUNNING_P2P -> STOP -> RESUMING -> STOP -> RUNNING_P2P -> RUNNING",
  })
  void theDestinationGoesByItsFeatures(FeatureSet features, String path) {
    assertThat(DevicePath.destination(features)).hasToString(path);
  }

  @Test
  void stagesTellWhoWaitsForWhom() {
    assertThat(DevicePath.source(FeatureSet.STOP_COPY_P2P_PRE_COPY).legs())
        .containsExactly(
            new DevicePath.Leg(Stage.PRECOPY, List.of(Arc.RUNNING_TO_PRE_COPY)),
            new DevicePath.Leg(Stage.QUIESCE, List.of(Arc.PRE_COPY_TO_PRE_COPY_P2P)),
            new DevicePath.Leg(Stage.STOP, List.of(Arc.PRE_COPY_P2P_TO_STOP_COPY)));
    assertThat(DevicePath.source(FeatureSet.STOP_COPY).legs())
        .containsExactly(
            new DevicePath.Leg(Stage.STOP, List.of(Arc.RUNNING_TO_STOP)),
            new DevicePath.Leg(Stage.STOP_COPY, List.of(Arc.STOP_TO_STOP_COPY)));
    assertThat(DevicePath.destination(FeatureSet.STOP_COPY_P2P).legs())
        .containsExactly(
            new DevicePath.Leg(
                Stage.PREPARE,
                List.of(Arc.RUNNING_TO_RUNNING_P2P, Arc.RUNNING_P2P_TO_STOP, Arc.STOP_TO_RESUMING)),
            new DevicePath.Leg(Stage.VERIFY, List.of(Arc.RESUMING_TO_STOP)),
            new DevicePath.Leg(Stage.ACCEPT, List.of(Arc.STOP_TO_RUNNING_P2P)),
            new DevicePath.Leg(Stage.RUN, List.of(Arc.RUNNING_P2P_TO_RUNNING)));
  }

  @ParameterizedTest
  @EnumSource(FeatureSet.class)
  void everyPathIsOneStreamAndEndsWhereItMust(FeatureSet features) {
    DevicePath source = DevicePath.source(features);
    assertThat(source.states()).first().isEqualTo(DeviceState.RUNNING);
    assertThat(source.states()).last().isEqualTo(DeviceState.STOP_COPY);
    assertThat(source.arcs()).filteredOn(Arc::opensSaveStream).hasSize(1);
    assertThat(source.arcs()).noneMatch(Arc::endsStream);
    assertThat(source.states()).allMatch(features::supports);
    DevicePath destination = DevicePath.destination(features);
    assertThat(destination.states()).last().isEqualTo(DeviceState.RUNNING);
    assertThat(destination.arcs()).filteredOn(Arc::opensLoadStream).hasSize(1);
    assertThat(destination.states()).allMatch(features::supports);
  }
}
