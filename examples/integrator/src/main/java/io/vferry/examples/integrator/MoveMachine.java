package io.vferry.examples.integrator;

import io.vferry.runtime.Receiver;
import io.vferry.runtime.Vferry;
import io.vferry.runtime.journal.JournalStore;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.transport.Security;
import io.vferry.spi.host.DeviceAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Moves one machine, with the records of both sides in a {@link FleetLedger}.
 *
 * <p>Usage: {@code MoveMachine receive HOST PORT KEYS LEDGER}, then elsewhere {@code MoveMachine
 * send HOST PORT KEYS LEDGER}. KEYS is a directory with {@code ca.pem}, {@code cert.pem} and {@code
 * key.pem}.
 */
final class MoveMachine {

  private MoveMachine() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 5) {
      System.err.println("usage: MoveMachine (receive | send) HOST PORT KEYS LEDGER");
      System.exit(2);
    }
    InetSocketAddress address = new InetSocketAddress(arguments[1], Integer.parseInt(arguments[2]));
    Security security = new Security.Tls(Path.of(arguments[3]), Optional.empty());
    MigrationReport report;
    try (FleetLedger ledger = new FleetLedger(Path.of(arguments[4]), Clock.systemUTC())) {
      Vferry vferry = with(ledger);
      if (arguments[0].equals("send")) {
        report = vferry.migrate(machine(), address, security, status -> {}).await();
      } else {
        try (Receiver receiver = vferry.listen(address, security, Settings.defaults())) {
          report = receiver.receive(machine(), status -> {}).await();
        }
      }
    }
    System.out.println(report.vm() + ": " + report.status());
    report.failure().ifPresent(failure -> System.out.println(failure.message()));
  }

  /** Returns a runtime that is wired as usual, except for its journal. */
  static Vferry with(FleetLedger ledger) {
    return Vferry.builder().override(JournalStore.class, () -> ledger).build();
  }

  /** Returns what is to be moved: a machine with two functions that talk to each other. */
  static Manifest machine() {
    return new Manifest(
        new Manifest.Vm("shop-7", "sim", 16 << 20, Map.of()),
        List.of(function("nic0", "nic1"), function("nic1", "nic0")),
        Settings.defaults());
  }

  private static Manifest.Device function(String id, String peer) {
    return new Manifest.Device(
        id,
        DeviceAddress.parse("sim:mlx5?state=1MiB"),
        Optional.empty(),
        Optional.empty(),
        List.of(peer));
  }
}
