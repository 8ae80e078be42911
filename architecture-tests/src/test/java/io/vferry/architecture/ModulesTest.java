package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.architecture.House.Room;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Provides;
import java.lang.module.ModuleDescriptor.Requires;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ModulesTest {

  static List<Room> rooms() {
    return House.rooms();
  }

  /** A service that is in only one of the two is silently absent on the other path. */
  @ParameterizedTest
  @MethodSource("rooms")
  void servicesOnTheClassPathAreThoseOnTheModulePath(Room room) throws IOException {
    assertThat(servicesOnClassPath(room)).isEqualTo(servicesOnModulePath(room));
  }

  @Test
  void aServiceThatOnlyOnePathSeesIsADifference(@TempDir Path classes) throws IOException {
    ModuleDescriptor descriptor =
        ModuleDescriptor.newModule("m")
            .packages(Set.of("m"))
            .provides("a.Service", List.of("m.Both", "m.OnlyModule"))
            .build();
    Path file = Files.createDirectories(classes.resolve("META-INF/services")).resolve("a.Service");
    Files.writeString(file, "m.Both\n# m.OnlyModule\n");
    Room room = new Room("m", descriptor, classes);
    assertThat(servicesOnModulePath(room))
        .containsEntry("a.Service", List.of("m.Both", "m.OnlyModule"));
    assertThat(servicesOnClassPath(room)).containsEntry("a.Service", List.of("m.Both"));
  }

  /**
   * To write the files anew: mvn test -pl architecture-tests -Dtest=ModulesTest -Dvferry.docs=write
   */
  @ParameterizedTest
  @MethodSource("rooms")
  void shapeIsAsAgreed(Room room) throws IOException {
    Path golden = Path.of("src", "test", "resources", "modules", room.name() + ".txt");
    if ("write".equals(System.getProperty("vferry.docs"))) {
      Files.createDirectories(golden.getParent());
      Files.writeString(golden, describe(room.descriptor()));
    }
    assertThat(golden)
        .as("agreed shape of %s", room.name())
        .hasContent(describe(room.descriptor()));
  }

  @ParameterizedTest
  @MethodSource("rooms")
  void packagesBeginWithTheNameOfTheirModule(Room room) {
    assertThat(room.descriptor().packages())
        .allMatch(name -> name.equals(room.name()) || name.startsWith(room.name() + "."));
  }

  /** A reflective library asks for this; then it is the wrong library, or wired wrongly. */
  @ParameterizedTest
  @MethodSource("rooms")
  void nothingIsOpenedToReflectionByAll(Room room) {
    assertThat(room.descriptor().isOpen()).isFalse();
    assertThat(room.descriptor().opens()).allMatch(ModuleDescriptor.Opens::isQualified);
  }

  private static Map<String, List<String>> servicesOnModulePath(Room room) {
    Map<String, List<String>> services = new TreeMap<>();
    for (Provides provides : room.descriptor().provides()) {
      services.put(provides.service(), provides.providers().stream().sorted().toList());
    }
    return services;
  }

  private static Map<String, List<String>> servicesOnClassPath(Room room) throws IOException {
    Map<String, List<String>> services = new TreeMap<>();
    Path folder = room.classes().resolve("META-INF/services");
    if (Files.isDirectory(folder)) {
      try (var files = Files.list(folder)) {
        for (Path file : files.toList()) {
          List<String> names =
              Files.readAllLines(file).stream()
                  .map(line -> line.replaceFirst("#.*", "").strip())
                  .filter(line -> !line.isEmpty())
                  .sorted()
                  .toList();
          services.put(file.getFileName().toString(), names);
        }
      }
    }
    return services;
  }

  private static String describe(ModuleDescriptor module) {
    List<String> lines = new ArrayList<>();
    for (Requires requires : module.requires()) {
      String modifiers =
          requires.modifiers().stream()
              .filter(modifier -> modifier != Requires.Modifier.MANDATED)
              .map(modifier -> modifier.name().toLowerCase(Locale.ROOT) + " ")
              .sorted()
              .collect(Collectors.joining());
      lines.add("requires " + modifiers + requires.name());
    }
    module
        .exports()
        .forEach(exports -> lines.add("exports " + exports.source() + to(exports.targets())));
    module.opens().forEach(opens -> lines.add("opens " + opens.source() + to(opens.targets())));
    module.uses().forEach(service -> lines.add("uses " + service));
    for (Provides provides : module.provides()) {
      for (String provider : provides.providers()) {
        lines.add("provides " + provides.service() + " with " + provider);
      }
    }
    return "module "
        + module.name()
        + "\n"
        + lines.stream().sorted().map(line -> line + "\n").collect(Collectors.joining());
  }

  private static String to(Set<String> targets) {
    return targets.isEmpty()
        ? ""
        : targets.stream().sorted().collect(Collectors.joining(", ", " to ", ""));
  }
}
