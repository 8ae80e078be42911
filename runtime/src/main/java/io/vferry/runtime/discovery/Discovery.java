package io.vferry.runtime.discovery;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.vm.VmAdaptor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds drivers, host backends, device models and VM adaptors on the module path, on the class path
 * and in directories of driver jars.
 *
 * <p>In such a directory each jar is an entry, and so is each sub-directory with all the jars in
 * it. Each entry is kept apart, so that two vendors may carry two versions of one library: in a
 * module layer of its own if all its jars are explicit modules and the runtime is a module too,
 * else in a class loader of its own. Both see the driver interface and the JDK, and nothing else of
 * the host.
 *
 * <p>What cannot be used is reported by name and reason, and never hides the others.
 */
public final class Discovery {

  private Discovery() {}

  /**
   * Looks everywhere.
   *
   * @param driverDirectories directories of driver jars; the jars must not be replaced while the
   *     process runs
   * @return what was found; it holds the jars open as long as it, or something that it gave, is
   *     used
   */
  public static Catalogue discover(List<Path> driverDirectories) {
    return Search.run(Discovery.class.getClassLoader(), EntryOpener.ofRuntime(), driverDirectories);
  }

  /**
   * Makes a catalogue of what the embedding program brings along. Nothing else is looked for;
   * device models are reached by the scheme {@code sim} as always.
   *
   * @throws IllegalArgumentException if one breaks a rule, such as a name that is taken
   */
  public static Catalogue embedded(
      List<? extends MigrationDriver> drivers,
      List<? extends HostBackend> backends,
      List<? extends DeviceModel> models,
      List<? extends VmAdaptor> adaptors) {
    List<Rejected> rejected = new ArrayList<>();
    Catalogue catalogue =
        Catalogue.of(
            Embedding.admit(Kind.DRIVER, drivers, rejected),
            Embedding.admit(Kind.BACKEND, backends, rejected),
            Embedding.admit(Kind.MODEL, models, rejected),
            Embedding.admit(Kind.ADAPTOR, adaptors, rejected),
            rejected);
    if (!catalogue.rejected().isEmpty()) {
      throw new IllegalArgumentException(catalogue.rejected().get(0).toString());
    }
    return catalogue;
  }
}
