package io.vferry.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.driver.MigrationDriver;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is started together with the runtime; loaders of the test stand for the application's. */
class HostPlaceTest {

  @TempDir Path temp;
  private Forge forge;

  @BeforeEach
  void begin() throws IOException {
    forge = new Forge(Files.createDirectory(temp.resolve("workshop")));
  }

  private static Catalogue search(ClassLoader loader) {
    return Search.run(loader, new EntryOpener(null), List.of());
  }

  @Test
  void driversOnTheClassPathAreFound() throws IOException {
    Path jar =
        forge
            .jar()
            .driver("acme.Driver", "acme")
            .driver("acme.Broken", "broken", DriverSource.standard().annotation(""))
            .services(MigrationDriver.class, "acme.Broken", "acme.Driver")
            .to(temp.resolve("acme.jar"));
    try (URLClassLoader loader =
        new URLClassLoader(
            new URL[] {jar.toUri().toURL()}, Discovery.class.getClassLoader())) {
      Catalogue catalogue = search(loader);
      assertThat(catalogue.drivers())
          .singleElement()
          .satisfies(
              found -> {
                assertThat(found.name()).isEqualTo("acme");
                assertThat(found.origin()).isEqualTo(Origin.CLASS_PATH);
                assertThat(found.location()).isEqualTo(jar.toString());
                assertThat(found.isolation().kind()).isEqualTo(Isolation.Kind.HOST);
              });
      assertThat(catalogue.rejected())
          .singleElement()
          .satisfies(
              rejected -> {
                assertThat(rejected.name()).isEqualTo("acme.Broken");
                assertThat(rejected.location()).isEqualTo(jar.toString());
              });
    }
  }

  @Test
  void driversOnTheModulePathAreFound() throws IOException {
    Module runtime = Discovery.class.getModule();
    Assumptions.assumeTrue(runtime.isNamed());
    Path jar =
        forge
            .jar()
            .source(
                "module-info.java",
                "module acme { requires io.vferry.spi;"
                    + " provides io.vferry.spi.driver.MigrationDriver with acme.Driver; }")
            .driver("acme.Driver", "acme")
            .services(MigrationDriver.class, "acme.Driver")
            .to(temp.resolve("acme.jar"));
    Configuration configuration =
        runtime
            .getLayer()
            .configuration()
            .resolve(ModuleFinder.of(jar), ModuleFinder.of(), Set.of("acme"));
    ModuleLayer layer =
        runtime
            .getLayer()
            .defineModulesWithOneLoader(configuration, Discovery.class.getClassLoader());
    Catalogue catalogue = search(layer.findLoader("acme"));
    // Declared twice, as vendors are asked to, and found once.
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(catalogue.drivers())
        .singleElement()
        .satisfies(found -> assertThat(found.origin()).isEqualTo(Origin.MODULE_PATH));
  }

  @Test
  void nothingIsFoundWhereNothingIs() {
    Catalogue catalogue = search(ClassLoader.getPlatformClassLoader());
    assertThat(catalogue.drivers()).isEmpty();
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(catalogue.backends()).extracting(Found::name).containsExactly("sim");
  }
}
