package io.vferry.runtime.discovery;

import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/**
 * Looks for the services of one kind in one place; whatever is broken is noted and stepped over.
 */
final class Scan {

  private final Place place;
  private final List<Rejected> rejected;
  private boolean answered;
  private boolean useful;

  /**
   * Prepares to look.
   *
   * @param rejected to which is added what cannot be used
   */
  Scan(Place place, List<Rejected> rejected) {
    this.place = place;
    this.rejected = rejected;
  }

  /** Whether the place had anything to say so far, be it usable or not. */
  boolean answered() {
    return answered;
  }

  /** Whether something that can be used was found so far. */
  boolean useful() {
    return useful;
  }

  /** Returns where it looks. */
  Place place() {
    return place;
  }

  /** Returns the services of a kind that can be used. */
  <T> List<Found<T>> find(Kind<T> kind) {
    List<Found<T>> found = new ArrayList<>();
    for (ServiceLoader.Provider<T> provider : providers(kind)) {
      try {
        found.add(admit(kind, provider));
        useful = true;
      } catch (MigrationException refusal) {
        rejected.add(
            new Rejected(
                provider.type().getName(),
                place.location(provider.type()),
                refusal.detail(),
                Optional.ofNullable(refusal.getCause())));
      }
    }
    return found;
  }

  private <T> List<ServiceLoader.Provider<T>> providers(Kind<T> kind) {
    List<ServiceLoader.Provider<T>> providers = new ArrayList<>();
    Iterator<ServiceLoader.Provider<T>> iterator = place.loader(kind.service()).stream().iterator();
    String lastFailure = "";
    while (true) {
      try {
        if (!iterator.hasNext()) {
          return providers;
        }
        ServiceLoader.Provider<T> provider = iterator.next();
        if (place.owns(provider.type())) {
          answered = true;
          providers.add(provider);
        }
      } catch (ServiceConfigurationError | LinkageError | RuntimeException broken) {
        answered = true;
        String failure = Thrown.describe(broken);
        if (failure.equals(lastFailure)) {
          // The iterator does not get past it.
          return providers;
        }
        lastFailure = failure;
        rejected.add(
            new Rejected(
                place.name(),
                place.location(),
                "a %s cannot be loaded: %s".formatted(kind.noun(), Linkage.explain(broken)),
                Optional.of(broken)));
      }
    }
  }

  private <T> Found<T> admit(Kind<T> kind, ServiceLoader.Provider<T> provider)
      throws MigrationException {
    Class<? extends T> type = provider.type();
    SpiVersion spi = spiVersion(kind, type);
    String location = place.location(type);
    T instance = Instantiation.create(kind, provider);
    List<String> names = Naming.names(kind, instance, location);
    return new Found<>(
        kind.service(),
        Naming.enclose(kind, instance, names, location),
        names,
        type.getName(),
        place.origin(type),
        location,
        place.isolation(),
        spi);
  }

  private static SpiVersion spiVersion(Kind<?> kind, Class<?> type) throws MigrationException {
    SpiLevel level;
    try {
      level = type.getAnnotation(SpiLevel.class);
    } catch (LinkageError | RuntimeException broken) {
      throw Instantiation.refusal(
          "its annotations cannot be read: " + Linkage.explain(broken), broken);
    }
    if (level == null) {
      throw Instantiation.refusal(
          "this %s does not say for which version of the driver interface it was built; annotate it"
                  .formatted(kind.noun())
              + " with @SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)");
    }
    SpiVersion built;
    try {
      built = new SpiVersion(level.major(), level.minor());
    } catch (RuntimeException broken) {
      throw Instantiation.refusal(
          "its @SpiLevel cannot be read: " + Linkage.explain(broken), broken);
    }
    SpiVersion offered = SpiVersion.offered();
    if (!offered.serves(built)) {
      throw Instantiation.refusal(
          "this %s was built for version %s of the driver interface, and this runtime offers %s; %s"
              .formatted(
                  kind.noun(),
                  built,
                  offered,
                  built.compareTo(offered) > 0
                      ? "use a newer vferry, or an older release of the jar"
                      : "use a newer release of the jar"));
    }
    return built;
  }
}
