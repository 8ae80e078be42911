package io.vferry.vendor.hisiacc;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.util.Optional;

/**
 * Migrates virtual functions of HiSilicon accelerators through their registers and those of the
 * physical function, which is the companion {@code pf}.
 *
 * <p>The stream is the kernel's (Linux 6.17, {@code drivers/vfio/pci/hisilicon}).
 */
@AutoService(MigrationDriver.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class HisiAccMigrationDriver implements MigrationDriver {

  /** Creates the driver; for {@link java.util.ServiceLoader}. */
  public HisiAccMigrationDriver() {}

  @Override
  public DriverInfo info() {
    return new DriverInfo(
        "hisi-acc",
        "HiSilicon, by vferry",
        HisiAccStreamFormat.MAJOR + "." + HisiAccStreamFormat.MINOR);
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    Optional<HisiAccKind> kind =
        device.vendorId() == HisiAccKind.VENDOR_ID
            ? HisiAccKind.ofVfDeviceId(device.deviceId())
            : Optional.empty();
    if (kind.isEmpty()) {
      return DriverMatch.none("not a virtual function of a HiSilicon SEC, HPRE or ZIP accelerator");
    }
    if (device.hostMigration()) {
      return DriverMatch.none(
          "the host keeps the migration registers and migrates the device by itself");
    }
    return new DriverMatch(
        DriverMatch.Rank.EXACT,
        "virtual function of a HiSilicon %s accelerator".formatted(kind.get().title()));
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    return HisiAccAttachment.attach(device);
  }

  @Override
  public Optional<StreamInspector> inspector() {
    return Optional.of(new HisiAccStreamInspector());
  }
}
