package io.vferry.runtime.discovery;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmAdaptor;
import io.vferry.spi.vm.VmSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What discovery found: services that can be used, each with names that are its own, and what
 * cannot be used, with the reason. Immutable; safe for use by any number of threads.
 */
public final class Catalogue {

  /** The scheme by which the runtime itself opens every device model. */
  public static final String MODEL_SCHEME = "sim";

  private final List<Found<MigrationDriver>> drivers;
  private final List<Found<HostBackend>> backends;
  private final List<Found<DeviceModel>> models;
  private final List<Found<VmAdaptor>> adaptors;
  private final List<Rejected> rejected;

  private Catalogue(
      List<Found<MigrationDriver>> drivers,
      List<Found<HostBackend>> backends,
      List<Found<DeviceModel>> models,
      List<Found<VmAdaptor>> adaptors,
      List<Rejected> rejected) {
    this.drivers = byName(drivers);
    this.backends = byName(backends);
    this.models = byName(models);
    this.adaptors = byName(adaptors);
    this.rejected = List.copyOf(rejected);
  }

  /** Makes a catalogue of services whose names may still clash. */
  static Catalogue of(
      List<Found<MigrationDriver>> drivers,
      List<Found<HostBackend>> backends,
      List<Found<DeviceModel>> models,
      List<Found<VmAdaptor>> adaptors,
      List<Rejected> rejectedBefore) {
    List<Rejected> rejected = new ArrayList<>(rejectedBefore);
    List<Found<DeviceModel>> ownModels = Duplicates.reject(Kind.MODEL, models, rejected);
    List<Found<HostBackend>> ownBackends =
        new ArrayList<>(Duplicates.reject(Kind.BACKEND, backends, rejected));
    ownBackends.removeIf(backend -> takesSchemeOfRuntime(backend, rejected));
    ownBackends.add(modelBackend(ownModels, rejected));
    return new Catalogue(
        Duplicates.reject(Kind.DRIVER, drivers, rejected),
        ownBackends,
        ownModels,
        Duplicates.reject(Kind.ADAPTOR, adaptors, rejected),
        rejected);
  }

  private static boolean takesSchemeOfRuntime(Found<HostBackend> backend, List<Rejected> rejected) {
    if (!backend.name().equals(MODEL_SCHEME)) {
      return false;
    }
    rejected.add(
        new Rejected(
            backend.name(),
            backend.location(),
            "the scheme 'sim' belongs to the runtime, which opens every device model by it; "
                + "offer a DeviceModel instead of a backend, or choose another scheme",
            Optional.empty()));
    return true;
  }

  private static Found<HostBackend> modelBackend(
      List<Found<DeviceModel>> models, List<Rejected> rejected) {
    return new Found<>(
        HostBackend.class,
        new ModelBackend(models, rejected),
        List.of(MODEL_SCHEME),
        ModelBackend.class.getName(),
        Origin.RUNTIME,
        "runtime",
        new Isolation(Isolation.Kind.HOST, "it is a part of the runtime"),
        SpiVersion.offered());
  }

  private static <T> List<Found<T>> byName(List<Found<T>> found) {
    return found.stream().sorted(Comparator.comparing(Found<T>::name)).toList();
  }

  /** Returns the drivers, by id. */
  public List<Found<MigrationDriver>> drivers() {
    return drivers;
  }

  /** Returns the host backends, by scheme; the scheme {@code sim} is always among them. */
  public List<Found<HostBackend>> backends() {
    return backends;
  }

  /** Returns the device models, by first name. */
  public List<Found<DeviceModel>> models() {
    return models;
  }

  /** Returns the adaptors to virtual machines, by id. */
  public List<Found<VmAdaptor>> adaptors() {
    return adaptors;
  }

  /** Returns what cannot be used. */
  public List<Rejected> rejected() {
    return rejected;
  }

  /**
   * Chooses the driver of a device: the one that is named, else the one that knows the device best.
   *
   * @param device what is known about the device
   * @param driverId the driver that the integrator named
   */
  public DriverChoice choose(HostDeviceInfo device, Optional<String> driverId) {
    return Chooser.choose(drivers, rejected, device, driverId);
  }

  /** Returns the backend of a scheme. */
  public Optional<HostBackend> backend(String scheme) {
    return backends.stream()
        .filter(backend -> backend.name().equals(scheme))
        .map(Found::instance)
        .findFirst();
  }

  /**
   * Opens a device by the backend of its address's scheme.
   *
   * @return owned by the caller, who closes it
   * @throws MigrationException {@code BAD_REQUEST} if no backend has the scheme, {@code
   *     OPEN_FAILED} if it does not work on this host; else as {@link HostBackend#open}
   */
  public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
    HostBackend backend =
        backend(address.scheme())
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.BAD_REQUEST,
                        "device %s: no backend has the scheme '%s' of %s; known are: %s%s"
                            .formatted(
                                context.deviceId(),
                                address.scheme(),
                                address,
                                names(backends),
                                hint(address.scheme()))));
    Availability availability = backend.availability();
    if (!availability.available()) {
      throw new MigrationException(
          DeviceError.OPEN_FAILED,
          "device %s: the backend '%s' does not work on this host: %s"
              .formatted(context.deviceId(), address.scheme(), availability.reason()));
    }
    return backend.open(address, context);
  }

  /**
   * Returns what a guest would run to use a device that does not come with its software: one of a
   * model that another process has.
   *
   * @return empty if no model here is one of that kind
   * @throws MigrationException if a model cannot say; {@code DRIVER_BROKEN} if it failed
   */
  public Optional<GuestSoftware> guestSoftware(HostDeviceInfo device) throws MigrationException {
    for (Found<DeviceModel> model : models) {
      Optional<GuestSoftware> software = model.instance().guestSoftware(device);
      if (software.isPresent()) {
        return software;
      }
    }
    return Optional.empty();
  }

  /**
   * Connects to a virtual machine, or creates one.
   *
   * @param adaptorId which adaptor
   * @return owned by the caller, who closes it
   * @throws MigrationException {@code BAD_REQUEST} if there is no such adaptor; else as {@link
   *     VmAdaptor#open}
   */
  public VirtualMachine openMachine(String adaptorId, VmSpec spec) throws MigrationException {
    for (Found<VmAdaptor> adaptor : adaptors) {
      if (adaptor.name().equals(adaptorId)) {
        return adaptor.instance().open(spec);
      }
    }
    throw new MigrationException(
        DeviceError.BAD_REQUEST,
        "virtual machine %s: there is no VM adaptor '%s'; known are: %s%s"
            .formatted(spec.name(), adaptorId, names(adaptors), hint(adaptorId)));
  }

  private String hint(String name) {
    return Chooser.rejectionHint(rejected, name);
  }

  private static <T> String names(List<Found<T>> found) {
    return found.isEmpty()
        ? "none"
        : found.stream().map(Found::name).collect(Collectors.joining(", "));
  }
}
