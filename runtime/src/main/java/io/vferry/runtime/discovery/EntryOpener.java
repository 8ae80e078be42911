package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Opens entries of driver directories: a layer where all is modular, else a class loader. */
final class EntryOpener {

  /** The layer of the runtime; null if the runtime is on the class path. */
  private final @Nullable ModuleLayer hostLayer;

  EntryOpener(@Nullable ModuleLayer hostLayer) {
    this.hostLayer = hostLayer;
  }

  /** Returns an opener for the runtime as it was started. */
  static EntryOpener ofRuntime() {
    Module runtime = Discovery.class.getModule();
    return new EntryOpener(runtime.isNamed() ? runtime.getLayer() : null);
  }

  /** Opens an entry; the exception says why it cannot be. */
  Place open(Path entry) throws MigrationException {
    List<JarFacts> jars = read(entry);
    refuseTwoVersions(jars);
    if (hostLayer == null) {
      return inClassLoader(entry, jars, "the runtime itself is on the class path");
    }
    for (JarFacts jar : jars) {
      if (!jar.explicitModule()) {
        return inClassLoader(
            entry, jars, jar.jar().getFileName() + " has no module descriptor of its own");
      }
    }
    return inLayer(entry, jars, hostLayer);
  }

  private static List<JarFacts> read(Path entry) throws MigrationException {
    List<JarFacts> facts = new ArrayList<>();
    try {
      for (Path jar : DriverDirectory.jars(entry)) {
        JarFacts read = JarFacts.read(jar);
        // The host's is used: with two of them a driver would implement a foreign interface.
        if (!read.isSpi()) {
          facts.add(read);
        }
      }
    } catch (IOException unreadable) {
      throw Instantiation.refusal(
          "the directory cannot be read: " + Thrown.describe(unreadable), unreadable);
    }
    if (facts.isEmpty()) {
      throw Instantiation.refusal("no jar of a driver is in it; put one there or remove it");
    }
    return facts;
  }

  private static void refuseTwoVersions(List<JarFacts> jars) throws MigrationException {
    Map<String, Path> known = new HashMap<>();
    for (JarFacts jar : jars) {
      if (jar.descriptor().isEmpty()) {
        continue;
      }
      String name = jar.descriptor().get().name();
      Path other = known.put(name, jar.jar());
      if (other != null) {
        throw Instantiation.refusal(
            "%s and %s are two versions of %s; keep one of them"
                .formatted(other.getFileName(), jar.jar().getFileName(), name));
      }
    }
  }

  private static Place inLayer(Path entry, List<JarFacts> jars, ModuleLayer host)
      throws MigrationException {
    OwnModules own = new OwnModules(jars.stream().map(JarFacts::jar).toList());
    refuseUnmetRequirements(own, host);
    try {
      Configuration configuration =
          host.configuration().resolve(own, ModuleFinder.of(), own.names());
      return new Place.Layer(
          entry, host.defineModulesWithOneLoader(configuration, new SpiOnlyLoader()));
    } catch (FindException | ResolutionException | LayerInstantiationException impossible) {
      throw Instantiation.refusal(
          "its modules do not fit together: " + Thrown.describe(impossible), impossible);
    }
  }

  private static void refuseUnmetRequirements(OwnModules own, ModuleLayer host)
      throws MigrationException {
    for (ModuleReference module : own.findAll()) {
      for (Requires required : module.descriptor().requires()) {
        String name = required.name();
        boolean optional = required.modifiers().contains(Requires.Modifier.STATIC);
        if (optional || own.names().contains(name)) {
          continue;
        }
        String demand = "module %s requires %s".formatted(module.descriptor().name(), name);
        if (!OwnModules.visibleFromHost(name)) {
          throw Instantiation.refusal(
              demand
                  + ", which is not beside it, and drivers see nothing of the host but the driver"
                  + " interface; put its jar into the same directory");
        }
        if (host.configuration().findModule(name).isEmpty()) {
          throw Instantiation.refusal(
              demand
                  + ", which this Java process was started without; start it with --add-modules "
                  + name);
        }
      }
    }
  }

  private static Place inClassLoader(Path entry, List<JarFacts> jars, String reason)
      throws MigrationException {
    URL[] urls = new URL[jars.size()];
    List<String> provided = new ArrayList<>();
    for (int i = 0; i < urls.length; i++) {
      JarFacts jar = jars.get(i);
      try {
        urls[i] = jar.jar().toUri().toURL();
      } catch (MalformedURLException impossible) {
        throw Instantiation.refusal(
            "%s has no URL: %s".formatted(jar.jar(), Thrown.describe(impossible)), impossible);
      }
      if (jar.explicitModule()) {
        jar.descriptor().get().provides().forEach(offer -> provided.add(offer.service()));
      }
    }
    return new Place.Loader(
        entry,
        new URLClassLoader("vferry-" + entry.getFileName(), urls, new SpiOnlyLoader()),
        reason,
        List.copyOf(Set.copyOf(provided)));
  }
}
