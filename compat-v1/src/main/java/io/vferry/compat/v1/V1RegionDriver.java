package io.vferry.compat.v1;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Region;

/**
 * Drives each device that shows a v1 region by itself, as those do that other processes serve with
 * libvfio-user of 2020 to 2022.
 */
final class V1RegionDriver implements V1Driver {

  /** Which region it is, if the host found one, as a decimal number. */
  private static final String REGION = "v1-region";

  /**
   * What is read or written in one access. Programs that answer by message, as the sample of
   * libvfio-user, take a chunk only whole.
   */
  private static final int WHOLE_CHUNK_BYTES = 1 << 20;

  @Override
  public DriverInfo info() {
    return new DriverInfo("region", "vferry", Integer.toString(V1StreamFormat.VERSION));
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    if (!device.properties().containsKey(REGION)) {
      return DriverMatch.none(
          "%s has no migration region of Linux 5.8, and no driver written for that lies beside this one"
              .formatted(device.address()));
    }
    if (device.hostMigration()) {
      return DriverMatch.none(
          "the host can migrate %s by the interface that came after its migration region"
              .formatted(device.address()));
    }
    return new DriverMatch(
        DriverMatch.Rank.GENERIC,
        "%s has the migration region of Linux 5.8".formatted(device.address()));
  }

  @Override
  public V1Device attach(HostDevice device) throws MigrationException {
    String index = device.info().properties().getOrDefault(REGION, "");
    if (!index.matches("[0-9]{1,9}")) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "the host of %s names no migration region of Linux 5.8 but '%s'"
              .formatted(device.info().address(), index));
    }
    Region region = device.region(Integer.parseInt(index));
    return new V1RegionDevice(region, new Hosted(device, region), WHOLE_CHUNK_BYTES);
  }

  /** The device as its host has it, which stays the host's. */
  private record Hosted(HostDevice device, Region region) implements V1RegionDevice.Owner {

    /** Libvfio-user resets no device that is stopped, and keeps the state of one that is not. */
    @Override
    public void reset() throws MigrationException {
      V1RegionDevice registers = new V1RegionDevice(region, this);
      try {
        device.reset();
      } catch (MigrationException refusal) {
        try {
          run(registers);
          device.reset();
        } catch (MigrationException e) {
          e.addSuppressed(refusal);
          throw e.code() == DeviceError.RESET_FAILED
              ? e
              : new MigrationException(
                  DeviceError.RESET_FAILED,
                  "%s was not reset, and does not run either; start its server anew"
                      .formatted(device.info().address()),
                  e);
        }
      }
      run(registers);
    }

    private static void run(V1RegionDevice registers) throws MigrationException {
      int bits = registers.readDeviceState();
      if ((bits & V1State.MASK) != V1State.RUNNING.bits()) {
        registers.writeDeviceState((bits & ~V1State.MASK) | V1State.RUNNING.bits());
      }
    }
  }
}
