package io.vferry.tck;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The simulated device keeps all promises in each of its profiles. */
class SimProfilesTest {

  @ParameterizedTest
  @ValueSource(strings = {"mlx5", "hisi-acc", "pds", "qat", "virtio", "xe", "mtty"})
  void profileConforms(String profile) throws MigrationException {
    SimSubject subject = new SimSubject(profile, "state=96KiB");
    List<String> broken = new ArrayList<>();
    ConformanceReport report =
        new ConformanceKit(subject, new Limits(20_000_000_000L, 1))
            .runAll(
                "sim:" + profile,
                result -> {
                  if (result.verdict() == Verdict.FAILED) {
                    broken.add(result.explanation());
                  }
                });
    assertThat(broken).isEmpty();
    assertThat(report.conforms()).isTrue();
    assertThat(report.count(Verdict.PASSED)).isGreaterThan(40);
  }
}
