package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.vferry.architecture.House.Room;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * A jar compiled against the recorded version of {@code spi} works with today's. To record anew at
 * a release: mvn test -pl architecture-tests -Dtest=SpiCompatibilityTest
 * -Dvferry.spi.baseline=write
 */
class SpiCompatibilityTest {

  private static final Path FOLDER = Path.of("src", "test", "resources", "spi");
  private static final Path BASELINE = FOLDER.resolve("baseline.txt");

  /** Lines of the baseline that were given up on purpose, with a new major version. */
  private static final Path BREAKS = FOLDER.resolve("deliberate-breaks.txt");

  /** What vendors implement; a method without a body added there breaks their jars. */
  private static final Set<String> IMPLEMENTED_BY_VENDORS =
      Set.of(
          "io.vferry.spi.driver.Compatibility",
          "io.vferry.spi.driver.LoadStream",
          "io.vferry.spi.driver.MigratableDevice",
          "io.vferry.spi.driver.MigrationDriver",
          "io.vferry.spi.driver.PrecopyProgress",
          "io.vferry.spi.driver.SaveStream",
          "io.vferry.spi.driver.StopCopyEstimate",
          "io.vferry.spi.driver.StreamInspector",
          "io.vferry.spi.error.ErrorCode",
          "io.vferry.spi.host.HostBackend",
          "io.vferry.spi.memory.DmaLog",
          "io.vferry.spi.model.DeviceModel",
          "io.vferry.spi.model.GuestDriver",
          "io.vferry.spi.model.GuestSoftware",
          "io.vferry.spi.vm.VmAdaptor");

  private static Set<String> surface() {
    Path classes =
        House.rooms().stream()
            .filter(room -> room.folder().equals("spi"))
            .map(Room::classes)
            .findFirst()
            .orElseThrow();
    JavaClasses imported = new ClassFileImporter().importPath(classes);
    return SpiSurface.of(imported);
  }

  private static Set<String> lines(Path file) throws IOException {
    return Files.readAllLines(file).stream()
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void nothingRecordedIsMissing() throws IOException {
    Set<String> now = surface();
    if ("write".equals(System.getProperty("vferry.spi.baseline"))) {
      Files.createDirectories(FOLDER);
      Files.writeString(
          BASELINE,
          "# What jars compiled against spi refer to; recorded at a release, see CONTRIBUTING.\n"
              + String.join("\n", now)
              + "\n");
    }
    Set<String> missing = new TreeSet<>(lines(BASELINE));
    missing.removeAll(now);
    missing.removeAll(lines(BREAKS));
    assertThat(missing)
        .as("gone from spi; keep it, or list it in %s and raise SpiLevel.MAJOR", BREAKS)
        .isEmpty();
  }

  @Test
  void whatVendorsImplementAsksForNothingNew() throws IOException {
    assertThat(demands(lines(BASELINE), surface()))
        .as("give these methods a body: shipped drivers do not have them")
        .isEmpty();
  }

  @Test
  void aBreakThatIsListedWasThere() throws IOException {
    assertThat(lines(BASELINE)).containsAll(lines(BREAKS));
  }

  @Test
  void anAddedMethodWithoutABodyIsNoticed() {
    String known = "abstract io.vferry.spi.driver.SaveStream.close(): void";
    String added = "abstract io.vferry.spi.driver.SaveStream.skip(): void";
    String newType = "abstract io.vferry.spi.driver.Rewind.rewind(): void";
    assertThat(demands(Set.of(known), Set.of(known, added, newType))).containsExactly(added);
  }

  private static List<String> demands(Set<String> before, Set<String> now) {
    return now.stream()
        .filter(line -> line.startsWith("abstract ") && !before.contains(line))
        .filter(
            line ->
                IMPLEMENTED_BY_VENDORS.stream()
                    .anyMatch(type -> line.startsWith("abstract " + type + ".")))
        .sorted()
        .toList();
  }
}
