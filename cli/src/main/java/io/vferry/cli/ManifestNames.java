package io.vferry.cli;

import io.vferry.cli.manifest.ManifestException;
import io.vferry.cli.manifest.ManifestFile;
import io.vferry.cli.manifest.Place;
import io.vferry.cli.manifest.Spelling;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Found;
import io.vferry.runtime.discovery.Rejected;
import io.vferry.runtime.plan.Manifest;
import java.util.ArrayList;
import java.util.List;

/** The names in a manifest that only what was found can judge. */
final class ManifestNames {

  private ManifestNames() {}

  /** Refuses a manifest that names what does not exist here, with the place of the name. */
  static void check(ManifestFile file, Catalogue catalogue) throws ManifestException {
    List<String> adaptors = new ArrayList<>(names(catalogue.adaptors()));
    adaptors.add("none");
    check("VM adaptor", file.manifest().vm().adaptor(), adaptors, file.adaptorPlace(), catalogue);
    List<String> drivers = names(catalogue.drivers());
    List<String> schemes = names(catalogue.backends());
    for (Manifest.Device device : file.manifest().devices()) {
      ManifestFile.DevicePlaces places = file.places(device.id());
      check("host backend", device.host().scheme(), schemes, places.host(), catalogue);
      if (device.destination().isPresent()) {
        check(
            "host backend",
            device.destination().get().scheme(),
            schemes,
            places.destination(),
            catalogue);
      }
      if (device.driver().isPresent()) {
        check("driver", device.driver().get(), drivers, places.driver(), catalogue);
      }
    }
  }

  private static void check(
      String noun, String name, List<String> known, Place place, Catalogue catalogue)
      throws ManifestException {
    if (known.contains(name)) {
      return;
    }
    for (Rejected rejected : catalogue.rejected()) {
      if (rejected.name().equals(name)) {
        throw new ManifestException(
            place, "the " + noun + " '" + name + "' cannot be used: " + rejected.reason());
      }
    }
    throw new ManifestException(
        place, "there is no " + noun + " '" + name + "'; " + Spelling.hint(name, known));
  }

  private static List<String> names(List<? extends Found<?>> found) {
    return found.stream().flatMap(one -> one.names().stream()).toList();
  }
}
