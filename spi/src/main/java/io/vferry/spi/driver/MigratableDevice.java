package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.Optional;

/**
 * A device that performs one arc at a time. Which arcs lead from a state to another is not its
 * business.
 *
 * <p>The rules, each the answer to a mistake made by a driver in the field:
 *
 * <ul>
 *   <li>After a failed arc {@link #state()} is the truth: the state the arc started in, or ERROR.
 *   <li>Reset leads to RUNNING from each state, ends each data session and forgets each verdict.
 *   <li>An arc returns only when it has fully happened: outstanding P2P completed, queues drained.
 *   <li>Leaving RESUMING proves the loaded data whole, or fails.
 *   <li>No runtime exception leaves a method. One that does is reported as a broken driver.
 * </ul>
 *
 * <p>Source of the rules: the state machine description in Linux 6.12, {@code
 * include/uapi/linux/vfio.h}. Threads: one caller at a time, except {@link #state()}, which may be
 * called while another thread is in any other method and must not wait for it.
 */
public interface MigratableDevice extends AutoCloseable {

  /** Returns what the device can do; does not change while it is attached. */
  FeatureSet features();

  /**
   * Returns the state the device is in. Never answers from memory what only the device knows.
   *
   * @throws MigrationException {@code IO_FAILED} or {@code DEVICE_LOST} if the device cannot be
   *     asked; the caller then takes its state for unknown and resets it
   */
  DeviceState state() throws MigrationException;

  /**
   * Performs one arc.
   *
   * @param arc one that the device has, see {@link FeatureSet#supports(Arc)}
   * @return the stream if the arc opens one, see {@link Arc#opensSaveStream()} and {@link
   *     Arc#opensLoadStream()}, else {@link ArcOutcome.Done}
   * @throws MigrationException {@code WRONG_STATE} if the device is not where the arc starts,
   *     {@code ARC_UNSUPPORTED}, {@code ARC_FAILED}; {@code DATA_CORRUPT} or {@code
   *     DATA_INCOMPATIBLE} when leaving RESUMING
   */
  ArcOutcome perform(Arc arc) throws MigrationException;

  /**
   * Resets the device to RUNNING.
   *
   * @throws MigrationException {@code RESET_FAILED}; the device is in ERROR then
   */
  void reset() throws MigrationException;

  /**
   * Returns an optional feature, if the device has it: {@link PrecopyProgress}, {@link
   * StopCopyEstimate}, {@link Compatibility}, {@link GuestRegions}, {@link
   * io.vferry.spi.memory.DmaLog}. The answer does not change while the device is attached.
   */
  <T> Optional<T> capability(Class<T> type);

  /**
   * Lets go of the device in whatever state it is, and releases what the driver took; streams of it
   * end. The {@link io.vferry.spi.host.HostDevice} stays open. Closing again does nothing.
   *
   * @throws MigrationException {@code IO_FAILED}; all is released all the same
   */
  @Override
  void close() throws MigrationException;
}
