package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Admits services that the embedding program created by itself. */
final class Embedding {

  private static final String LOCATION = "embedding program";

  private Embedding() {}

  static <T> List<Found<T>> admit(
      Kind<T> kind, List<? extends T> instances, List<Rejected> rejected) {
    List<Found<T>> found = new ArrayList<>();
    for (T instance : instances) {
      try {
        found.add(admit(kind, instance));
      } catch (MigrationException refusal) {
        rejected.add(
            new Rejected(
                instance.getClass().getName(),
                LOCATION,
                refusal.detail(),
                Optional.ofNullable(refusal.getCause())));
      }
    }
    return found;
  }

  private static <T> Found<T> admit(Kind<T> kind, T instance) throws MigrationException {
    Class<?> type = instance.getClass();
    List<String> names = Naming.names(kind, instance, LOCATION);
    return new Found<>(
        kind.service(),
        Naming.enclose(kind, instance, names, LOCATION),
        names,
        type.getName(),
        Origin.EMBEDDED,
        LOCATION,
        new Isolation(Isolation.Kind.HOST, "the embedding program created it"),
        SpiVersion.offered());
  }
}
