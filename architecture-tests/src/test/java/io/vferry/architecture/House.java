package io.vferry.architecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * The Java modules of the project: what the root pom lists and has a module descriptor. A module
 * that lands there is judged from then on, with no entry anywhere else.
 */
final class House {

  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /**
   * One module.
   *
   * @param folder its folder, for example {@code vendor-sim}
   * @param descriptor as compiled
   * @param classes where its classes are
   */
  record Room(String folder, ModuleDescriptor descriptor, Path classes) {

    String name() {
      return descriptor.name();
    }

    @Override
    public String toString() {
      return folder;
    }
  }

  private House() {}

  static List<Room> rooms() {
    List<Room> rooms = new ArrayList<>();
    for (String folder : folders()) {
      Path module = ROOT.resolve(folder);
      if (Files.exists(module.resolve("src/main/java/module-info.java"))) {
        Path classes = module.resolve("target/classes");
        rooms.add(new Room(folder, descriptor(classes), classes));
      }
    }
    return rooms;
  }

  static JavaClasses classes() {
    return new ClassFileImporter().importPaths(rooms().stream().map(Room::classes).toList());
  }

  private static ModuleDescriptor descriptor(Path classes) {
    Path file = classes.resolve("module-info.class");
    if (!Files.exists(file)) {
      throw new IllegalStateException(file + " is missing: run 'mvn verify' for the whole project");
    }
    try (var in = Files.newInputStream(file)) {
      return ModuleDescriptor.read(in, () -> packages(classes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The packages with classes: a compiler does not write hidden packages into the descriptor. */
  private static Set<String> packages(Path classes) {
    try (var files = Files.walk(classes)) {
      return files
          .filter(file -> file.toString().endsWith(".class"))
          .map(file -> classes.relativize(file).getParent())
          .filter(parent -> parent != null)
          .map(parent -> parent.toString().replace('/', '.'))
          .collect(Collectors.toUnmodifiableSet());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The modules in the order in which they are built. */
  static List<String> folders() {
    try {
      NodeList modules =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(ROOT.resolve("pom.xml").toFile())
              .getElementsByTagName("module");
      List<String> folders = new ArrayList<>();
      for (int i = 0; i < modules.getLength(); i++) {
        folders.add(modules.item(i).getTextContent().strip());
      }
      return folders;
    } catch (ParserConfigurationException | SAXException e) {
      throw new IllegalStateException("pom.xml of the project cannot be read", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
