package io.vferry.runtime;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.engine.AgentHost;
import io.vferry.runtime.engine.AgentThreads;
import io.vferry.runtime.engine.Engine;
import io.vferry.runtime.engine.OpenMachine;
import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.journal.JournalStore;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.MessageCodec;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Blocker;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.P2pPlan;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.plan.Planner;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.ControlChannel;
import io.vferry.runtime.wiring.Ports;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A side of a migration from the first device opened to the last handle closed, on a thread of its
 * own.
 */
abstract class Run implements RunningMigration {

  private final Side side;
  private final Ports ports;
  private final Manifest manifest;
  private final ProgressListener listener;
  private final CompletableFuture<MigrationReport> report = new CompletableFuture<>();
  private final Closings closings = new Closings();
  private @Nullable Runnable canceller;
  private boolean cancelled;

  Run(Side side, Ports ports, Manifest manifest, ProgressListener listener) {
    this.side = side;
    this.ports = ports;
    this.manifest = manifest;
    this.listener = listener;
  }

  final Ports ports() {
    return ports;
  }

  final Manifest manifest() {
    return manifest;
  }

  final ProgressListener listener() {
    return listener;
  }

  final HostClock clock() {
    return ports.get(HostClock.class);
  }

  /** Does all of it; what it opened it gave to {@link #closeLater}. */
  abstract MigrationReport run() throws MigrationException, InterruptedException;

  final void begin() {
    startThread("vferry-" + side.label(), this::runAndClose);
  }

  private void startThread(String name, Runnable task) {
    Thread thread = ports.get(ThreadFactory.class).newThread(task);
    thread.setName(name);
    thread.start();
  }

  /** Opens this side's devices, which the caller closes. */
  final AttachedDevices attach() {
    return AttachedDevices.open(manifest, side, ports.get(Catalogue.class), clock());
  }

  /** The advice of the code comes behind it, after a full stop. */
  static String sentences(List<Blocker> blockers) {
    String text =
        blockers.stream()
            .map(blocker -> blocker.reason() + ". " + blocker.advice())
            .collect(Collectors.joining(" "));
    return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
  }

  /** Opens the virtual machine, which the caller closes, if a plan finds nothing in the way. */
  final OpenMachine openMachine(AttachedDevices attached) throws MigrationException {
    Catalogue catalogue = ports.get(Catalogue.class);
    Plan plan = new Planner(catalogue).plan(manifest, side, attached.attachments());
    if (!plan.possible()) {
      throw new MigrationException(RuntimeError.PLAN_BLOCKED, sentences(plan.blockers()));
    }
    return OpenMachine.open(
        manifest,
        side,
        catalogue,
        attached,
        plan.p2p().mode() == P2pPlan.Mode.TWO_PHASE,
        clock(),
        ports.get(AccessGuard.Listener.class));
  }

  /** Begins the journal, which is closed at the end. */
  final Journal openJournal(String peer) throws MigrationException {
    Journal journal = ports.get(JournalStore.class).open(manifest.vm().name(), side.label());
    closeLater(journal::close);
    journal.record(Journal.Entry.BEGIN, peer);
    return journal;
  }

  /** Makes threads for agents, which end at the end. */
  final AgentHost openAgents() {
    AgentThreads agents = new AgentThreads(ports.get(ThreadFactory.class));
    closeLater(agents::close);
    return agents;
  }

  /**
   * Lets a started engine hear its peer and waits for its end.
   *
   * @param observer is given the time ten times a second
   */
  final MigrationReport drive(
      Engine engine, ControlChannel control, Journal journal, LongConsumer observer)
      throws MigrationException, InterruptedException {
    startThread("vferry-ear", () -> listen(control, engine));
    Ticker ticker =
        new Ticker(
            clock(),
            now -> {
              observer.accept(now);
              engine.tick();
            });
    closeLater(ticker::stop);
    ticker.start();
    cancelWith(engine::cancel);
    MigrationReport ended = waitFor(engine.result());
    journal.record(Journal.Entry.END, ended.status().label());
    return ended;
  }

  private void runAndClose() {
    MigrationReport ended;
    try {
      ended = run();
    } catch (MigrationException e) {
      ended =
          failed(
              calledOff()
                  ? new MigrationException(
                      RuntimeError.CANCELLED, "the migration was called off before it began", e)
                  : e);
    } catch (InterruptedException e) {
      ended = failed(new MigrationException(RuntimeError.CANCELLED, "the runtime is shut down", e));
    } catch (RuntimeException | Error e) {
      ended = failed(new MigrationException(RuntimeError.INTERNAL, "unexpected " + e, e));
    }
    closings.closeAll();
    report.complete(ended);
  }

  /** Has something closed at the end, in the opposite order. */
  final void closeLater(Closings.Closing closing) {
    closings.add(closing);
  }

  /** Says how the migration can be called off from now on. */
  final void cancelWith(Runnable how) {
    boolean already;
    synchronized (this) {
      canceller = how;
      already = cancelled;
    }
    if (already) {
      how.run();
    }
  }

  private synchronized boolean calledOff() {
    return cancelled;
  }

  @Override
  public final void cancel() {
    Runnable how;
    synchronized (this) {
      cancelled = true;
      how = canceller;
    }
    if (how != null) {
      how.run();
    }
  }

  @Override
  public final MigrationReport await() throws InterruptedException {
    return waitFor(report);
  }

  private static MigrationReport waitFor(CompletableFuture<MigrationReport> future)
      throws InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("a migration ends with a report", e);
    }
  }

  /** A migration that ended before anything could move. */
  private MigrationReport failed(MigrationException e) {
    return new MigrationReport(
        manifest.vm().name(),
        e.code() == RuntimeError.CANCELLED ? Phase.CANCELLED : Phase.FAILED,
        0,
        0,
        Optional.empty(),
        OptionalDouble.empty(),
        new MigrationReport.Ram(manifest.vm().memoryBytes(), 0, 0, 0, 0),
        0,
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.of(
            new MigrationReport.Failure(e.code().label(), Optional.empty(), e.getMessage(), true)));
  }

  /** Hears the peer until it has nothing more to say. */
  private static void listen(ControlChannel control, Engine engine) {
    try {
      while (true) {
        Optional<byte[]> bytes = control.receive();
        if (bytes.isEmpty()) {
          engine.linkLost(
              Problem.of(RuntimeError.PEER_LOST, "the other side has closed the connection"));
          return;
        }
        engine.received(MessageCodec.decode(ByteBuffer.wrap(bytes.get())));
      }
    } catch (MigrationException e) {
      engine.linkLost(Problem.of(e));
    } catch (InterruptedException e) {
      engine.linkLost(Problem.of(DeviceError.INTERRUPTED, "listening to the peer was interrupted"));
    }
  }

  static byte[] encoded(Message message) {
    ByteBuffer bytes = MessageCodec.encode(message);
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }
}
