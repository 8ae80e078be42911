package io.vferry.spi.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ArcTest {

  private static final Set<Arc> OPEN_SAVE =
      Set.of(Arc.RUNNING_TO_PRE_COPY, Arc.RUNNING_P2P_TO_PRE_COPY_P2P, Arc.STOP_TO_STOP_COPY);
  private static final Set<Arc> END =
      Set.of(
          Arc.PRE_COPY_TO_RUNNING,
          Arc.PRE_COPY_P2P_TO_RUNNING_P2P,
          Arc.STOP_COPY_TO_STOP,
          Arc.RESUMING_TO_STOP);

  @Test
  void thereAreEighteenAndTheNameOfEachSaysItsEnds() {
    Set<String> ends = new HashSet<>();
    for (Arc arc : Arc.values()) {
      assertThat(arc.name()).isEqualTo(arc.from() + "_TO_" + arc.to());
      assertThat(arc).hasToString(arc.from() + " -> " + arc.to());
      assertThat(Arc.between(arc.from(), arc.to())).contains(arc);
      assertThat(ends.add(arc.toString())).isTrue();
    }
    assertThat(ends).hasSize(18);
  }

  @ParameterizedTest
  @EnumSource
  void onlyTheKernelsArcsOpenAndEndStreams(Arc arc) {
    assertThat(arc.opensSaveStream()).isEqualTo(OPEN_SAVE.contains(arc));
    assertThat(arc.opensLoadStream()).isEqualTo(arc == Arc.STOP_TO_RESUMING);
    assertThat(arc.endsStream()).isEqualTo(END.contains(arc));
  }

  @Test
  void noArcStaysWhereItIsOrTouchesError() {
    for (DeviceState state : DeviceState.values()) {
      assertThat(Arc.between(state, state)).isEmpty();
      assertThat(Arc.between(DeviceState.ERROR, state)).isEmpty();
      assertThat(Arc.between(state, DeviceState.ERROR)).isEmpty();
    }
    assertThat(Arc.between(DeviceState.STOP_COPY, DeviceState.PRE_COPY)).isEmpty();
    assertThat(Arc.between(DeviceState.STOP_COPY, DeviceState.PRE_COPY_P2P)).isEmpty();
  }
}
