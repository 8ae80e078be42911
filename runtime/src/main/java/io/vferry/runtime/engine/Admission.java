package io.vferry.runtime.engine;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.Problem;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Compares what a source offers with the machine on this side. */
final class Admission {

  private final OpenMachine machine;
  private final List<Problem> problems = new ArrayList<>();

  Admission(OpenMachine machine) {
    this.machine = machine;
  }

  /** Returns what is in the way, each reason once; empty if the offer can be taken. */
  List<Problem> check(Message.Offer offer) {
    List<String> here = machine.devices().stream().map(OpenDevice::id).toList();
    List<String> there = offer.devices().stream().map(Message.OfferedDevice::id).toList();
    if (!here.equals(there)) {
      refuse("the source offers devices " + there + " in this order, and here are " + here);
      return problems;
    }
    if (!machine.vm().memory().layout().equals(offer.memory())
        || machine.vm().memory().pageSizeBytes() != offer.pageSizeBytes()) {
      refuse(
          "the source's guest memory is %s in pages of %d bytes, and here it is %s in pages of %d"
              .formatted(
                  offer.memory(),
                  offer.pageSizeBytes(),
                  machine.vm().memory().layout(),
                  machine.vm().memory().pageSizeBytes()));
    }
    for (OpenDevice device : machine.devices()) {
      checkDevice(device, offer.devices().get(device.number()));
    }
    return problems;
  }

  private void checkDevice(OpenDevice device, Message.OfferedDevice offered) {
    if (!device.driver().id().equals(offered.driver())) {
      refuse(
          "device %s is served by driver %s on the source and by %s here"
              .formatted(device.id(), offered.driver(), device.driver().id()));
      return;
    }
    if (offered.features().p2p() && !device.device().features().p2p()) {
      refuse("device %s can quiesce (P2P) on the source and cannot here".formatted(device.id()));
    }
    Optional<Compatibility> judge = device.device().capability(Compatibility.class);
    if (judge.isEmpty()) {
      return;
    }
    try {
      for (Compatibility.Difference difference : judge.get().compare(offered.description())) {
        Problem problem =
            Problem.of(
                DeviceError.DATA_INCOMPATIBLE,
                "device %s: %s is %s on the source and %s here"
                    .formatted(
                        device.id(),
                        difference.key(),
                        difference.source(),
                        difference.destination()));
        problems.add(
            new Problem(
                problem.code(),
                Optional.of(device.id()),
                problem.text(),
                problem.state(),
                problem.condition()));
      }
    } catch (MigrationException e) {
      problems.add(Problem.of(device.id(), e));
    }
  }

  private void refuse(String reason) {
    problems.add(Problem.of(RuntimeError.DESTINATION_REFUSED, reason));
  }
}
