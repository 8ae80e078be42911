package io.vferry.host.linux;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import java.util.Map;
import java.util.Optional;

/**
 * The parameters of an address, read.
 *
 * @param accessPath the way in that was asked for; empty for whatever works best
 * @param resetLeftover whether a device that is not RUNNING after open is reset
 * @param physicalFunction the path of the device to open along with this one
 */
record VfioParameters(
    Optional<AccessPath> accessPath, boolean resetLeftover, Optional<String> physicalFunction) {

  /** Reads them; unknown ones are refused, so that a typing error is not ignored in silence. */
  static VfioParameters of(DeviceAddress address) throws MigrationException {
    Optional<AccessPath> accessPath = Optional.empty();
    boolean resetLeftover = true;
    Optional<String> physicalFunction = Optional.empty();
    for (Map.Entry<String, String> parameter : address.parameters().entrySet()) {
      String value = parameter.getValue();
      switch (parameter.getKey()) {
        case "path" ->
            accessPath =
                switch (value) {
                  case "group" -> Optional.of(AccessPath.GROUP);
                  case "cdev" -> Optional.of(AccessPath.CDEV);
                  case "auto" -> Optional.empty();
                  default -> throw unknown(address, "path", value, "group, cdev or auto");
                };
        case "leftover" ->
            resetLeftover =
                switch (value) {
                  case "reset" -> true;
                  case "keep" -> false;
                  default -> throw unknown(address, "leftover", value, "reset or keep");
                };
        case "pf" -> physicalFunction = Optional.of(value);
        default ->
            throw new MigrationException(
                DeviceError.BAD_REQUEST,
                "'%s' in '%s' is no parameter; there are path, leftover and pf"
                    .formatted(parameter.getKey(), address));
      }
    }
    return new VfioParameters(accessPath, resetLeftover, physicalFunction);
  }

  private static MigrationException unknown(
      DeviceAddress address, String key, String value, String choice) {
    return new MigrationException(
        DeviceError.BAD_REQUEST,
        "%s=%s in '%s' is unknown; write %s".formatted(key, value, address, choice));
  }
}
