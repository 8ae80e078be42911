package io.vferry.runtime.discovery;

import java.util.List;

/**
 * A service that can be used.
 *
 * @param service the interface it implements
 * @param instance the service itself, behind a fence: what it throws against the rules, and what it
 *     returns as null, comes out as {@code DRIVER_BROKEN} naming it
 * @param names by which it is asked for: a driver's or an adaptor's id, a backend's scheme, the
 *     names of a model; not empty
 * @param implementation name of its class
 * @param origin in which of the places it was found
 * @param location the jar, directory or module in which it was found, for people
 * @param isolation how it is kept apart
 * @param spi the version of the driver interface for which it was compiled
 * @param <T> the interface it implements
 */
public record Found<T>(
    Class<T> service,
    T instance,
    List<String> names,
    String implementation,
    Origin origin,
    String location,
    Isolation isolation,
    SpiVersion spi) {

  public Found {
    names = List.copyOf(names);
    if (names.isEmpty()) {
      throw new IllegalArgumentException(implementation + " has no name");
    }
  }

  /** Returns the first of its names, often the only one. */
  public String name() {
    return names.get(0);
  }
}
