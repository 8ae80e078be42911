package io.vferry.runtime;

import io.vferry.runtime.engine.AgentHost;
import io.vferry.runtime.engine.OpenMachine;
import io.vferry.runtime.engine.SourceEngine;
import io.vferry.runtime.engine.Transports;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.Security;
import io.vferry.runtime.transport.SourceSession;
import io.vferry.runtime.transport.TransportCounters;
import io.vferry.runtime.wiring.Ports;
import io.vferry.spi.error.MigrationException;
import java.net.InetSocketAddress;
import java.util.List;

/** The source's side. */
final class SourceRun extends Run {

  private final InetSocketAddress destination;
  private final Security security;
  private TransportCounters lastCounters = new TransportCounters(List.of());
  private long lastNanos;

  private SourceRun(
      Ports ports,
      Manifest manifest,
      InetSocketAddress destination,
      Security security,
      ProgressListener listener) {
    super(Side.SOURCE, ports, manifest, listener);
    this.destination = destination;
    this.security = security;
  }

  static RunningMigration start(
      Ports ports,
      Manifest manifest,
      InetSocketAddress destination,
      Security security,
      ProgressListener listener) {
    SourceRun run = new SourceRun(ports, manifest, destination, security, listener);
    run.begin();
    return run;
  }

  @Override
  MigrationReport run() throws MigrationException, InterruptedException {
    AttachedDevices attached = attach();
    closeLater(attached::close);
    OpenMachine machine = openMachine(attached);
    closeLater(machine::close);
    machine.vm().resume();
    SourceSession session =
        ports()
            .get(Transports.class)
            .connect(destination, Vferry.transportSettings(manifest().settings()), security);
    closeLater(session::close);
    Journal journal = openJournal("to " + destination);
    AgentHost agents = openAgents();
    SourceEngine engine =
        new SourceEngine(
            machine,
            manifest().settings(),
            session.chunks(),
            message -> session.control().send(encoded(message)),
            journal,
            clock(),
            agents,
            listener());
    engine.start();
    return drive(engine, session.control(), journal, now -> count(engine, session, now));
  }

  /** Called by the ticker only. */
  private void count(SourceEngine engine, SourceSession session, long nowNanos) {
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
  }
}
