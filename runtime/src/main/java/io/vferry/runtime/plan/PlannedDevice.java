package io.vferry.runtime.plan;

import io.vferry.spi.driver.Compatibility.Difference;
import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.state.FeatureSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What is planned for one device.
 *
 * @param id its name in the manifest
 * @param source where it is
 * @param destination where it goes
 * @param driver its driver; empty if none was chosen
 * @param passedOver the drivers that were not chosen, best match first
 * @param ability what it can do; empty if its driver could not take charge of it
 * @param peers ids of the devices to which it does DMA
 * @param differences what keeps the destination's device from taking its state; empty if nothing,
 *     or if the destination is not known
 * @param notes sentences for people
 */
public record PlannedDevice(
    String id,
    DeviceAddress source,
    DeviceAddress destination,
    Optional<Driver> driver,
    List<PassedOver> passedOver,
    Optional<Ability> ability,
    List<String> peers,
    List<Difference> differences,
    List<String> notes) {

  /**
   * The driver of a device.
   *
   * @param reason one sentence: why this one
   */
  public record Driver(
      String id, String vendor, String version, String location, Rank rank, String reason) {}

  /**
   * A driver that was not chosen.
   *
   * @param reason one sentence: why not
   */
  public record PassedOver(String id, String location, Rank rank, String reason) {}

  /**
   * What a device can do, and so how it goes.
   *
   * @param features of the source's device
   * @param sourcePath its way on the source
   * @param destinationPath its way on the destination, with the source's features where the
   *     destination is not known
   * @param stopCopyBytes its own estimate of its state, never trusted
   * @param dirtyTracking how its DMA is found while the guest runs
   * @param description what its driver says that a destination must match
   */
  public record Ability(
      FeatureSet features,
      DevicePath sourcePath,
      DevicePath destinationPath,
      OptionalLong stopCopyBytes,
      DirtyTracking dirtyTracking,
      Map<String, String> description) {
    public Ability {
      description = Map.copyOf(description);
    }
  }

  public PlannedDevice {
    passedOver = List.copyOf(passedOver);
    peers = List.copyOf(peers);
    differences = List.copyOf(differences);
    notes = List.copyOf(notes);
  }
}
