package io.vferry.runtime.engine;

import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Problem;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.Optional;
import java.util.function.Consumer;

/** Performs arcs and resets of one device, keeps its guard informed, and tells the role. */
final class ArcPerformer {

  private final OpenDevice device;
  private final Consumer<Event> events;
  private volatile boolean inArc;

  ArcPerformer(OpenDevice device, Consumer<Event> events) {
    this.device = device;
    this.events = events;
  }

  /** Whether the device's agent is inside an arc right now, perhaps for ever. */
  boolean inArc() {
    return inArc;
  }

  /**
   * Performs an arc. Returns what it gave, or empty if it failed; the role is told by the caller.
   */
  Optional<ArcOutcome> perform(Arc arc) {
    inArc = true;
    device.guard().moving(arc);
    try {
      ArcOutcome outcome = device.device().perform(arc);
      device.guard().at(arc.to());
      return Optional.of(outcome);
    } catch (MigrationException e) {
      DeviceState actual = stateAfter(e);
      device.guard().at(actual);
      events.accept(
          new Event.ArcFailed(
              device.number(),
              arc,
              actual,
              Problem.of(device.id(), named(e).withArc(arc).withState(actual))));
      return Optional.empty();
    } finally {
      inArc = false;
    }
  }

  void reset() {
    try {
      device.device().reset();
      device.guard().at(DeviceState.RUNNING);
      events.accept(new Event.ResetDone(device.number()));
    } catch (MigrationException e) {
      device.guard().at(DeviceState.ERROR);
      events.accept(new Event.ResetFailed(device.number(), Problem.of(device.id(), named(e))));
    }
  }

  /** Puts the device's name before the text of an exception that does not have it. */
  MigrationException named(MigrationException e) {
    if (e.detail().contains(device.id())) {
      return e;
    }
    MigrationException named =
        new MigrationException(e.code(), "device " + device.id() + ": " + e.detail(), e)
            .withCondition(e.condition());
    if (e.errno().isPresent()) {
      named = named.withErrno(e.errno().getAsInt());
    }
    if (e.state().isPresent()) {
      named = named.withState(e.state().get());
    }
    return named;
  }

  private DeviceState stateAfter(MigrationException failure) {
    try {
      return device.device().state();
    } catch (MigrationException e) {
      failure.addSuppressed(e);
      return failure.state().orElse(DeviceState.ERROR);
    }
  }
}
