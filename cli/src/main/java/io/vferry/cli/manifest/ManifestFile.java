package io.vferry.cli.manifest;

import io.vferry.runtime.plan.Manifest;
import java.nio.file.Path;
import java.util.Map;

/**
 * A manifest that was read, with the places of the names that only the drivers at hand can judge.
 *
 * @param path the file
 * @param manifest what it says
 * @param adaptorPlace where the VM adaptor is named
 * @param devicePlaces by device id, where its addresses and driver stand
 */
public record ManifestFile(
    Path path, Manifest manifest, Place adaptorPlace, Map<String, DevicePlaces> devicePlaces) {

  public ManifestFile {
    devicePlaces = Map.copyOf(devicePlaces);
  }

  /** Returns where the parts of a device of this manifest stand. */
  public DevicePlaces places(String deviceId) {
    DevicePlaces places = devicePlaces.get(deviceId);
    if (places == null) {
      throw new IllegalArgumentException("the manifest has no device " + deviceId);
    }
    return places;
  }

  /**
   * Where the parts of a device stand; a part that is not there has the device's own place.
   *
   * @param id its id
   * @param host its address on the source
   * @param destination its address on the destination
   * @param driver its driver
   */
  public record DevicePlaces(Place id, Place host, Place destination, Place driver) {}
}
