package io.vferry.runtime.discovery;

import io.vferry.runtime.discovery.DriverChoice.Loser;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.host.HostDeviceInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Chooses the driver of a device, and says why each other one was not chosen. */
final class Chooser {

  private record Candidate(Found<MigrationDriver> driver, DriverMatch match) {
    Loser loses(String reason) {
      return new Loser(driver, match, reason);
    }

    Rank rank() {
      return match.rank();
    }

    String id() {
      return driver.name();
    }
  }

  private Chooser() {}

  static DriverChoice choose(
      List<Found<MigrationDriver>> drivers,
      List<Rejected> rejected,
      HostDeviceInfo device,
      Optional<String> driverId) {
    List<Candidate> candidates = new ArrayList<>();
    for (Found<MigrationDriver> driver : drivers) {
      candidates.add(new Candidate(driver, driver.instance().match(device)));
    }
    candidates.sort(Comparator.comparing(Candidate::rank).reversed().thenComparing(Candidate::id));
    return driverId.isPresent()
        ? named(candidates, rejected, driverId.get())
        : best(candidates, device);
  }

  private static DriverChoice named(
      List<Candidate> candidates, List<Rejected> rejected, String driverId) {
    List<Loser> others = new ArrayList<>();
    Optional<Candidate> named = Optional.empty();
    for (Candidate candidate : candidates) {
      if (candidate.id().equals(driverId)) {
        named = Optional.of(candidate);
      } else {
        others.add(candidate.loses("the manifest names the driver '" + driverId + "'"));
      }
    }
    if (named.isEmpty()) {
      String known =
          candidates.stream().map(Candidate::id).sorted().collect(Collectors.joining(", "));
      return new DriverChoice.None(
          "there is no driver '%s'; known are: %s%s"
              .formatted(
                  driverId, known.isEmpty() ? "none" : known, rejectionHint(rejected, driverId)),
          others);
    }
    Candidate candidate = named.get();
    if (candidate.rank() == Rank.NONE) {
      String reason = candidate.match().reason();
      others.add(0, candidate.loses(reason));
      return new DriverChoice.None(
          "the manifest names the driver '%s', which does not serve the device: %s"
              .formatted(driverId, reason),
          others);
    }
    return new DriverChoice.Chosen(
        candidate.driver(),
        candidate.match(),
        "the manifest names it; " + candidate.match().reason(),
        others);
  }

  private static DriverChoice best(List<Candidate> candidates, HostDeviceInfo device) {
    if (candidates.isEmpty() || candidates.get(0).rank() == Rank.NONE) {
      return new DriverChoice.None(
          candidates.isEmpty()
              ? "no driver was found at all"
              : "none of the %d drivers serves %s".formatted(candidates.size(), device.address()),
          candidates.stream().map(one -> one.loses(one.match().reason())).toList());
    }
    Candidate first = candidates.get(0);
    List<Candidate> top = candidates.stream().filter(one -> one.rank() == first.rank()).toList();
    List<Loser> losers = new ArrayList<>();
    if (top.size() > 1) {
      String ids = top.stream().map(Candidate::id).collect(Collectors.joining(", "));
      for (Candidate candidate : candidates) {
        losers.add(
            candidate.rank() == first.rank()
                ? candidate.loses("it serves the device as well as another one does: " + ids)
                : candidate.loses(outranked(candidate, first)));
      }
      return new DriverChoice.Conflict(
          top.stream().map(Candidate::driver).toList(),
          "%s serve the device equally well (%s); name one of them in the manifest"
              .formatted(ids, first.rank()),
          losers);
    }
    for (Candidate candidate : candidates.subList(1, candidates.size())) {
      losers.add(candidate.loses(outranked(candidate, first)));
    }
    return new DriverChoice.Chosen(first.driver(), first.match(), first.match().reason(), losers);
  }

  private static String outranked(Candidate loser, Candidate winner) {
    return loser.rank() == Rank.NONE
        ? loser.match().reason()
        : "its match is %s, that of '%s' is %s".formatted(loser.rank(), winner.id(), winner.rank());
  }

  /** Returns a remark that something by this name was found but rejected; empty if nothing was. */
  static String rejectionHint(List<Rejected> rejected, String name) {
    return rejected.stream()
        .filter(one -> one.name().equals(name))
        .findFirst()
        .map(one -> " (one was found and rejected: " + one.reason() + ")")
        .orElse("");
  }
}
