package io.vferry.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReportTextTest {

  @Test
  void printsAMigrationThatWorked() {
    assertThat(
            String.join(
                "\n",
                ReportText.lines(
                    SampleReports.completed(), Optional.of(Path.of("/tmp/mixed-vm.html")))))
        .isEqualTo(
            """
            mixed-vm was moved in 3.41 s.

            device                   driver              pre-copy   stop-copy        arcs
            nic0                     sim                 64.0 MiB     1.0 MiB     5.13 ms
                RUNNING -> PRE_COPY 0.80 ms, PRE_COPY -> PRE_COPY_P2P 1.23 ms,
                PRE_COPY_P2P -> STOP_COPY 3.00 ms, STOP_COPY -> STOP 0.10 ms
            acc0                     sim                      0 B     1.0 MiB
            memory                   3 rounds           298.0 MiB    12.0 MiB

            phase                               began        took
            setup                             0.00 ms      120 ms
            precopy                            120 ms      3.14 s

            expected-downtime  138 ms (121 ms to 161 ms)
            downtime           142 ms
            total-time         3.41 s
            setup-time         120 ms
            audit              nothing lost: 12034 dma-writes, 120 tasks
            timeline           /tmp/mixed-vm.html""");
  }

  @Test
  void printsAMigrationThatFailed() {
    assertThat(String.join("\n", ReportText.lines(SampleReports.failed(), Optional.empty())))
        .isEqualTo(
            """
            mixed-vm was not moved: failed after 812 ms.
            device nic0: VF-1010: "RUNNING -> STOP" took longer than 10 s; the device is
            in ERROR.
            The guest runs on at the source.

            device                   driver              pre-copy   stop-copy        arcs

            expected-downtime  not known
            downtime           not known
            total-time         812 ms
            setup-time         120 ms
            audit              FAILED, 1 violations
                task 7 of nic0 was lost""");
  }

  @Test
  void staysInsideEightyColumns() {
    assertThat(ReportText.lines(SampleReports.completed(), Optional.empty()))
        .allSatisfy(line -> assertThat(line).hasSizeLessThan(80));
  }
}
