package io.vferry.cli.output;

import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.TimelineSpan;
import io.vferry.runtime.report.TimelineSpan.Kind;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.vm.GuestAudit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Migrations that have ended, made up. */
final class SampleReports {

  private SampleReports() {}

  static MigrationReport completed() {
    return new MigrationReport(
        "mixed-vm",
        Phase.COMPLETED,
        3412.3456,
        120,
        Optional.of(new ExpectedDowntime(138, 121, 160.5)),
        OptionalDouble.of(142.0625),
        new MigrationReport.Ram(256 << 20, 310 << 20, 298 << 20, 12 << 20, 3),
        66L << 20,
        List.of(
            new MigrationReport.Device(
                "nic0",
                "sim",
                "sim:mlx5?state=64MiB",
                65L << 20,
                64L << 20,
                List.of(
                    DeviceState.RUNNING,
                    DeviceState.PRE_COPY,
                    DeviceState.PRE_COPY_P2P,
                    DeviceState.STOP_COPY,
                    DeviceState.STOP),
                List.of(
                    new MigrationReport.ArcTime("RUNNING -> PRE_COPY", 0.8),
                    new MigrationReport.ArcTime("PRE_COPY -> PRE_COPY_P2P", 1.234),
                    new MigrationReport.ArcTime("PRE_COPY_P2P -> STOP_COPY", 3),
                    new MigrationReport.ArcTime("STOP_COPY -> STOP", 0.1)),
                DeviceState.STOP),
            new MigrationReport.Device(
                "acc0",
                "sim",
                "sim:hisi-acc?pre-copy=false",
                1L << 20,
                0,
                List.of(DeviceState.RUNNING, DeviceState.STOP, DeviceState.STOP_COPY),
                List.of(),
                DeviceState.STOP_COPY)),
        List.of(
            new TimelineSpan("migration", "setup", Kind.PHASE, 0, 120, 0),
            new TimelineSpan("migration", "precopy", Kind.PHASE, 120, 3260.5, 0)),
        Optional.of(new GuestAudit.Verdict(Map.of("tasks", 120L, "dma-writes", 12034L), List.of())),
        Optional.empty());
  }

  static MigrationReport failed() {
    MigrationReport whole = completed();
    return new MigrationReport(
        whole.vm(),
        Phase.FAILED,
        812,
        120,
        Optional.empty(),
        OptionalDouble.empty(),
        new MigrationReport.Ram(0, 0, 0, 0, 0),
        0,
        List.of(),
        List.of(),
        Optional.of(
            new GuestAudit.Verdict(Map.of("tasks", 120L), List.of("task 7 of nic0 was lost"))),
        Optional.of(
            new MigrationReport.Failure(
                "VF-1010",
                Optional.of("nic0"),
                "VF-1010: \"RUNNING -> STOP\" took longer than 10 s; the device is in ERROR.",
                true)));
  }
}
