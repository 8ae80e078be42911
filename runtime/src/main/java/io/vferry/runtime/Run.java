package io.vferry.runtime;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.MessageCodec;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.transport.ControlChannel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A side of a migration from the first device opened to the last handle closed, on a thread of its
 * own.
 */
abstract class Run implements RunningMigration {

  /** Something to be closed at the end. */
  @FunctionalInterface
  interface Closing {
    void close() throws MigrationException;
  }

  private final Manifest manifest;
  private final CompletableFuture<MigrationReport> report = new CompletableFuture<>();
  private final Deque<Closing> closings = new ArrayDeque<>();
  private @Nullable Runnable canceller;
  private boolean cancelled;

  Run(Manifest manifest) {
    this.manifest = manifest;
  }

  /** Does all of it; what it opened it gave to {@link #closeLater}. */
  abstract MigrationReport run() throws MigrationException, InterruptedException;

  final void begin(ThreadFactory threads, String name) {
    Thread thread = threads.newThread(this::runAndClose);
    thread.setName(name);
    thread.start();
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
    closeAll();
    report.complete(ended);
  }

  private void closeAll() {
    while (!closings.isEmpty()) {
      try {
        closings.pop().close();
      } catch (MigrationException e) {
        System.getLogger(Vferry.class.getName())
            .log(System.Logger.Level.WARNING, e.getMessage(), e);
      }
    }
  }

  /** Has something closed at the end, in the opposite order. */
  final void closeLater(Closing closing) {
    closings.push(closing);
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

  static MigrationReport waitFor(CompletableFuture<MigrationReport> future)
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
        OptionalDouble.empty(),
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
  static void listen(ControlChannel control, Consumer<Message> received, Consumer<Problem> lost) {
    try {
      while (true) {
        Optional<byte[]> bytes = control.receive();
        if (bytes.isEmpty()) {
          lost.accept(
              Problem.of(RuntimeError.PEER_LOST, "the other side has closed the connection"));
          return;
        }
        received.accept(MessageCodec.decode(ByteBuffer.wrap(bytes.get())));
      }
    } catch (MigrationException e) {
      lost.accept(Problem.of(e));
    } catch (InterruptedException e) {
      lost.accept(Problem.of(DeviceError.INTERRUPTED, "listening to the peer was interrupted"));
    }
  }

  static byte[] encoded(Message message) {
    ByteBuffer bytes = MessageCodec.encode(message);
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }
}
