package io.vferry.runtime.plan;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.runtime.discovery.Found;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.Compatibility.Difference;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Makes plans. Asks devices questions that change nothing; opens and moves none.
 *
 * <p>One plan at a time for the same devices.
 */
public final class Planner {

  /** The name by which a manifest says that there is no virtual machine, only devices. */
  private static final String NO_MACHINE = "none";

  private final Catalogue catalogue;

  /** Creates a planner that knows what the catalogue knows. */
  public Planner(Catalogue catalogue) {
    this.catalogue = catalogue;
  }

  /**
   * Plans the part of one side, which is all that can be looked at.
   *
   * @param here what became of the manifest's devices on that side, in manifest order
   */
  public Plan plan(Manifest manifest, Side side, List<Attachment> here) {
    return new Planning(manifest, side, Optional.empty()).plan(here);
  }

  /**
   * Plans a migration of which both sides can be looked at.
   *
   * @param source what became of the manifest's devices on the source, in manifest order
   * @param destination the same of the destination
   */
  public Plan plan(Manifest manifest, List<Attachment> source, List<Attachment> destination) {
    return new Planning(manifest, Side.SOURCE, Optional.of(destination)).plan(source);
  }

  private final class Planning {

    private final Manifest manifest;
    private final Side side;
    private final Optional<List<Attachment>> destination;
    private final List<Blocker> blockers = new ArrayList<>();

    Planning(Manifest manifest, Side side, Optional<List<Attachment>> destination) {
      this.manifest = manifest;
      this.side = side;
      this.destination = destination;
    }

    Plan plan(List<Attachment> here) {
      checkAdaptor();
      P2pPlanner peers = new P2pPlanner(manifest);
      peers.checkPeers(side, blockers);
      Map<String, Attachment> known = byId(here);
      List<PlannedDevice> devices = new ArrayList<>();
      for (Manifest.Device device : manifest.devices()) {
        Attachment attachment = known.get(device.id());
        if (attachment == null) {
          throw new IllegalArgumentException("nobody tried to attach device " + device.id());
        }
        devices.add(device(device, attachment));
      }
      return new Plan(
          manifest.vm().name(), devices, p2p(peers, known), destination.isPresent(), blockers);
    }

    private void checkAdaptor() {
      String adaptor = manifest.vm().adaptor();
      if (adaptor.equals(NO_MACHINE)
          || catalogue.adaptors().stream().anyMatch(found -> found.name().equals(adaptor))) {
        return;
      }
      String known =
          catalogue.adaptors().stream().map(Found::name).collect(Collectors.joining(", "));
      blockers.add(
          new Blocker(
              Blocker.Code.NO_VM_ADAPTOR,
              side,
              Optional.empty(),
              "there is no VM adaptor '%s'; known are: %s"
                  .formatted(adaptor, known.isEmpty() ? NO_MACHINE : NO_MACHINE + ", " + known),
              "Correct the adaptor in the manifest, or add its jar."));
    }

    private P2pPlan p2p(P2pPlanner peers, Map<String, Attachment> here) {
      P2pPlan plan = peers.plan(features(here), side, blockers);
      if (plan.mode() == P2pPlan.Mode.TWO_PHASE && destination.isPresent()) {
        return peers.plan(features(byId(destination.get())), Side.DESTINATION, blockers);
      }
      return plan;
    }

    private PlannedDevice device(Manifest.Device device, Attachment source) {
      List<String> notes = new ArrayList<>();
      List<Difference> differences = new ArrayList<>();
      Optional<Attachment> target =
          destination.map(attachments -> byId(attachments).get(device.id()));
      Optional<PlannedDevice.Ability> ability = Optional.empty();
      if (source instanceof Attachment.Failed failed) {
        blockers.add(failed.blocker());
      } else if (source instanceof Attachment.Attached attached) {
        noteStandIn(attached, notes);
        checkState(attached);
        ability = Optional.of(ability(attached, target, notes));
      }
      if (target.isPresent() && target.get() instanceof Attachment.Failed failed) {
        blockers.add(failed.blocker());
      }
      if (target.isPresent()
          && target.get() instanceof Attachment.Attached there
          && source instanceof Attachment.Attached here
          && ability.isPresent()) {
        compare(here, there, ability.get().description(), differences, notes);
      }
      return new PlannedDevice(
          device.id(),
          device.address(false),
          device.address(true),
          source.choice().flatMap(Planner::driver),
          source.choice().map(Planner::passedOver).orElse(List.of()),
          ability,
          device.peers(),
          differences,
          notes);
    }

    private void noteStandIn(Attachment.Attached attached, List<String> notes) {
      DeviceAddress wanted = attached.address();
      DeviceAddress opened = attached.host().info().address();
      boolean other = !opened.path().equals(wanted.path());
      if (wanted.scheme().equals(Catalogue.MODEL_SCHEME) && other) {
        notes.add(
            "%s stands in for '%s', of which no jar here brings a model"
                .formatted(opened, wanted.path()));
      }
    }

    private void checkState(Attachment.Attached attached) {
      try {
        DeviceState state = attached.device().state();
        if (state != DeviceState.RUNNING) {
          blockers.add(
              new Blocker(
                  Blocker.Code.NOT_RUNNING,
                  side,
                  Optional.of(attached.id()),
                  "device '%s' is in %s; a migration starts in RUNNING"
                      .formatted(attached.id(), state),
                  state == DeviceState.ERROR
                      ? "Reset the device; the guest loses what it held."
                      : "End what else moves the device, or bring it back to RUNNING."));
        }
      } catch (MigrationException failure) {
        blockers.add(
            new Blocker(
                Blocker.Code.NOT_RUNNING,
                side,
                Optional.of(attached.id()),
                "device '%s' does not say in which state it is: %s"
                    .formatted(attached.id(), failure.detail()),
                failure.code().advice()));
      }
    }

