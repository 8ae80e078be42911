package io.vferry.host.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the kernel shows of its devices in the file system.
 *
 * @param sys where sysfs is, {@code /sys}
 * @param dev where device nodes are, {@code /dev}
 */
record Sysfs(Path sys, Path dev) {

  private static final Pattern PCI_ADDRESS =
      Pattern.compile("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]");
  private static final Pattern UUID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  private static final Pattern VIRTUAL_FUNCTION = Pattern.compile("virtfn([0-9]{1,5})");
  private static final Pattern VFIO_NAME = Pattern.compile("vfio[0-9]+");

  /** The sysfs and the nodes of this host. */
  static Sysfs ofHost() {
    return new Sysfs(Path.of("/sys"), Path.of("/dev"));
  }

  /** Whether a path has one of the forms that {@link #find} understands. */
  boolean understands(String path) {
    return PCI_ADDRESS.matcher(path).matches()
        || UUID.matcher(path).matches()
        || nodeName(path).isPresent();
  }

  /**
   * Finds a device.
   *
   * @param path a PCI address, the UUID of an mdev, or a node {@code /dev/vfio/devices/vfioN}
   * @return empty if there is no such device
   */
  Optional<SysfsDevice> find(String path) {
    if (PCI_ADDRESS.matcher(path).matches()) {
      return existing("pci", sys.resolve("bus/pci/devices").resolve(path));
    }
    if (UUID.matcher(path).matches()) {
      return existing("mdev", sys.resolve("bus/mdev/devices").resolve(path));
    }
    return nodeName(path)
        .flatMap(name -> real(sys.resolve("class/vfio-dev").resolve(name).resolve("device")))
        .flatMap(
            folder -> {
              String name = folder.getFileName().toString();
              return existing(UUID.matcher(name).matches() ? "mdev" : "pci", folder);
            });
  }

  /** Lists the devices that are bound to VFIO drivers, by name. */
  List<SysfsDevice> list() {
    List<SysfsDevice> found = new ArrayList<>();
    for (String bus : List.of("pci", "mdev")) {
      for (Path folder : children(sys.resolve("bus").resolve(bus).resolve("devices"))) {
        existing(bus, folder).filter(SysfsDevice::boundToVfio).ifPresent(found::add);
      }
    }
    return found;
  }

  private Optional<String> nodeName(String path) {
    try {
      Path node = Path.of(path);
      String name = node.getNameCount() == 0 ? "" : node.getFileName().toString();
      return dev.resolve("vfio/devices").equals(node.getParent())
              && VFIO_NAME.matcher(name).matches()
          ? Optional.of(name)
          : Optional.empty();
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private Optional<SysfsDevice> existing(String bus, Path folder) {
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    String name = folder.getFileName().toString();
    Optional<String> vfioName =
        children(folder.resolve("vfio-dev")).stream()
            .map(child -> child.getFileName().toString())
            .filter(child -> VFIO_NAME.matcher(child).matches())
            .findFirst();
    return Optional.of(
        new SysfsDevice(
            name,
            bus,
            hex(folder.resolve("vendor")),
            hex(folder.resolve("device")),
            hex(folder.resolve("subsystem_vendor")),
            hex(folder.resolve("subsystem_device")),
            linkTarget(folder.resolve("driver")),
            linkTarget(folder.resolve("mdev_type")),
            vfioName,
            vfioName.map(dev.resolve("vfio/devices")::resolve).filter(Files::exists),
            group(folder),
            virtualFunction(folder),
            vfioName
                .filter(
                    vfio ->
                        Files.exists(
                            sys.resolve("kernel/debug/vfio").resolve(vfio).resolve("migration")))
                .isPresent()));
  }

  /** Source: Linux 6.12, {@code Documentation/ABI/testing/sysfs-bus-pci}: physfn and virtfnN. */
  private static OptionalInt virtualFunction(Path folder) {
    Optional<Path> own = real(folder);
    Optional<Path> physical = real(folder.resolve("physfn"));
    if (own.isEmpty() || physical.isEmpty()) {
      return OptionalInt.empty();
    }
    for (Path link : children(physical.get())) {
      Matcher matcher = VIRTUAL_FUNCTION.matcher(link.getFileName().toString());
      if (matcher.matches() && real(link).equals(own)) {
        return OptionalInt.of(Integer.parseInt(matcher.group(1)));
      }
    }
    return OptionalInt.empty();
  }

  private static OptionalInt group(Path folder) {
    return linkTarget(folder.resolve("iommu_group"))
        .filter(number -> number.matches("[0-9]{1,9}"))
        .map(number -> OptionalInt.of(Integer.parseInt(number)))
        .orElse(OptionalInt.empty());
  }

  private static List<Path> children(Path folder) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      stream.forEach(found::add);
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      // Not there, or going away while we look: then there is nothing to list.
      return List.of();
    }
    found.sort(null);
    return found;
  }

  private static Optional<String> linkTarget(Path link) {
    return real(link).map(target -> target.getFileName().toString());
  }

  private static Optional<Path> real(Path path) {
    try {
      return Optional.of(path.toRealPath());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static int hex(Path file) {
    try {
      String text = Files.readString(file).strip();
      return text.matches("0x[0-9a-fA-F]{1,4}") ? Integer.parseInt(text.substring(2), 16) : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
