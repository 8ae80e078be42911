package io.vferry.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.host.HostBackend;
import jakarta.inject.Provider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs twice: once with the runtime on the module path, once with it on the class path. */
class DriverDirectoryTest {

  private static final DriverSource STANDARD = DriverSource.standard();

  @TempDir Path temp;
  private Path drivers;
  private Forge forge;

  @BeforeEach
  void begin() throws IOException {
    drivers = Files.createDirectory(temp.resolve("drivers"));
    forge = new Forge(Files.createDirectory(temp.resolve("workshop")));
  }

  private static boolean modularHost() {
    return Discovery.class.getModule().isNamed();
  }

  private Catalogue discover() {
    return discover(drivers);
  }

  /** Looks into directories only, and not at what else the build has put on the paths. */
  private static Catalogue discover(Path... directories) {
    return Search.run(
        ClassLoader.getPlatformClassLoader(), EntryOpener.ofRuntime(), List.of(directories));
  }

  /** A plain jar with one driver. */
  private Path plain(String file, String className, String id, DriverSource source)
      throws IOException {
    return forge
        .jar()
        .driver(className, id, source)
        .services(MigrationDriver.class, className)
        .to(drivers.resolve(file));
  }

  /** A jar with a module descriptor and a services file, as vendors are asked to build it. */
  private Path modular(String file, String module, String className, String id) throws IOException {
    return forge
        .jar()
        .source("module-info.java", descriptor(module, "", className))
        .driver(className, id)
        .services(MigrationDriver.class, className)
        .to(drivers.resolve(file));
  }

  private static String descriptor(String module, String requires, String className) {
    return "module %s { requires io.vferry.spi; %s provides %s with %s; }"
        .formatted(module, requires, MigrationDriver.class.getName(), className);
  }

  private static Found<MigrationDriver> driver(Catalogue catalogue, String id) {
    return catalogue.drivers().stream()
        .filter(found -> found.name().equals(id))
        .findFirst()
        .orElseThrow(() -> new AssertionError(id + " is not among " + catalogue.drivers()));
  }

  private static Rejected onlyRejected(Catalogue catalogue) {
    assertThat(catalogue.rejected()).hasSize(1);
    return catalogue.rejected().get(0);
  }

  @Test
  void theBuildRunsThisTestInTheWorldItClaims() {
    String world = System.getProperty("vferry.test.world");
    Assumptions.assumeTrue(world != null, "not run by the build");
    assertThat(modularHost()).isEqualTo("module-path".equals(world));
  }

  @Test
  void aPlainJarGetsAClassLoaderOfItsOwn() throws IOException {
    Path jar = plain("acme.jar", "acme.Driver", "acme", STANDARD);
    Found<MigrationDriver> found = driver(discover(), "acme");
    assertThat(found.origin()).isEqualTo(Origin.DIRECTORY);
    assertThat(found.location()).isEqualTo(jar.toString());
    assertThat(found.implementation()).isEqualTo("acme.Driver");
    assertThat(found.spi()).isEqualTo(SpiVersion.offered());
    assertThat(found.isolation().kind()).isEqualTo(Isolation.Kind.CLASS_LOADER);
    assertThat(found.isolation().reason())
        .contains(modularHost() ? "acme.jar has no module descriptor" : "on the class path");
    assertThat(found.instance().info().id()).isEqualTo("acme");
  }

  @Test
  void aModularJarGetsALayerIfTheHostIsModular() throws IOException {
    modular("acme.jar", "acme", "acme.Driver", "acme");
    Found<MigrationDriver> found = driver(discover(), "acme");
    assertThat(found.isolation().kind())
        .isEqualTo(modularHost() ? Isolation.Kind.MODULE_LAYER : Isolation.Kind.CLASS_LOADER);
  }

