package io.vferry.runtime.migration;

import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.state.DeviceState;
import java.util.List;
import java.util.Optional;

/** One side of a migration. Not thread-safe: one event at a time. */
public interface Role {

  /**
   * Takes an event.
   *
   * @param nowNanos the time of the event; never goes back
   * @return what is to be done, in order; nothing after the migration is over
   */
  List<Action> on(Event event, long nowNanos);

  /** Returns what is going on. */
  Phase phase();

  /** Returns the state of a device as far as this role was told. */
  DeviceState deviceState(int device);

  /** Returns the last prediction; the destination makes none. */
  Optional<ExpectedDowntime> expectedDowntime();
}
