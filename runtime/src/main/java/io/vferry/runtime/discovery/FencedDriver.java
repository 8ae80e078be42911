package io.vferry.runtime.discovery;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** A driver behind a fence. */
final class FencedDriver implements MigrationDriver {

  private final Fence fence;
  private final MigrationDriver driver;
  private final DriverInfo info;

  FencedDriver(Fence fence, MigrationDriver driver) throws MigrationException {
    this.fence = fence;
    this.driver = driver;
    this.info = fence.call("info", driver::info);
  }

  @Override
  public DriverInfo info() {
    return info;
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    try {
      return fence.call("match", () -> complete(driver.match(device)));
    } catch (MigrationException broken) {
      return DriverMatch.none(broken.detail());
    }
  }

  /** Fails on a match that lacks a part, as the records of the driver interface do not check. */
  private static DriverMatch complete(DriverMatch match) {
    return new DriverMatch(
        Objects.requireNonNull(match.rank(), "rank"),
        Objects.requireNonNull(match.reason(), "reason"));
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    MigratableDevice attached = fence.call("attach", () -> driver.attach(device));
    try {
      return new FencedDevice(fence, attached);
    } catch (MigrationException broken) {
      fence.runQuietly("close", attached::close);
      throw broken;
    }
  }

  @Override
  public Optional<StreamInspector> inspector() {
    try {
      return fence.call("inspector", driver::inspector).map(this::fenced);
    } catch (MigrationException broken) {
      return Optional.of(
          stream -> {
            throw broken;
          });
    }
  }

  private StreamInspector fenced(StreamInspector inspector) {
    return stream -> fence.call("inspect", () -> List.copyOf(inspector.inspect(stream)));
  }
}
