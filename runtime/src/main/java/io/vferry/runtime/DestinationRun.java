package io.vferry.runtime;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.engine.AgentThreads;
import io.vferry.runtime.engine.DestinationEngine;
import io.vferry.runtime.engine.OpenMachine;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.journal.JournalStore;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.P2pPlan;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.plan.Planner;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.DestinationSession;
import io.vferry.runtime.transport.TransportListener;
import io.vferry.runtime.wiring.Ports;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;

/** The destination's side. */
final class DestinationRun extends Run {

  private final Ports ports;
  private final TransportListener transport;
  private final Manifest manifest;
  private final ProgressListener listener;
  private final Consumer<Closing> keeper;

  private DestinationRun(
      Ports ports,
      TransportListener transport,
      Manifest manifest,
      ProgressListener listener,
      Consumer<Closing> keeper) {
    super(manifest);
    this.ports = ports;
    this.transport = transport;
    this.manifest = manifest;
    this.listener = listener;
    this.keeper = keeper;
  }

  static RunningMigration start(
      Ports ports,
      TransportListener transport,
      Manifest manifest,
      ProgressListener listener,
      Consumer<Closing> keeper) {
    DestinationRun run = new DestinationRun(ports, transport, manifest, listener, keeper);
    run.begin(ports.get(ThreadFactory.class), "vferry-destination");
    return run;
  }

  @Override
  MigrationReport run() throws MigrationException, InterruptedException {
    HostClock clock = ports.get(HostClock.class);
    ThreadFactory threads = ports.get(ThreadFactory.class);
    Catalogue catalogue = ports.get(Catalogue.class);
    AttachedDevices attached = AttachedDevices.open(manifest, Side.DESTINATION, catalogue, clock);
    Guest guest = new Guest(attached);
    closeLater(guest::closeUnlessKept);
    Plan plan = new Planner(catalogue).plan(manifest, Side.DESTINATION, attached.attachments());
    if (!plan.possible()) {
      throw SourceRun.blocked(plan);
    }
    OpenMachine machine =
        OpenMachine.open(
            manifest,
            Side.DESTINATION,
            catalogue,
            attached,
            plan.p2p().mode() == P2pPlan.Mode.TWO_PHASE,
            clock,
            ports.get(AccessGuard.Listener.class));
    guest.machine = Optional.of(machine);
    cancelWith(transport::close);
    DestinationSession session = transport.accept(0);
    closeLater(session::close);
    Journal journal = ports.get(JournalStore.class).open(machine.name(), "destination");
    closeLater(journal::close);
    journal.record(Journal.Entry.BEGIN, "from a source");
    AgentThreads agents = new AgentThreads(threads);
    closeLater(agents::close);
    DestinationEngine engine =
        new DestinationEngine(
            machine,
            manifest.settings(),
            message -> session.control().send(encoded(message)),
            journal,
            clock,
            agents,
            listener);
    Ticker ticker = new Ticker(clock, now -> engine.tick());
    closeLater(ticker::stop);
    engine.start();
    session.start(engine);
    Thread ear =
        threads.newThread(() -> listen(session.control(), engine::received, engine::linkLost));
    ear.setName("vferry-ear");
    ear.start();
    ticker.start();
    cancelWith(engine::cancel);
    MigrationReport report = waitFor(engine.result());
    journal.record(Journal.Entry.END, report.status().label());
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