  @Test
  void twoVendorsCarryTwoVersionsOfOneLibrary() throws IOException {
    for (String version : List.of("1.0", "2.0")) {
      String vendor = "vendor" + version.charAt(0);
      Path directory = drivers.resolve(vendor);
      Path library =
          forge
              .jar()
              .source("module-info.java", "module common.lib { exports lib; }")
              .source("lib/Lib.java", library(version))
              .to(directory.resolve("common-lib-" + version + ".jar"));
      String className = vendor + ".Driver";
      forge
          .jar()
          .against(library)
          .source("module-info.java", descriptor(vendor, "requires common.lib;", className))
          .driver(className, vendor, STANDARD.version("lib.Lib.version()"))
          .services(MigrationDriver.class, className)
          .to(directory.resolve(vendor + ".jar"));
    }
    plainVendorWithLibrary("3.0");
    plainVendorWithLibrary("4.0");
    Catalogue catalogue = discover();
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(catalogue.drivers())
        .extracting(found -> found.instance().info().version())
        .containsExactly("1.0", "2.0", "3.0", "4.0");
    assertThat(driver(catalogue, "vendor1").isolation().kind())
        .isEqualTo(modularHost() ? Isolation.Kind.MODULE_LAYER : Isolation.Kind.CLASS_LOADER);
    assertThat(driver(catalogue, "vendor3").isolation().kind())
        .isEqualTo(Isolation.Kind.CLASS_LOADER);
  }

  private static String library(String version) {
    return "package lib; public class Lib { public static String version() { return \""
        + version
        + "\"; } }";
  }

  private void plainVendorWithLibrary(String version) throws IOException {
    String vendor = "vendor" + version.charAt(0);
    Path directory = drivers.resolve(vendor);
    Path library =
        forge.jar().source("lib/Lib.java", library(version)).to(directory.resolve("lib.jar"));
    String className = vendor + ".Driver";
    forge
        .jar()
        .against(library)
        .driver(className, vendor, STANDARD.version("lib.Lib.version()"))
        .services(MigrationDriver.class, className)
        .to(directory.resolve(vendor + ".jar"));
  }

  @Test
  void aDriverSeesNothingOfTheHostButTheInterface() throws IOException {
    String probe =
        """
        static String visible() {
          StringBuilder seen = new StringBuilder();
          for (String name : new String[] {
              "com.google.inject.Guice", "com.google.common.collect.ImmutableList",
              "jakarta.inject.Provider", "io.vferry.runtime.discovery.Discovery",
              "org.junit.jupiter.api.Test", "io.vferry.spi.host.HostDevice",
              "java.util.ServiceLoader"}) {
            for (ClassLoader loader : new ClassLoader[] {
                Probe.class.getClassLoader(), Thread.currentThread().getContextClassLoader()}) {
              try {
                Class.forName(name, false, loader);
                seen.append(name).append(' ');
              } catch (ClassNotFoundException hidden) {
                // As it should be.
              }
            }
          }
          return seen.toString().trim();
        }
        """;
    DriverSource source = STANDARD.members(probe).version("visible()");
    plain("plain.jar", "plain.Probe", "plain", source);
    forge
        .jar()
        .source("module-info.java", descriptor("modular", "", "modular.Probe"))
        .driver("modular.Probe", "modular", source)
        .services(MigrationDriver.class, "modular.Probe")
        .to(drivers.resolve("modular.jar"));
    // What is probed for is really there.
    assertThat(ImmutableList.of()).isEmpty();
    Catalogue catalogue = discover();
    for (String id : List.of("plain", "modular")) {
      assertThat(driver(catalogue, id).instance().info().version())
          .as(id)
          .isEqualTo(
              "io.vferry.spi.host.HostDevice io.vferry.spi.host.HostDevice"
                  + " java.util.ServiceLoader java.util.ServiceLoader");
    }
  }

