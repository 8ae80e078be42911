package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.zip.ZipFile;

/**
 * What can be known of a jar without loading classes from it.
 *
 * @param descriptor of its module, explicit or automatic; empty if no module name can be derived
 */
record JarFacts(Path jar, Optional<ModuleDescriptor> descriptor) {

  /** Opens a jar and reads its module descriptor. */
  static JarFacts read(Path jar) throws MigrationException {
    boolean declaresModule;
    // Class loaders skip a jar that they cannot open and say nothing.
    try (JarFile file =
        new JarFile(jar.toFile(), false, ZipFile.OPEN_READ, JarFile.runtimeVersion())) {
      declaresModule = file.getJarEntry("module-info.class") != null;
    } catch (IOException | RuntimeException unreadable) {
      throw Instantiation.refusal(
          "%s is no readable jar: %s; copy it again"
              .formatted(jar.getFileName(), Thrown.describe(unreadable)),
          unreadable);
    }
    try {
      return new JarFacts(
          jar,
          ModuleFinder.of(jar).findAll().stream().findFirst().map(found -> found.descriptor()));
    } catch (FindException noModule) {
      if (declaresModule) {
        throw Instantiation.refusal(
            "the module descriptor of %s cannot be used: %s"
                .formatted(jar.getFileName(), Thrown.describe(noModule)),
            noModule);
      }
      return new JarFacts(jar, Optional.empty());
    }
  }

  /** Whether the jar has a module descriptor of its own. */
  boolean explicitModule() {
    return descriptor.isPresent() && !descriptor.get().isAutomatic();
  }

  /** Whether the jar is a copy of the driver interface. */
  boolean isSpi() {
    return descriptor.isPresent() && descriptor.get().name().equals(OwnModules.SPI_MODULE);
  }
}
