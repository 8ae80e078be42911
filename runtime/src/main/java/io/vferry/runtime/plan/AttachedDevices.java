package io.vferry.runtime.plan;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The devices of a manifest on one side, opened and handed to their drivers. One that cannot be
 * used does not keep the others from being opened, so that a plan can name all that is in the way.
 */
public final class AttachedDevices implements AutoCloseable {

  private final List<Attachment> attachments;

  private AttachedDevices(List<Attachment> attachments) {
    this.attachments = List.copyOf(attachments);
  }

  /**
   * Opens the devices in manifest order.
   *
   * @param clock the time in which software models live
   */
  public static AttachedDevices open(
      Manifest manifest, Side side, Catalogue catalogue, HostClock clock) {
    List<Attachment> attachments = new ArrayList<>();
    Map<String, String> taken = new HashMap<>();
    SharedParts shared = new SharedParts();
    for (Manifest.Device device : manifest.devices()) {
      DeviceAddress address = device.address(side == Side.DESTINATION);
      Opening opening = new Opening(device, address, side, catalogue);
      // Each opening of a model makes a device of its own; of hardware there is only one.
      String hardware = address.scheme() + ":" + address.path();
      String other =
          address.scheme().equals(Catalogue.MODEL_SCHEME)
              ? null
              : taken.putIfAbsent(hardware, device.id());
      attachments.add(
          other == null
              ? opening.open(new OpenContext(device.id(), clock, shared))
              : opening.failed(
                  Optional.empty(),
                  Blocker.Code.DUPLICATE_ADDRESS,
                  "%s is device '%s' already".formatted(address, other),
                  "Give each device an address of its own."));
    }
    return new AttachedDevices(attachments);
  }

  /** Returns what became of each device, in manifest order. */
  public List<Attachment> attachments() {
    return attachments;
  }

  /**
   * Closes the devices in the opposite order, drivers first.
   *
   * @throws MigrationException the first failure; the others are suppressed in it, and all devices
   *     are closed all the same
   */
  @Override
  public void close() throws MigrationException {
    @Nullable MigrationException first = null;
    for (int i = attachments.size() - 1; i >= 0; i--) {
      if (attachments.get(i) instanceof Attachment.Attached attached) {
        first = close(attached.device(), first);
        first = close(attached.host(), first);
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private static @Nullable MigrationException close(
      AutoCloseable resource, @Nullable MigrationException first) {
    try {
      resource.close();
      return first;
    } catch (Exception failure) {
      MigrationException told =
          failure instanceof MigrationException known
              ? known
              : new MigrationException(
                  DeviceError.DRIVER_BROKEN, "closing a device threw " + failure, failure);
      if (first == null) {
        return told;
      }
      // A driver may throw one and the same exception again, which cannot suppress itself.
      if (first != told) {
        first.addSuppressed(told);
      }
      return first;
    }
  }

  /** The opening of one device. */
  private record Opening(
      Manifest.Device device, DeviceAddress address, Side side, Catalogue catalogue) {

    Attachment open(OpenContext context) {
      HostDevice host;
      try {
        host = catalogue.open(address, context);
      } catch (MigrationException failure) {
        return failed(Optional.empty(), openingCode(), failure);
      }
      Attachment attachment = attach(host);
      if (attachment instanceof Attachment.Failed) {
        MigrationException unclosed = AttachedDevices.close(host, null);
        if (unclosed != null) {
          System.getLogger(AttachedDevices.class.getName())
              .log(System.Logger.Level.WARNING, unclosed.getMessage(), unclosed);
        }
      }
      return attachment;
    }

    private Blocker.Code openingCode() {
      return catalogue
          .backend(address.scheme())
          .map(
              backend ->
                  backend.availability().available()
                      ? Blocker.Code.OPEN_FAILED
                      : Blocker.Code.BACKEND_UNAVAILABLE)
          .orElse(Blocker.Code.NO_BACKEND);
    }

    private Attachment attach(HostDevice host) {
      HostDeviceInfo info;
      try {
        info = host.info();
      } catch (RuntimeException | LinkageError broken) {
        return failed(
            Optional.empty(),
            Blocker.Code.OPEN_FAILED,
            "the backend of %s cannot say what the device is: %s".formatted(address, broken),
            DeviceError.DRIVER_BROKEN.advice());
      }
      DriverChoice choice = catalogue.choose(info, device.driver());
      if (choice instanceof DriverChoice.Chosen chosen) {
        try {
          MigratableDevice attached = chosen.driver().instance().attach(host);
          return new Attachment.Attached(device.id(), address, host, chosen, attached);
        } catch (MigrationException failure) {
          return failed(
              Optional.of(choice),
              failure.code() == DeviceError.NOT_MIGRATABLE
                  ? Blocker.Code.NOT_MIGRATABLE
                  : Blocker.Code.ATTACH_FAILED,
              failure);
        }
      }
      if (choice instanceof DriverChoice.Conflict) {
        return failed(
            Optional.of(choice),
            Blocker.Code.DRIVER_CONFLICT,
            choice.reason(),
            "Name the driver of this device in the manifest.");
      }
      return failed(
          Optional.of(choice),
          Blocker.Code.NO_DRIVER,
          choice.reason(),
          "Add the jar of a driver for this device; 'vferry drivers' shows what was found.");
    }

    private Attachment failed(
        Optional<DriverChoice> choice, Blocker.Code code, MigrationException failure) {
      return failed(choice, code, failure.detail(), failure.code().advice());
    }

    Attachment failed(
        Optional<DriverChoice> choice, Blocker.Code code, String reason, String advice) {
      return new Attachment.Failed(
          device.id(),
          address,
          choice,
          new Blocker(code, side, Optional.of(device.id()), reason, advice));
    }
  }
}