  @Test
  void aModuleDoesNotGetAHostModuleByAnOptionalRequirement() throws IOException {
    Assumptions.assumeTrue(modularHost());
    forge
        .jar()
        .against(Forge.place(Provider.class))
        .source(
            "module-info.java",
            descriptor("acme", "requires static jakarta.inject;", "acme.Driver"))
        .driver(
            "acme.Driver",
            "acme",
            STANDARD
                .members(
                    """
                    static String seen() {
                      try {
                        return jakarta.inject.Provider.class.getName();
                      } catch (NoClassDefFoundError hidden) {
                        return "hidden";
                      }
                    }
                    """)
                .version("seen()"))
        .to(drivers.resolve("acme.jar"));
    Found<MigrationDriver> found = driver(discover(), "acme");
    assertThat(found.isolation().kind()).isEqualTo(Isolation.Kind.MODULE_LAYER);
    assertThat(found.instance().info().version()).isEqualTo("hidden");
  }

  @Test
  void aModuleThatRequiresAHostModuleIsRejected() throws IOException {
    Assumptions.assumeTrue(modularHost());
    forge
        .jar()
        .against(Forge.place(Provider.class))
        .source("module-info.java", descriptor("acme", "requires jakarta.inject;", "acme.Driver"))
        .driver("acme.Driver", "acme")
        .to(drivers.resolve("acme.jar"));
    assertThat(onlyRejected(discover()).reason())
        .contains("module acme requires jakarta.inject")
        .contains("put its jar into the same directory");
  }

  @Test
  void aCopyOfTheInterfaceBesideADriverDoesNoHarm() throws IOException {
    Path directory = drivers.resolve("acme");
    modular("acme/acme.jar", "acme", "acme.Driver", "acme");
    forge
        .jar()
        .source("module-info.java", "module io.vferry.spi { exports io.vferry.spi.driver; }")
        .source(
            "io/vferry/spi/driver/MigrationDriver.java",
            "package io.vferry.spi.driver; public interface MigrationDriver {}")
        .to(directory.resolve("vferry-spi.jar"));
    Catalogue catalogue = discover();
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(driver(catalogue, "acme").instance().info().id()).isEqualTo("acme");
  }

  @Test
  void theContextClassLoaderIsTheDriversOwnDuringACall() throws IOException {
    plain(
        "acme.jar",
        "acme.Driver",
        "acme",
        STANDARD
            .members(
                """
                final boolean born = own();

                static boolean own() {
                  return Thread.currentThread().getContextClassLoader()
                      == Driver.class.getClassLoader();
                }
                """)
            .version("born + \" \" + own()"));
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    assertThat(driver(discover(), "acme").instance().info().version()).isEqualTo("true true");
    assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(before);
  }

