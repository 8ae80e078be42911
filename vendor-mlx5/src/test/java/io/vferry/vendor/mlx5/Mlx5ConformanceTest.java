package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.tck.ConformanceTest;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import java.util.Optional;

/** The driver keeps all promises of the conformance kit, over the model of the firmware. */
class Mlx5ConformanceTest extends ConformanceTest {

  static HostDevice function(String parameters, OpenContext context) throws MigrationException {
    String address = "sim:mlx5-vf?state=400KiB&chunk-size=128KiB" + parameters;
    return new Mlx5DeviceModel().create(DeviceAddress.parse(address), context);
  }

  @Override
  public MigrationDriver driver() {
    return new Mlx5MigrationDriver();
  }

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return function("", context);
  }

  /** The firmware has no command that asks what is suspended. */
  @Override
  public boolean tellsState() {
    return false;
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return Optional.of(function("&psid=MT_0000000999", context));
  }

  @Override
  public Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
    return Optional.of(function("&firmware=28.42.1000", context));
  }

  /** The firmware refuses the first command of the arc, counted on the shortest way there. */
  @Override
  public Optional<HostDevice> openRefusing(Arc arc, OpenContext context) throws MigrationException {
    String command =
        switch (arc) {
          case RUNNING_TO_RUNNING_P2P, PRE_COPY_TO_PRE_COPY_P2P -> "SUSPEND_VHCA#1";
          case RUNNING_P2P_TO_STOP, PRE_COPY_P2P_TO_STOP_COPY -> "SUSPEND_VHCA#2";
          case STOP_TO_RUNNING_P2P, RUNNING_P2P_TO_RUNNING, PRE_COPY_P2P_TO_PRE_COPY ->
              "RESUME_VHCA#1";
          case STOP_TO_STOP_COPY, RUNNING_TO_PRE_COPY, RUNNING_P2P_TO_PRE_COPY_P2P ->
              "QUERY_VHCA_MIGRATION_STATE#1";
          case PRE_COPY_TO_RUNNING, PRE_COPY_P2P_TO_RUNNING_P2P -> "QUERY_VHCA_MIGRATION_STATE#2";
          case STOP_TO_RESUMING -> "ALLOC_PD#1";
          // These send nothing that could be refused, or do not exist with P2P.
          default -> "";
        };
    return command.isEmpty()
        ? Optional.empty()
        : Optional.of(function("&faults=" + command + ":status=0x1", context));
  }
}
