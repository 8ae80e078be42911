package io.vferry.runtime.wiring;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import com.google.inject.util.Modules;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The ports of one runtime, each as it is bound by default or as it was overridden. */
public final class Ports {

  private final Injector injector;

  private Ports(Injector injector) {
    this.injector = injector;
  }

  /**
   * Binds the ports.
   *
   * @param overrides what replaces a default, by port
   */
  public static Ports bind(
      List<Path> driverDirectories, Path journalDirectory, Map<Class<?>, Supplier<?>> overrides) {
    return new Ports(
        Guice.createInjector(
            Stage.DEVELOPMENT,
            Modules.override(new RuntimeModule(driverDirectories, journalDirectory))
                .with(new Overrides(overrides))));
  }

  /** Returns what a port is bound to; the same each time. */
  public <T> T get(Class<T> port) {
    return injector.getInstance(port);
  }

  private static final class Overrides extends AbstractModule {

    private final Map<Class<?>, Supplier<?>> overrides;

    Overrides(Map<Class<?>, Supplier<?>> overrides) {
      this.overrides = overrides;
    }

    @Override
    protected void configure() {
      overrides.forEach(this::bindOne);
    }

    private <T> void bindOne(Class<T> port, Supplier<?> supplier) {
      bind(port).toProvider(() -> port.cast(supplier.get())).in(com.google.inject.Scopes.SINGLETON);
    }
  }
}