  @Test
  void aConstructorThatThrowsIsReported() throws IOException {
    plain(
        "exception.jar",
        "acme.Thrower",
        "thrower",
        STANDARD.members("public Thrower() { throw new IllegalStateException(\"no firmware\"); }"));
    plain(
        "error.jar",
        "acme.Asserter",
        "asserter",
        STANDARD.members("public Asserter() { throw new AssertionError(\"never\"); }"));
    plain(
        "static.jar",
        "acme.Static",
        "static",
        STANDARD.members("static final int NONE = Integer.parseInt(\"none\");"));
    plain("good.jar", "acme.Good", "good", STANDARD);
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).extracting(Found::name).containsExactly("good");
    assertThat(catalogue.rejected())
        .extracting(Rejected::name)
        .containsExactlyInAnyOrder("acme.Thrower", "acme.Asserter", "acme.Static");
    Rejected thrower =
        catalogue.rejected().stream()
            .filter(one -> one.name().equals("acme.Thrower"))
            .findFirst()
            .orElseThrow();
    assertThat(thrower.location()).endsWith("exception.jar");
    assertThat(thrower.reason()).contains("constructor").contains("no firmware");
    assertThat(thrower.cause()).containsInstanceOf(IllegalStateException.class);
  }

  @Test
  void aJarWithoutAServiceIsReported() throws IOException {
    forge.jar().source("lib/Lib.java", library("1")).to(drivers.resolve("lib.jar"));
    Rejected rejected = onlyRejected(discover());
    assertThat(rejected.name()).isEqualTo("lib.jar");
    assertThat(rejected.reason())
        .contains("no driver, host backend, device model or VM adaptor")
        .contains("META-INF/services");
  }

  @Test
  void aModuleThatForgotTheServicesFileIsExplainedOnAClassPathHost() throws IOException {
    forge
        .jar()
        .source("module-info.java", descriptor("acme", "", "acme.Driver"))
        .driver("acme.Driver", "acme")
        .to(drivers.resolve("acme.jar"));
    Catalogue catalogue = discover();
    if (modularHost()) {
      assertThat(driver(catalogue, "acme").isolation().kind())
          .isEqualTo(Isolation.Kind.MODULE_LAYER);
    } else {
      assertThat(onlyRejected(catalogue).reason())
          .contains("provides io.vferry.spi.driver.MigrationDriver, which does not count");
    }
  }

  @Test
  void anotherVersionOfTheInterfaceIsRefusedBeforeAnInstanceExists() throws IOException {
    plain(
        "newer.jar",
        "acme.Newer",
        "newer",
        STANDARD
            .annotation("@SpiLevel(major = SpiLevel.MAJOR + 1, minor = 0)")
            .members("public Newer() { throw new AssertionError(\"was instantiated\"); }"));
    plain(
        "minor.jar",
        "acme.Minor",
        "minor",
        STANDARD.annotation("@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR + 1)"));
    plain(
        "older.jar",
        "acme.Older",
        "older",
        STANDARD.annotation("@SpiLevel(major = SpiLevel.MAJOR - 1, minor = 7)"));
    plain("silent.jar", "acme.Silent", "silent", STANDARD.annotation(""));
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).isEmpty();
    SpiVersion offered = SpiVersion.offered();
    assertThat(reason(catalogue, "acme.Newer"))
        .contains("version " + (offered.major() + 1) + ".0 of the driver interface")
        .contains("this runtime offers " + offered)
        .contains("use a newer vferry");
    assertThat(reason(catalogue, "acme.Minor")).contains("use a newer vferry");
    assertThat(reason(catalogue, "acme.Older")).contains("use a newer release of the jar");
    assertThat(reason(catalogue, "acme.Silent")).contains("annotate it with @SpiLevel");
  }

  private static String reason(Catalogue catalogue, String name) {
    return catalogue.rejected().stream()
        .filter(one -> one.name().equals(name))
        .map(Rejected::reason)
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is not in " + catalogue.rejected()));
  }

  @Test
  void aCorruptJarIsReported() throws IOException {
    Files.writeString(drivers.resolve("text.jar"), "this is no zip file");
    Files.write(drivers.resolve("empty.jar"), new byte[0]);
    Path cut = plain("cut.jar", "acme.Cut", "cut", STANDARD);
    byte[] whole = Files.readAllBytes(cut);
    Files.write(cut, java.util.Arrays.copyOf(whole, whole.length / 2));
    plain("good.jar", "acme.Good", "good", STANDARD);
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).extracting(Found::name).containsExactly("good");
    assertThat(catalogue.rejected())
        .extracting(Rejected::name)
        .containsExactly("cut.jar", "empty.jar", "text.jar");
    assertThat(catalogue.rejected())
        .allSatisfy(rejected -> assertThat(rejected.reason()).contains("is no readable jar"));
  }

  @Test
  void aClassThatIsDamagedOrTooNewIsReported() throws IOException {
    plain("old.jar", "acme.Old", "old", STANDARD);
    // The same driver, said to be compiled for a Java of the far future.
    Path workshop = temp.resolve("workshop");
    byte[] tooNew = Files.readAllBytes(workshop.resolve("out0/acme/Old.class"));
    tooNew[6] = 0x7f;
    byte[] damaged = Files.readAllBytes(workshop.resolve("out0/acme/Old.class"));
    damaged[0] = 0;
    rawJar("new.jar", tooNew);
    rawJar("damaged.jar", damaged);
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).extracting(Found::name).containsExactly("old");
    assertThat(reason(catalogue, "new.jar")).contains("newer Java than the");
    assertThat(reason(catalogue, "damaged.jar")).contains("ClassFormatError");
  }

  private void rawJar(String file, byte[] oldClass) throws IOException {
    try (java.util.jar.JarOutputStream zip =
        new java.util.jar.JarOutputStream(Files.newOutputStream(drivers.resolve(file)))) {
      zip.putNextEntry(new java.util.jar.JarEntry("acme/Old.class"));
      zip.write(oldClass);
      zip.putNextEntry(
          new java.util.jar.JarEntry("META-INF/services/" + MigrationDriver.class.getName()));
      zip.write("acme.Old\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
  }

  @Test
  void aBrokenServicesFileHidesOnlyWhatItBreaks() throws IOException {
    forge
        .jar()
        .driver("acme.First", "first")
        .driver("acme.Second", "second")
        .source("acme/Stranger.java", "package acme; public class Stranger {}")
        .services(
            MigrationDriver.class, "acme.First", "acme.Missing", "acme.Stranger", "acme.Second")
        .to(drivers.resolve("acme.jar"));
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).extracting(Found::name).containsExactly("first", "second");
    assertThat(catalogue.rejected()).hasSize(2);
    assertThat(catalogue.rejected().get(0).reason()).contains("acme.Missing");
    assertThat(catalogue.rejected().get(1).reason()).contains("acme.Stranger");
  }

  @Test
  void aMissingLibraryIsReportedAsSuch() throws IOException {
    Path library =
        forge
            .jar()
            .source("lib/Base.java", "package lib; public class Base {}")
            .to(temp.resolve("elsewhere/lib.jar"));
    forge
        .jar()
        .against(library)
        .driver(
            "acme.Driver", "acme", STANDARD.heritage("extends lib.Base implements MigrationDriver"))
        .services(MigrationDriver.class, "acme.Driver")
        .to(drivers.resolve("acme.jar"));
    assertThat(onlyRejected(discover()).reason())
        .contains("lib/Base")
        .contains("a library is missing: put it beside the driver's jar");
  }

  @Test
  void whatANewerInterfaceHasAndThisOneHasNotIsReportedAsSuch() throws IOException {
    Path newer =
        forge
            .jar()
            .source(
                "io/vferry/spi/driver/Telepathy.java",
                "package io.vferry.spi.driver; public interface Telepathy {}")
            .to(temp.resolve("elsewhere/newer-spi.jar"));
    forge
        .jar()
        .against(newer)
        .driver("acme.Driver", "acme", STANDARD.heritage("implements MigrationDriver, Telepathy"))
        .services(MigrationDriver.class, "acme.Driver")
        .to(drivers.resolve("acme.jar"));
    assertThat(onlyRejected(discover()).reason())
        .contains("io/vferry/spi/driver/Telepathy")
        .contains("this runtime offers version " + SpiVersion.offered());
  }

  @Test
  void twoVersionsInOneDirectoryAreRejected() throws IOException {
    modular("modular/acme-1.0.jar", "acme", "acme.Driver", "acme");
    modular("modular/acme-1.1.jar", "acme", "acme.Driver", "acme");
    plain("plain/emca-1.0.jar", "emca.Driver", "emca", STANDARD);
    plain("plain/emca-1.1.jar", "emca.Driver", "emca", STANDARD);
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).isEmpty();
    assertThat(reason(catalogue, "modular"))
        .isEqualTo("acme-1.0.jar and acme-1.1.jar are two versions of acme; keep one of them");
    assertThat(reason(catalogue, "plain"))
        .isEqualTo("emca-1.0.jar and emca-1.1.jar are two versions of emca; keep one of them");
  }

  @Test
  void aJarWhoseNameIsNoModuleNameIsAPlainJar() throws IOException {
    plain("1vendor-native.jar", "acme.Driver", "acme", STANDARD);
    assertThat(driver(discover(), "acme").isolation().kind())
        .isEqualTo(Isolation.Kind.CLASS_LOADER);
  }

  @Test
  void twoJarsWithTheSameDriverIdAreBothRejectedAndNamed() throws IOException {
    plain("one.jar", "one.Driver", "acme", STANDARD);
    plain("two.jar", "two.Driver", "acme", STANDARD);
    plain("three.jar", "three.Driver", "other", STANDARD);
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).extracting(Found::name).containsExactly("other");
    assertThat(catalogue.rejected()).hasSize(2);
    assertThat(catalogue.rejected())
        .allSatisfy(
            rejected ->
                assertThat(rejected.reason())
                    .contains("driver id 'acme'")
                    .contains("one.jar")
                    .contains("two.jar"));
  }

  @Test
  void aDriverWithoutAProperIdIsRejected() throws IOException {
    plain("shouting.jar", "acme.Shouting", "SHOUTING", STANDARD);
    forge
        .jar()
        .source(
            "acme/Nameless.java",
            STANDARD
                .text("acme.Nameless", "x")
                .replaceAll("return new DriverInfo.*", "return null;"))
        .services(MigrationDriver.class, "acme.Nameless")
        .to(drivers.resolve("nameless.jar"));
    Catalogue catalogue = discover();
    assertThat(catalogue.drivers()).isEmpty();
    assertThat(reason(catalogue, "acme.Shouting")).contains("'SHOUTING' is no driver id");
    assertThat(reason(catalogue, "acme.Nameless")).contains("NullPointerException");
  }

  @Test
  void aBackendMayNotTakeTheSchemeOfTheRuntime() throws IOException {
    forge
        .jar()
        .source(
            "acme/Sim.java",
            """
            package acme;

            import io.vferry.spi.driver.SpiLevel;
            import io.vferry.spi.host.*;

            @SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
            public class Sim implements HostBackend {
              public String scheme() { return "sim"; }
              public Availability availability() { return Availability.yes(); }
              public java.util.List<HostDeviceInfo> list() { return java.util.List.of(); }
              public HostDevice open(DeviceAddress address, OpenContext context) { return null; }
            }
            """)
        .services(HostBackend.class, "acme.Sim")
        .to(drivers.resolve("acme.jar"));
    Catalogue catalogue = discover();
    assertThat(catalogue.backends())
        .filteredOn(found -> found.name().equals("sim"))
        .singleElement()
        .satisfies(found -> assertThat(found.origin()).isEqualTo(Origin.RUNTIME));
    assertThat(onlyRejected(catalogue).reason()).contains("offer a DeviceModel instead");
  }

  @Test
  void whatIsNoDriverInTheDirectoryIsNamedOrLeftAlone() throws IOException {
    Files.writeString(drivers.resolve("README.txt"), "drivers go here");
    Files.createDirectory(drivers.resolve(".git"));
    Files.createDirectory(drivers.resolve("hollow"));
    Rejected rejected = onlyRejected(discover());
    assertThat(rejected.name()).isEqualTo("hollow");
    assertThat(rejected.reason()).contains("no jar of a driver is in it");
  }

  @Test
  void aDirectoryThatIsNotThereIsReported() {
    Catalogue catalogue = discover(temp.resolve("nowhere"), drivers);
    assertThat(onlyRejected(catalogue).reason()).isEqualTo("there is no such driver directory");
  }

  @Test
  void aDirectoryNamedTwiceIsReadOnce() throws IOException {
    plain("acme.jar", "acme.Driver", "acme", STANDARD);
    Catalogue catalogue = Discovery.discover(List.of(drivers, drivers.resolve("../drivers")));
    assertThat(catalogue.rejected()).isEmpty();
    assertThat(catalogue.drivers()).filteredOn(found -> found.name().equals("acme")).hasSize(1);
  }
}
