package io.vferry.runtime.discovery;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.vm.VmAdaptor;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What discovery has to know about one of the services.
 *
 * @param service its interface
 * @param noun what one of them is called
 * @param nameNoun what its name is called
 * @param nameForm what a name looks like
 * @param names asks a service for its names
 * @param enclosure puts a fence around a service
 */
record Kind<T>(
    Class<T> service,
    String noun,
    String nameNoun,
    Pattern nameForm,
    Names<T> names,
    Enclosure<T> enclosure) {

  /** Asks a service for its names. */
  @FunctionalInterface
  interface Names<T> {
    List<String> of(T instance);
  }

  /** Puts a fence around a service with known names. */
  @FunctionalInterface
  interface Enclosure<T> {
    T enclose(Fence fence, T instance, List<String> names) throws MigrationException;
  }

  private static final Pattern KEBAB_CASE = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*");

  static final Kind<MigrationDriver> DRIVER =
      new Kind<>(
          MigrationDriver.class,
          "driver",
          "driver id",
          KEBAB_CASE,
          driver -> List.of(driver.info().id()),
          (fence, driver, names) -> new FencedDriver(fence, driver));

  static final Kind<HostBackend> BACKEND =
      new Kind<>(
          HostBackend.class,
          "host backend",
          "scheme",
          Pattern.compile("[a-z][a-z0-9-]*"),
          backend -> List.of(backend.scheme()),
          (fence, backend, names) -> new FencedBackend(fence, backend, names.get(0)));

  static final Kind<DeviceModel> MODEL =
      new Kind<>(
          DeviceModel.class,
          "device model",
          "model name",
          KEBAB_CASE,
          model -> List.copyOf(model.names()),
          FencedModel::new);

  static final Kind<VmAdaptor> ADAPTOR =
      new Kind<>(
          VmAdaptor.class,
          "VM adaptor",
          "adaptor id",
          KEBAB_CASE,
          adaptor -> List.of(adaptor.id()),
          (fence, adaptor, names) -> new FencedAdaptor(fence, adaptor, names.get(0)));
}
