package io.vferry.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class LimitsTest {

  @Test
  void accessesThatFailAreSpreadOverTheArc() {
    assertThat(ArcChecks.tried(0, 3)).isEmpty();
    assertThat(ArcChecks.tried(1, 3)).containsExactly(0);
    assertThat(ArcChecks.tried(3, 3)).containsExactly(0, 1, 2);
    assertThat(ArcChecks.tried(24, 3)).containsExactly(0, 11, 23);
    assertThat(ArcChecks.tried(24, 1)).containsExactly(0);
    assertThat(ArcChecks.tried(20, 24)).hasSize(20).doesNotHaveDuplicates().isSorted();
  }

  @Test
  void limitsThatTryNothingAreRefused() {
    assertThatThrownBy(() -> new Limits(1, 1, 0)).hasMessageContaining("1 to 24 accesses, not 0");
    assertThatThrownBy(() -> new Limits(1, 1, 25)).hasMessageContaining("not 25");
    assertThatThrownBy(() -> new Limits(0, 1)).hasMessageContaining("not 0 ns");
    assertThat(new Limits(1, 1).accessesPerArc()).isEqualTo(24);
  }
}
