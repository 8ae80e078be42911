package io.vferry.runtime.discovery;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.vm.VmAdaptor;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One search through all places. */
final class Search {

  private static final System.Logger LOG = System.getLogger(Search.class.getName());

  private final List<Scan> scans = new ArrayList<>();
  private final List<Rejected> rejected = new ArrayList<>();

  /** Looks on the module path and the class path that a loader knows, and in directories. */
  static Catalogue run(ClassLoader host, EntryOpener opener, List<Path> driverDirectories) {
    Search search = new Search();
    search.scans.add(new Scan(new Place.Host(host), search.rejected));
    Set<Path> directories = new LinkedHashSet<>();
    for (Path directory : driverDirectories) {
      if (directories.add(directory.toAbsolutePath().normalize())) {
        search.open(directory, opener);
      }
    }
    return search.catalogue();
  }

  private void open(Path directory, EntryOpener opener) {
    List<Path> entries;
    try {
      entries = DriverDirectory.entries(directory);
    } catch (IOException unreadable) {
      reject(
          directory,
          Files.isDirectory(directory)
              ? "the driver directory cannot be read: " + Thrown.describe(unreadable)
              : "there is no such driver directory",
          unreadable);
      return;
    }
    for (Path entry : entries) {
      try {
        scans.add(new Scan(opener.open(entry), rejected));
      } catch (MigrationException refusal) {
        reject(entry, refusal.detail(), refusal.getCause());
      }
    }
  }

  private void reject(Path path, String reason, @Nullable Throwable cause) {
    rejected.add(
        new Rejected(
            String.valueOf(path.getFileName()),
            path.toString(),
            reason,
            Optional.ofNullable(cause)));
  }

  private Catalogue catalogue() {
    List<Found<MigrationDriver>> drivers = find(Kind.DRIVER);
    List<Found<HostBackend>> backends = find(Kind.BACKEND);
    List<Found<DeviceModel>> models = find(Kind.MODEL);
    List<Found<VmAdaptor>> adaptors = find(Kind.ADAPTOR);
    for (Scan scan : scans) {
      finish(scan);
    }
    return Catalogue.of(drivers, backends, models, adaptors, rejected);
  }

  private void finish(Scan scan) {
    Place place = scan.place();
    if (!scan.answered() && !(place instanceof Place.Host)) {
      rejected.add(new Rejected(place.name(), place.location(), silence(place), Optional.empty()));
    }
    if (!scan.useful()) {
      try {
        place.discard();
      } catch (IOException unclosed) {
        LOG.log(Level.WARNING, "cannot close " + place.location(), unclosed);
      }
    }
  }

  private static String silence(Place place) {
    String reason =
        "it offers no driver, host backend, device model or VM adaptor: it has no entry for one in "
            + (place instanceof Place.Layer ? "its module descriptor" : "META-INF/services");
    if (place instanceof Place.Loader loader && !loader.unreached().isEmpty()) {
      return "%s; its module descriptor provides %s, which does not count because %s"
          .formatted(reason, String.join(", ", loader.unreached()), loader.reason());
    }
    return reason;
  }

  private <T> List<Found<T>> find(Kind<T> kind) {
    List<Found<T>> found = new ArrayList<>();
    for (Scan scan : scans) {
      found.addAll(scan.find(kind));
    }
    return found;
  }
}