    private PlannedDevice.Ability ability(
        Attachment.Attached source, Optional<Attachment> target, List<String> notes) {
      MigratableDevice device = source.device();
      FeatureSet features = device.features();
      FeatureSet targetFeatures =
          target.isPresent() && target.get() instanceof Attachment.Attached there
              ? there.device().features()
              : features;
      if (!features.preCopy()) {
        notes.add("no pre-copy: its whole state moves while the guest is paused");
      }
      return new PlannedDevice.Ability(
          features,
          DevicePath.source(features),
          DevicePath.destination(targetFeatures),
          stopCopyBytes(device, notes),
          device.capability(DmaLog.class).isPresent()
              ? DirtyTracking.DEVICE_LOG
              : DirtyTracking.ALL_DIRTY,
          description(device, notes));
    }

    private void compare(
        Attachment.Attached source,
        Attachment.Attached target,
        Map<String, String> description,
        List<Difference> differences,
        List<String> notes) {
      DriverInfo here = source.chosen().driver().instance().info();
      DriverInfo there = target.chosen().driver().instance().info();
      if (!here.id().equals(there.id())) {
        blockers.add(
            new Blocker(
                Blocker.Code.DRIVER_DIFFERS,
                Side.DESTINATION,
                Optional.of(source.id()),
                "device '%s' is served by driver '%s' on the source and '%s' on the destination"
                    .formatted(source.id(), here.id(), there.id()),
                "Name the same driver for both in the manifest."));
        return;
      }
      if (!here.version().equals(there.version())) {
        notes.add(
            "driver '%s' is %s here and %s on the destination"
                .formatted(here.id(), here.version(), there.version()));
      }
      Optional<Compatibility> judge = target.device().capability(Compatibility.class);
      if (judge.isEmpty()) {
        notes.add("the driver cannot compare devices: a misfit shows when the data are loaded");
        return;
      }
      try {
        differences.addAll(judge.get().compare(description));
      } catch (MigrationException failure) {
        blockers.add(
            new Blocker(
                Blocker.Code.INCOMPATIBLE_DESTINATION,
                Side.DESTINATION,
                Optional.of(source.id()),
                "device '%s' cannot be compared with the source's: %s"
                    .formatted(source.id(), failure.detail()),
                failure.code().advice()));
        return;
      }
      if (!differences.isEmpty()) {
        blockers.add(
            new Blocker(
                Blocker.Code.INCOMPATIBLE_DESTINATION,
                Side.DESTINATION,
                Optional.of(source.id()),
                "device '%s' cannot take the state of the source's: %s"
                    .formatted(source.id(), tell(differences)),
                "Choose a destination device that agrees in what is named."));
      }
    }
  }

  private static String tell(List<Difference> differences) {
    return differences.stream()
        .map(
            difference ->
                "%s is %s there and %s here"
                    .formatted(difference.key(), difference.source(), difference.destination()))
        .collect(Collectors.joining("; "));
  }

  private static OptionalLong stopCopyBytes(MigratableDevice device, List<String> notes) {
    Optional<StopCopyEstimate> estimate = device.capability(StopCopyEstimate.class);
    if (estimate.isEmpty()) {
      return OptionalLong.empty();
    }
    try {
      return estimate.get().stopCopyBytes();
    } catch (MigrationException failure) {
      notes.add("the device does not say how much state it has: " + failure.detail());
      return OptionalLong.empty();
    }
  }

  private static Map<String, String> description(MigratableDevice device, List<String> notes) {
    Optional<Compatibility> compatibility = device.capability(Compatibility.class);
    if (compatibility.isEmpty()) {
      return Map.of();
    }
    try {
      return compatibility.get().describe();
    } catch (MigrationException failure) {
      notes.add("the device cannot be described: " + failure.detail());
      return Map.of();
    }
  }

  private static Optional<PlannedDevice.Driver> driver(DriverChoice choice) {
    if (!(choice instanceof DriverChoice.Chosen chosen)) {
      return Optional.empty();
    }
    Found<MigrationDriver> found = chosen.driver();
    DriverInfo info = found.instance().info();
    Rank rank = chosen.match().rank();
    return Optional.of(
        new PlannedDevice.Driver(
            info.id(), info.vendor(), info.version(), found.location(), rank, chosen.reason()));
  }

  private static List<PlannedDevice.PassedOver> passedOver(DriverChoice choice) {
    return choice.losers().stream()
        .map(
            loser ->
                new PlannedDevice.PassedOver(
                    loser.driver().name(),
                    loser.driver().location(),
                    loser.match().rank(),
                    loser.reason()))
        .toList();
  }

  private static Map<String, FeatureSet> features(Map<String, Attachment> attachments) {
    Map<String, FeatureSet> features = new LinkedHashMap<>();
    attachments.forEach(
        (id, attachment) -> {
          if (attachment instanceof Attachment.Attached attached) {
            features.put(id, attached.device().features());
          }
        });
    return features;
  }

  private static Map<String, Attachment> byId(List<Attachment> attachments) {
    Map<String, Attachment> byId = new LinkedHashMap<>();
    attachments.forEach(attachment -> byId.put(attachment.id(), attachment));
    return byId;
  }
}
