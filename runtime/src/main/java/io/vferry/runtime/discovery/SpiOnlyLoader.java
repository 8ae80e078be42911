package io.vferry.runtime.discovery;

import io.vferry.spi.driver.MigrationDriver;
import org.jspecify.annotations.Nullable;

/**
 * The parent of all that comes from a driver directory: shows the driver interface and the JDK, and
 * nothing else of the host. The JDK's own platform class loader would not do as a parent, because
 * in a modular host it also answers for the packages of application modules.
 */
final class SpiOnlyLoader extends ClassLoader {

  private static final String SPI_PACKAGES = "io.vferry.spi.";

  static {
    registerAsParallelCapable();
  }

  SpiOnlyLoader() {
    super("vferry-spi-only", null);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (name.startsWith(SPI_PACKAGES)) {
      return Class.forName(name, false, MigrationDriver.class.getClassLoader());
    }
    Class<?> type = ClassLoader.getPlatformClassLoader().loadClass(name);
    if (!isJdk(type.getModule().getName())) {
      throw new ClassNotFoundException(name + " belongs to the host; drivers cannot see it");
    }
    return type;
  }

  /** Whether a module of this name belongs to the JDK. */
  static boolean isJdk(@Nullable String module) {
    return module != null && (module.startsWith("java.") || module.startsWith("jdk."));
  }
}
