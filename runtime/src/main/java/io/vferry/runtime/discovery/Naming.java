package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Set;

/** Asks a new service for its names, checks them, and puts a fence around it that tells them. */
final class Naming {

  private Naming() {}

  /** Returns the names of a service. */
  static <T> List<String> names(Kind<T> kind, T instance, String location)
      throws MigrationException {
    Class<?> type = instance.getClass();
    Fence fence =
        new Fence(
            "%s %s (%s)".formatted(kind.noun(), type.getName(), location), type.getClassLoader());
    List<String> names = fence.call("the " + kind.nameNoun(), () -> kind.names().of(instance));
    if (names.isEmpty()) {
      throw fence.broken("it has no " + kind.nameNoun());
    }
    for (String name : names) {
      if (!kind.nameForm().matcher(name).matches()) {
        throw fence.broken(
            "'%s' is no %s; it must match %s".formatted(name, kind.nameNoun(), kind.nameForm()));
      }
    }
    if (Set.copyOf(names).size() != names.size()) {
      throw fence.broken("it gives a %s twice: %s".formatted(kind.nameNoun(), names));
    }
    return names;
  }

  /** Returns the service behind a fence. */
  static <T> T enclose(Kind<T> kind, T instance, List<String> names, String location)
      throws MigrationException {
    Fence fence =
        new Fence(
            "%s '%s' (%s)".formatted(kind.noun(), names.get(0), location),
            instance.getClass().getClassLoader());
    return kind.enclosure().enclose(fence, instance, names);
  }
}
