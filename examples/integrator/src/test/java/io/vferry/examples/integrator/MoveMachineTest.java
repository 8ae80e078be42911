package io.vferry.examples.integrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.Receiver;
import io.vferry.runtime.RunningMigration;
import io.vferry.runtime.Vferry;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.transport.Security;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class MoveMachineTest {

  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private final Clock noon = Clock.fixed(Instant.parse("2026-01-01T12:00:00Z"), ZoneOffset.UTC);

  @Test
  @Timeout(60)
  void theRuntimeRecordsInTheIntegratorsJournal(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("ledger");
    MigrationReport report;
    try (FleetLedger ledger = new FleetLedger(file, noon);
        Receiver receiver =
            MoveMachine.with(ledger).listen(ANY_PORT, new Security.Plain(), Settings.defaults())) {
      RunningMigration incoming = receiver.receive(MoveMachine.machine(), status -> {});
      report =
          MoveMachine.with(ledger)
              .migrate(
                  MoveMachine.machine(), receiver.address(), new Security.Plain(), status -> {})
              .await();
      assertThat(incoming.await().status()).isEqualTo(Phase.COMPLETED);
    }
    assertThat(report.status()).as("%s", report.failure()).isEqualTo(Phase.COMPLETED);
    List<String> entries = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      String[] columns = line.split("\t");
      assertThat(columns).hasSize(5).startsWith("2026-01-01T12:00:00Z", "shop-7");
      entries.add(columns[2] + " " + columns[3]);
    }
    assertThat(entries)
        .containsExactlyInAnyOrder(
            "source BEGIN",
            "destination BEGIN",
            "source COMMIT",
            "destination COMMIT",
            "source END",
            "destination END")
        .containsSubsequence("source COMMIT", "destination COMMIT", "source END");
  }

  @Test
  @Timeout(60)
  void aLedgerThatCannotBeWrittenStopsTheMigrationBeforeAnythingMoves(@TempDir Path directory)
      throws Exception {
    FleetLedger broken = new FleetLedger(directory.resolve("ledger"), noon);
    broken.close();
    try (FleetLedger ledger = new FleetLedger(directory.resolve("other"), noon);
        Receiver receiver =
            MoveMachine.with(ledger).listen(ANY_PORT, new Security.Plain(), Settings.defaults())) {
      RunningMigration incoming = receiver.receive(MoveMachine.machine(), status -> {});
      MigrationReport report =
          MoveMachine.with(broken)
              .migrate(
                  MoveMachine.machine(), receiver.address(), new Security.Plain(), status -> {})
              .await();
      assertThat(report.failure())
          .hasValueSatisfying(
              failure -> assertThat(failure.message()).contains("ledger", "cannot be written"));
      assertThat(incoming.await().status()).isEqualTo(Phase.FAILED);
    }
  }

  @Test
  void onlyPortsCanBeReplaced() throws IOException {
    assertThatThrownBy(() -> Vferry.builder().override(String.class, () -> "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.String is none of the ports")
        .hasMessageContaining("JournalStore");
  }
}
