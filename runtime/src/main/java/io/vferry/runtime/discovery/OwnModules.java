package io.vferry.runtime.discovery;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The modules of one entry of a driver directory. What they require only optionally ({@code
 * requires static}) is given to them from the entry or not at all: otherwise a module of the host
 * by that name would become visible to the driver by chance.
 */
final class OwnModules implements ModuleFinder {

  /** Name of the module that holds the driver interface. */
  static final String SPI_MODULE = "io.vferry.spi";

  private final Map<String, ModuleReference> modules;

  OwnModules(List<Path> jars) {
    Set<ModuleReference> found = ModuleFinder.of(jars.toArray(Path[]::new)).findAll();
    Set<String> names =
        found.stream().map(module -> module.descriptor().name()).collect(Collectors.toSet());
    this.modules =
        found.stream()
            .map(module -> new OwnModule(withoutHostOptions(module.descriptor(), names), module))
            .collect(
                Collectors.toUnmodifiableMap(
                    module -> module.descriptor().name(), Function.identity()));
  }

  @Override
  public Optional<ModuleReference> find(String name) {
    return Optional.ofNullable(modules.get(name));
  }

  @Override
  public Set<ModuleReference> findAll() {
    return Set.copyOf(modules.values());
  }

  /** Returns the names of the modules. */
  Set<String> names() {
    return modules.keySet();
  }

  /** Whether a module that is not in the entry may be seen from it. */
  static boolean visibleFromHost(String module) {
    return module.equals(SPI_MODULE) || SpiOnlyLoader.isJdk(module);
  }

  private static ModuleDescriptor withoutHostOptions(ModuleDescriptor descriptor, Set<String> own) {
    ModuleDescriptor.Builder copy =
        ModuleDescriptor.newModule(descriptor.name(), descriptor.modifiers())
            .packages(descriptor.packages());
    for (Requires required : descriptor.requires()) {
      boolean optional = required.modifiers().contains(Requires.Modifier.STATIC);
      if (!optional || own.contains(required.name()) || visibleFromHost(required.name())) {
        copy.requires(required);
      }
    }
    descriptor.exports().forEach(copy::exports);
    descriptor.opens().forEach(copy::opens);
    descriptor.uses().forEach(copy::uses);
    descriptor.provides().forEach(copy::provides);
    descriptor.version().ifPresent(copy::version);
    descriptor.mainClass().ifPresent(copy::mainClass);
    return copy.build();
  }

  /** A module with another descriptor. */
  private static final class OwnModule extends ModuleReference {

    private final ModuleReference module;

    OwnModule(ModuleDescriptor descriptor, ModuleReference module) {
      super(descriptor, module.location().orElse(null));
      this.module = module;
    }

    @Override
    public ModuleReader open() throws IOException {
      return module.open();
    }
  }
}
