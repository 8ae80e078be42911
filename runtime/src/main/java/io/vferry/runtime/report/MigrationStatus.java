package io.vferry.runtime.report;

import io.vferry.spi.state.DeviceState;
import java.util.List;
import java.util.Optional;

/**
 * A migration at one moment, as its source sees it. Field names follow QEMU's {@code
 * query-migrate}; times in milliseconds, sizes in bytes.
 *
 * @param phase what is going on
 * @param totalTimeMillis since the start
 * @param expectedDowntime predicted; empty until there is something to predict from
 * @param ram guest memory
 * @param devices in manifest order
 */
public record MigrationStatus(
    Phase phase,
    double totalTimeMillis,
    Optional<ExpectedDowntime> expectedDowntime,
    Ram ram,
    List<Device> devices) {

  public MigrationStatus {
    devices = List.copyOf(devices);
  }

  /**
   * Guest memory.
   *
   * @param totalBytes size of the guest's memory
   * @param transferredBytes sent so far
   * @param remainingBytes known to be still unsent
   * @param dirtySyncCount rounds begun
   * @param dirtyBytesPerSecond rate at which the guest dirtied memory in the last round
   * @param bytesPerSecond rate of sending in the last round
   */
  public record Ram(
      long totalBytes,
      long transferredBytes,
      long remainingBytes,
      int dirtySyncCount,
      long dirtyBytesPerSecond,
      long bytesPerSecond) {}

  /**
   * One device on the source.
   *
   * @param state as last seen
   * @param transferredBytes sent so far
   * @param remainingBytes what the device says is left; an estimate
   * @param done whether all of its data were sent
   */
  public record Device(
      String id, DeviceState state, long transferredBytes, long remainingBytes, boolean done) {}
}
