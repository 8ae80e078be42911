package io.vferry.runtime.discovery;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Sees to it that a name means one service. Which of two comes first is chance, so that neither of
 * them is taken.
 */
final class Duplicates {

  private Duplicates() {}

  /** Returns the services whose names are all their own; the others are added to the rejected. */
  static <T> List<Found<T>> reject(Kind<T> kind, List<Found<T>> found, List<Rejected> rejected) {
    Map<String, List<Found<T>>> byName = new LinkedHashMap<>();
    for (Found<T> one : found) {
      for (String name : one.names()) {
        byName.computeIfAbsent(name, unused -> new ArrayList<>()).add(one);
      }
    }
    List<Found<T>> unique = new ArrayList<>(found);
    byName.forEach(
        (name, claimants) -> {
          if (claimants.size() > 1) {
            for (Found<T> claimant : claimants) {
              unique.removeIf(one -> one == claimant);
              rejected.add(rejection(kind, name, claimant, claimants));
            }
          }
        });
    return unique;
  }

  private static <T> Rejected rejection(
      Kind<T> kind, String name, Found<T> claimant, List<Found<T>> claimants) {
    String others =
        claimants.stream()
            .filter(other -> other != claimant)
            .map(other -> other.implementation() + " (" + other.location() + ")")
            .collect(Collectors.joining(" and "));
    return new Rejected(
        name,
        claimant.location(),
        "%s '%s' is claimed by %s (%s) and by %s; keep one of them"
            .formatted(
                kind.nameNoun(), name, claimant.implementation(), claimant.location(), others),
        Optional.empty());
  }
}
