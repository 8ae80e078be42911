package io.vferry.runtime.report;

import io.vferry.spi.state.DeviceState;
import io.vferry.spi.vm.GuestAudit;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A migration that has ended, as one side saw it. Times in milliseconds, sizes in bytes; names
 * follow QEMU's {@code query-migrate}.
 *
 * @param vm name of the virtual machine
 * @param status how it ended: COMPLETED, FAILED or CANCELLED
 * @param totalTimeMillis from the start to the end
 * @param setupTimeMillis until pre-copy began
 * @param expectedDowntime what was predicted when the switchover was decided
 * @param downtimeMillis from the request to stop the vCPUs until the other side said that they run
 * @param ram guest memory
 * @param vfioTransferredBytes of all devices
 * @param devices in manifest order
 * @param timeline in order of start
 * @param audit the destination's proof that nothing was lost, if its machine can give one
 * @param failure why it did not complete
 */
public record MigrationReport(
    String vm,
    Phase status,
    double totalTimeMillis,
    double setupTimeMillis,
    Optional<ExpectedDowntime> expectedDowntime,
    OptionalDouble downtimeMillis,
    Ram ram,
    long vfioTransferredBytes,
    List<Device> devices,
    List<TimelineSpan> timeline,
    Optional<GuestAudit.Verdict> audit,
    Optional<Failure> failure) {

  public MigrationReport {
    devices = List.copyOf(devices);
    timeline = List.copyOf(timeline);
  }

  /**
   * Guest memory.
   *
   * @param totalBytes size of the guest's memory
   * @param transferredBytes sent
   * @param precopyBytes of these, while the guest ran
   * @param downtimeBytes of these, while it did not
   * @param dirtySyncCount rounds
   */
  public record Ram(
      long totalBytes,
      long transferredBytes,
      long precopyBytes,
      long downtimeBytes,
      int dirtySyncCount) {}

  /**
   * One device.
   *
   * @param driver id of the driver
   * @param host its address on this side
   * @param transferredBytes of its state
   * @param precopyBytes of these, while the guest ran
   * @param path the states it was in, in order, beginning with the first
   * @param arcs how long each arc took, in order
   * @param state the last one seen
   */
  public record Device(
      String id,
      String driver,
      String host,
      long transferredBytes,
      long precopyBytes,
      List<DeviceState> path,
      List<ArcTime> arcs,
      DeviceState state) {
    public Device {
      path = List.copyOf(path);
      arcs = List.copyOf(arcs);
    }
  }

  /**
   * How long an arc took.
   *
   * @param arc as {@code RUNNING -> STOP}
   */
  public record ArcTime(String arc, double millis) {}

  /**
   * Why a migration did not complete.
   *
   * @param code label of the error code, as {@code VF-1001}
   * @param device id of the device, if one is to blame
   * @param message what happened, in which state things are, and what to do
   * @param sourceRuns whether the guest runs on the source again
   */
  public record Failure(String code, Optional<String> device, String message, boolean sourceRuns) {}
}
