package io.vferry.host.linux;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DeviceParameters;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The parameters of an address, read.
 *
 * @param accessPath the way in that was asked for; empty for whatever works best
 * @param leftover what becomes of a device that is not RUNNING after open
 * @param physicalFunction the path of the device to open along with this one
 * @param virtualFunction which of its virtual functions this is, if sysfs does not tell
 */
record VfioParameters(
    Optional<AccessPath> accessPath,
    Leftover leftover,
    Optional<String> physicalFunction,
    OptionalInt virtualFunction) {

  /** The ways in by their names in an address. */
  private enum Way {
    AUTO,
    GROUP,
    CDEV
  }

  /** Reads them; unknown ones are refused, so that a typing error is not ignored in silence. */
  static VfioParameters of(DeviceAddress address) throws MigrationException {
    DeviceParameters in =
        new DeviceParameters(
            "the device " + address.scheme() + ":" + address.path(), address.parameters());
    VfioParameters parameters =
        new VfioParameters(
            switch (in.choice("path", Way.AUTO)) {
              case AUTO -> Optional.empty();
              case GROUP -> Optional.of(AccessPath.GROUP);
              case CDEV -> Optional.of(AccessPath.CDEV);
            },
            in.choice("leftover", Leftover.RESET),
            in.text("pf"),
            Companions.virtualFunction(in));
    in.finish();
    return parameters;
  }
}
