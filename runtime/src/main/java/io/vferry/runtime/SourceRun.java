package io.vferry.runtime;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.engine.AgentThreads;
import io.vferry.runtime.engine.OpenMachine;
import io.vferry.runtime.engine.SourceEngine;
import io.vferry.runtime.engine.Transports;
import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.journal.JournalStore;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.P2pPlan;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.plan.Planner;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.Security;
import io.vferry.runtime.transport.SourceSession;
import io.vferry.runtime.transport.TransportCounters;
import io.vferry.runtime.wiring.Ports;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Collectors;

/** The source's side. */
final class SourceRun extends Run {

  private final Ports ports;
  private final Manifest manifest;
  private final InetSocketAddress destination;
  private final Security security;
  private final ProgressListener listener;
  private TransportCounters lastCounters = new TransportCounters(List.of());
  private long lastNanos;

  private SourceRun(
      Ports ports,
      Manifest manifest,
      InetSocketAddress destination,
      Security security,
      ProgressListener listener) {
    super(manifest);
    this.ports = ports;
    this.manifest = manifest;
    this.destination = destination;
    this.security = security;
    this.listener = listener;
  }

  static RunningMigration start(
      Ports ports,
      Manifest manifest,
      InetSocketAddress destination,
      Security security,
      ProgressListener listener) {
    SourceRun run = new SourceRun(ports, manifest, destination, security, listener);
    run.begin(ports.get(ThreadFactory.class), "vferry-source");
    return run;
  }

  @Override
  MigrationReport run() throws MigrationException, InterruptedException {
    HostClock clock = ports.get(HostClock.class);
    ThreadFactory threads = ports.get(ThreadFactory.class);
    OpenMachine machine = openMachine(clock);
    machine.vm().resume();
    SourceSession session =
        ports
            .get(Transports.class)
            .connect(destination, Vferry.transportSettings(manifest.settings()), security);
    closeLater(session::close);
    Journal journal = ports.get(JournalStore.class).open(machine.name(), "source");
    closeLater(journal::close);
    journal.record(Journal.Entry.BEGIN, "to " + destination);
    AgentThreads agents = new AgentThreads(threads);
    closeLater(agents::close);
    SourceEngine engine =
        new SourceEngine(
            machine,
            manifest.settings(),
            session.chunks(),
            message -> session.control().send(encoded(message)),
            journal,
            clock,
            agents,
            listener);
    Thread ear =
        threads.newThread(() -> listen(session.control(), engine::received, engine::linkLost));
    ear.setName("vferry-ear");
    ear.start();
    Ticker ticker = new Ticker(clock, now -> observe(engine, session, now));
    closeLater(ticker::stop);
    engine.start();
    ticker.start();
    cancelWith(engine::cancel);
    MigrationReport report = waitFor(engine.result());
    journal.record(Journal.Entry.END, report.status().label());
    return report;
  }

  private OpenMachine openMachine(HostClock clock) throws MigrationException {
    Catalogue catalogue = ports.get(Catalogue.class);
    AttachedDevices attached = AttachedDevices.open(manifest, Side.SOURCE, catalogue, clock);
    closeLater(attached::close);
    Plan plan = new Planner(catalogue).plan(manifest, Side.SOURCE, attached.attachments());
    if (!plan.possible()) {
      throw blocked(plan);
    }
    OpenMachine machine =
        OpenMachine.open(
            manifest,
            Side.SOURCE,
            catalogue,
            attached,
            plan.p2p().mode() == P2pPlan.Mode.TWO_PHASE,
            clock,
            ports.get(AccessGuard.Listener.class));
    closeLater(machine::close);
    return machine;
  }

  static MigrationException blocked(Plan plan) {
    return new MigrationException(
        RuntimeError.PLAN_BLOCKED,
        plan.blockers().stream()
            .map(blocker -> blocker.reason() + ". " + blocker.advice())
            .collect(Collectors.joining("; ")));
  }

  /** Called by the ticker only. */
  private void observe(SourceEngine engine, SourceSession session, long nowNanos) {
    TransportCounters counters = session.counters();
    for (int i = 0; i < counters.connections().size(); i++) {
      long before =
          i < lastCounters.connections().size()
              ? lastCounters.connections().get(i).payloadBytes()
              : 0;
      long moved = counters.connections().get(i).payloadBytes() - before;
      if (moved > 0 && lastNanos != 0) {
        engine.connectionMoved(i + 1, lastNanos, nowNanos, moved);
      }
    }
    lastCounters = counters;
    lastNanos = nowNanos;
    engine.tick();
  }
}
