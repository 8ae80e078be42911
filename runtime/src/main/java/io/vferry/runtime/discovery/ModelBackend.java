package io.vferry.runtime.discovery;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The backend of the scheme {@code sim}: opens a device model by name, whichever vendor's it is. It
 * is a part of the runtime, because only the runtime sees all models.
 *
 * <p>The parameter {@code stand-in} of an address names the model to open, without parameters, as
 * long as nobody has brought the model that is meant. It does not hide one that was rejected.
 */
final class ModelBackend implements HostBackend {

  private static final String STAND_IN = "stand-in";

  private final Map<String, DeviceModel> models;
  private final List<Rejected> rejected;

  /**
   * Creates the backend of models with distinct names.
   *
   * @param rejected what cannot be used
   */
  ModelBackend(List<Found<DeviceModel>> found, List<Rejected> rejected) {
    Map<String, DeviceModel> byName = new TreeMap<>();
    for (Found<DeviceModel> model : found) {
      for (String name : model.names()) {
        byName.put(name, model.instance());
      }
    }
    this.models = Collections.unmodifiableMap(byName);
    this.rejected = List.copyOf(rejected);
  }

  @Override
  public String scheme() {
    return Catalogue.MODEL_SCHEME;
  }

  @Override
  public Availability availability() {
    return models.isEmpty()
        ? Availability.no("no device model was found; add the jar of a driver that ships one")
        : Availability.yes();
  }

  /**
   * {@inheritDoc} Gives one device for each name, with the property {@code description}. PCI
   * numbers are known only once the model is created.
   */
  @Override
  public List<HostDeviceInfo> list() {
    List<HostDeviceInfo> devices = new ArrayList<>();
    models.forEach(
        (name, model) ->
            devices.add(
                new HostDeviceInfo(
                    new DeviceAddress(Catalogue.MODEL_SCHEME, name, Map.of()),
                    Catalogue.MODEL_SCHEME,
                    0,
                    0,
                    0,
                    0,
                    false,
                    Map.of("description", model.description(name)))));
    return devices;
  }

  @Override
  public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
    Map<String, String> parameters = new LinkedHashMap<>(address.parameters());
    String standIn = parameters.remove(STAND_IN);
    DeviceModel model = models.get(address.path());
    if (model != null) {
      return model.create(new DeviceAddress(address.scheme(), address.path(), parameters), context);
    }
    String hint = Chooser.rejectionHint(rejected, address.path());
    if (standIn == null || !hint.isEmpty()) {
      throw unknown(context, address.path(), hint);
    }
    DeviceModel other = models.get(standIn);
    if (other == null) {
      throw unknown(context, standIn, " to stand in for '" + address.path() + "'");
    }
    return other.create(new DeviceAddress(address.scheme(), standIn, Map.of()), context);
  }

  private MigrationException unknown(OpenContext context, String name, String remark) {
    return new MigrationException(
        DeviceError.BAD_REQUEST,
        "device %s: there is no device model '%s'%s; known are: %s"
            .formatted(
                context.deviceId(),
                name,
                remark,
                models.isEmpty() ? "none" : String.join(", ", models.keySet())));
  }
}
