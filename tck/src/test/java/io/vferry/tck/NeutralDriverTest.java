package io.vferry.tck;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.vendor.sim.SimDeviceModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The neutral driver over a host that migrates the simulated device by itself. */
class NeutralDriverTest {

  @ParameterizedTest
  @ValueSource(strings = {"mlx5", "hisi-acc", "pds", "mtty"})
  void profileConforms(String profile) throws MigrationException {
    List<String> broken = new ArrayList<>();
    ConformanceReport report =
        new ConformanceKit(new HostMigrated(profile), new Limits(20_000_000_000L, 1))
            .runAll(
                profile,
                result -> {
                  if (result.verdict() == Verdict.FAILED) {
                    broken.add(result.explanation());
                  }
                });
    assertThat(broken).isEmpty();
    assertThat(report.count(Verdict.PASSED)).isGreaterThan(40);
  }

  private record HostMigrated(String profile) implements Subject {

    @Override
    public MigrationDriver driver() {
      return new VfioMigrationDriver();
    }

    private HostDevice create(String more, OpenContext context) throws MigrationException {
      return new SimDeviceModel()
          .create(
              DeviceAddress.parse("sim:" + profile + "?host-migration=on&state=96KiB" + more),
              context);
    }

    @Override
    public HostDevice open(OpenContext context) throws MigrationException {
      return create("", context);
    }

    @Override
    public Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
      return Optional.of(create("&firmware=2", context));
    }
  }
}
