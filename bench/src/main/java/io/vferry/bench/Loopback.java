package io.vferry.bench;

import io.vferry.runtime.Receiver;
import io.vferry.runtime.RunningMigration;
import io.vferry.runtime.Vferry;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.transport.Security;
import io.vferry.spi.host.DeviceAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Moves simulated devices between two runtimes of this process, over TCP. */
final class Loopback {

  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private final Vferry source;
  private final Vferry destination;
  private final Security security;

  Loopback(Path journals, Security security) throws Exception {
    this.security = security;
    source = Vferry.builder().journalDirectory(journals.resolve("source")).build();
    destination = Vferry.builder().journalDirectory(journals.resolve("destination")).build();
  }

  /** Returns a manifest with so many equal devices and no machine. */
  static Manifest devices(int count, String address, long downtimeLimitMillis) {
    return devices(Collections.nCopies(count, address), downtimeLimitMillis);
  }

  /** Returns a manifest with a device for each address and no machine. */
  static Manifest devices(List<String> addresses, long downtimeLimitMillis) {
    List<Manifest.Device> devices = new ArrayList<>();
    for (int i = 0; i < addresses.size(); i++) {
      devices.add(
          new Manifest.Device(
              "dev" + i,
              DeviceAddress.parse(addresses.get(i)),
              Optional.empty(),
              Optional.empty(),
              List.of()));
    }
    Settings usual = Settings.defaults();
    return new Manifest(
        new Manifest.Vm("bench", "none", 0, Map.of()),
        devices,
        new Settings(
            downtimeLimitMillis,
            0,
            usual.connections(),
            usual.receiveWindowBytes(),
            60_000,
            usual.setupDeadlineMillis(),
            usual.switchoverDeadlineMillis(),
            usual.maxPrecopyRounds(),
            true,
            usual.accessPolicy(),
            usual.p2p()));
  }

  /** Moves once; what arrived is closed afterwards. */
  MigrationReport move(Manifest manifest) throws Exception {
    try (Receiver receiver = destination.listen(ANY_PORT, security, Settings.defaults())) {
      RunningMigration incoming = receiver.receive(manifest, status -> {});
      RunningMigration outgoing =
          source.migrate(manifest, receiver.address(), security, status -> {});
      MigrationReport report = outgoing.await();
      if (report.failure().isPresent()) {
        incoming.cancel();
        throw new IllegalStateException(report.failure().get().message());
      }
      incoming.await();
      return report;
    }
  }
}
