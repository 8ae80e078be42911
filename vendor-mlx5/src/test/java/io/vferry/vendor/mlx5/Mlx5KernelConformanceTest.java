package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.tck.ConformanceTest;
import java.util.Optional;

/** The driver keeps all promises where the kernel performs the arcs. */
class Mlx5KernelConformanceTest extends ConformanceTest {

  private static HostDevice bound(String parameters, OpenContext context)
      throws MigrationException {
    return new KernelBoundFunction(Mlx5ConformanceTest.function(parameters, context));
  }

  @Override
  public MigrationDriver driver() {
    return new Mlx5MigrationDriver();
  }

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return bound("", context);
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return Optional.of(bound("&psid=MT_0000000999", context));
  }

  @Override
  public Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
    return Optional.of(bound("&firmware=28.42.1000", context));
  }
}
