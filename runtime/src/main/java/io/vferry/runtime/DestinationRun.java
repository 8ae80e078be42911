package io.vferry.runtime;

import io.vferry.runtime.engine.AgentHost;
import io.vferry.runtime.engine.DestinationEngine;
import io.vferry.runtime.engine.OpenMachine;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.DestinationSession;
import io.vferry.runtime.transport.TransportListener;
import io.vferry.runtime.wiring.Ports;
import io.vferry.spi.error.MigrationException;
import java.util.Optional;
import java.util.function.Consumer;

/** The destination's side. */
final class DestinationRun extends Run {

  private final TransportListener transport;
  private final Consumer<Closings.Closing> keeper;

  private DestinationRun(
      Ports ports,
      TransportListener transport,
      Manifest manifest,
      ProgressListener listener,
      Consumer<Closings.Closing> keeper) {
    super(Side.DESTINATION, ports, manifest, listener);
    this.transport = transport;
    this.keeper = keeper;
  }

  static RunningMigration start(
      Ports ports,
      TransportListener transport,
      Manifest manifest,
      ProgressListener listener,
      Consumer<Closings.Closing> keeper) {
    DestinationRun run = new DestinationRun(ports, transport, manifest, listener, keeper);
    run.begin();
    return run;
  }

  @Override
  MigrationReport run() throws MigrationException, InterruptedException {
    AttachedDevices attached = attach();
    Guest guest = new Guest(attached);
    closeLater(guest::closeUnlessKept);
    OpenMachine machine = openMachine(attached);
    guest.machine = Optional.of(machine);
    cancelWith(transport::close);
    DestinationSession session = transport.accept(0);
    closeLater(session::close);
    Journal journal = openJournal("from a source");
    AgentHost agents = openAgents();
    DestinationEngine engine =
        new DestinationEngine(
            machine,
            manifest().settings(),
            message -> session.control().send(encoded(message)),
            journal,
            clock(),
            agents,
            listener());
    engine.start();
    session.start(engine);
    MigrationReport report = drive(engine, session.control(), journal, now -> {});
    if (report.status() == Phase.COMPLETED) {
      guest.kept = true;
      keeper.accept(guest::close);
    }
    return report;
  }

  /** The machine and its devices, which outlive the migration if it completes. */
  private static final class Guest {

    private final AttachedDevices attached;
    private Optional<OpenMachine> machine = Optional.empty();
    private boolean kept;

    Guest(AttachedDevices attached) {
      this.attached = attached;
    }

    void closeUnlessKept() throws MigrationException {
      if (!kept) {
        close();
      }
    }

    void close() throws MigrationException {
      try {
        if (machine.isPresent()) {
          machine.get().close();
        }
      } finally {
        attached.close();
      }
    }
  }
}
