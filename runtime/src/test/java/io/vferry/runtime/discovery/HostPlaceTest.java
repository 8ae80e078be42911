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
        new URLClassLoader(new URL[] {jar.toUri().toURL()}, Discovery.class.getClassLoader())) {
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
    Path jar = temp.resolve("acme.jar");
    modular("acme", jar);
    ModuleLayer layer = layer(runtime.getLayer(), jar, "acme");
    Catalogue catalogue = search(layer.findLoader("acme"));
    // Declared twice, as vendors are asked to, and found once.
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(catalogue.drivers())
        .singleElement()
        .satisfies(found -> assertThat(found.origin()).isEqualTo(Origin.MODULE_PATH));
  }

  @Test
  void aDriverOfTheHostIsNotFoundAgainInEachLayer() throws IOException {
    Module runtime = Discovery.class.getModule();
    Assumptions.assumeTrue(runtime.isNamed());
    modular("hosted", temp.resolve("host/hosted.jar"));
    modular("acme", temp.resolve("drivers/acme.jar"));
    ModuleLayer host = layer(runtime.getLayer(), temp.resolve("host/hosted.jar"), "hosted");
    Catalogue catalogue =
        Search.run(
            host.findLoader("hosted"), new EntryOpener(host), List.of(temp.resolve("drivers")));
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(catalogue.drivers())
        .filteredOn(found -> List.of("hosted", "acme").contains(found.name()))
        .extracting(found -> found.name() + ": " + found.origin())
        .containsExactly("acme: DIRECTORY", "hosted: MODULE_PATH");
  }

  private void modular(String name, Path jar) throws IOException {
    forge
        .jar()
        .source(
            "module-info.java",
            "module %1$s { requires io.vferry.spi; provides %2$s with %1$s.Driver; }"
                .formatted(name, MigrationDriver.class.getName()))
        .driver(name + ".Driver", name)
        .services(MigrationDriver.class, name + ".Driver")
        .to(jar);
  }

  private static ModuleLayer layer(ModuleLayer parent, Path jar, String module) {
    Configuration configuration =
        parent.configuration().resolve(ModuleFinder.of(jar), ModuleFinder.of(), Set.of(module));
    return parent.defineModulesWithOneLoader(configuration, Discovery.class.getClassLoader());
  }

  @Test
  void nothingIsFoundWhereNothingIs() {
    Catalogue catalogue = search(ClassLoader.getPlatformClassLoader());
    assertThat(catalogue.drivers()).isEmpty();
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(catalogue.backends()).extracting(Found::name).containsExactly("sim");
  }
}
