package io.vferry.runtime.engine;

import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.ChunkPool;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The agent of one device on the source: performs its arcs and moves its save stream, by turns, so
 * that the device has one caller.
 */
final class SavingDevice implements DeviceMover {

  /** How often a device that has nothing now is asked again; QEMU asks about as often. */
  private static final long PRECOPY_PAUSE_NANOS = 5_000_000;

  /** So many chunks are sent between two questions for progress. */
  private static final int CHUNKS_PER_QUESTION = 16;

  private static final PrecopyProgress.Remaining NOTHING =
      new PrecopyProgress.Remaining(0, 0, false);

  private final OpenDevice device;
  private final SendContext context;
  private final ArcPerformer performer;
  private final Optional<PrecopyProgress> precopy;
  private final Optional<DmaLog> dmaLog;
  private final Mailbox<Runnable> mailbox = new Mailbox<>();
  private final OutgoingStream out;
  private volatile @Nullable SaveStream stream;
  private boolean inPrecopy;
  private boolean logOn;
  private int generation;
  private int announcedGeneration = -1;
  private int chunksSinceQuestion;
  private boolean askedInVain;
  private volatile PrecopyProgress.Remaining remaining = NOTHING;
  private volatile boolean ended;

  SavingDevice(OpenDevice device, SendContext context) {
    this.device = device;
    this.context = context;
    this.performer = new ArcPerformer(device, context.events());
    this.precopy = device.device().capability(PrecopyProgress.class);
    this.dmaLog = device.dmaLog();
    this.out = new OutgoingStream(device.stream(), context.sender());
  }

  @Override
  public String name() {
    return "save-" + device.id();
  }

  @Override
  public long idleNanos() {
    return inPrecopy ? PRECOPY_PAUSE_NANOS : Long.MAX_VALUE;
  }

  @Override
  public void wakes(AgentHost.Waker waker) {
    mailbox.wakes(waker);
  }

  @Override
  public long movedBytes() {
    return out.bytes();
  }

  @Override
  public long remainingBytes() {
    return left(remaining);
  }

  @Override
  public boolean ended() {
    return ended;
  }

  @Override
  public void perform(Arc arc) {
    mailbox.put(
        () -> {
          Optional<ArcOutcome> outcome = performer.perform(arc);
          if (outcome.isEmpty()) {
            return;
          }
          if (arc.endsStream()) {
            closeStream();
          }
          if (outcome.get() instanceof ArcOutcome.Saving saving) {
            stream = saving.stream();
          }
          inPrecopy = arc.to().saving() && arc.to().running();
          context.events().accept(new Event.ArcDone(device.number(), arc));
        });
  }

  @Override
  public void reset(AgentHost host) {
    Runnable reset =
        () -> {
          closeStream();
          performer.reset();
        };
    if (performer.inArc()) {
      host.runAside(performer::reset);
    } else {
      mailbox.put(reset);
    }
  }

  @Override
  public void stopTransfer() {
    SaveStream open = stream;
    if (open != null) {
      open.close();
    }
    mailbox.put(this::closeStream);
  }

  void startLog(List<MemoryRange> ranges, long pageSizeBytes, Runnable done) {
    mailbox.put(
        () -> {
          if (dmaLog.isPresent() && !ranges.isEmpty()) {
            try {
              dmaLog.get().start(ranges, pageSizeBytes);
              logOn = true;
            } catch (MigrationException e) {
              // Without a log all memory counts as dirty each time: slower, and still right.
              logOn = false;
            }
          }
          done.run();
        });
  }

  void stopLog(Runnable done) {
    mailbox.put(
        () -> {
          if (logOn) {
            try {
              dmaLog.orElseThrow().stop();
            } catch (MigrationException e) {
              // The device is about to be left alone or reset, which ends the log as well.
            }
            logOn = false;
          }
          done.run();
        });
  }

  /**
   * Reads the log, and asks for the size of a stop-copy.
   *
   * @param fresh gets the bits, on this agent's thread
   * @param done is told the size
   */
  void collect(List<DirtyBitmap> fresh, Consumer<OptionalLong> done) {
    mailbox.put(
        () -> {
          for (DirtyBitmap bitmap : fresh) {
            report(bitmap);
          }
          done.accept(estimate());
        });
  }

  private void report(DirtyBitmap bitmap) {
    if (!logOn) {
      bitmap.markAll();
      return;
    }
    try {
      dmaLog.orElseThrow().report(bitmap);
    } catch (MigrationException e) {
      bitmap.markAll();
    }
  }

  private OptionalLong estimate() {
    Optional<StopCopyEstimate> estimate = device.device().capability(StopCopyEstimate.class);
    if (estimate.isEmpty()) {
      return OptionalLong.empty();
    }
    try {
      return estimate.get().stopCopyBytes();
    } catch (MigrationException e) {
      return OptionalLong.empty();
    }
  }

  @Override
  public boolean step() throws InterruptedException {
    Runnable task = mailbox.poll();
    if (task != null) {
      task.run();
      return true;
    }
    SaveStream open = stream;
    if (open == null) {
      return false;
    }
    try {
      return pump(open);
    } catch (MigrationException e) {
      closeStream();
      context
          .events()
          .accept(
              new Event.SaveFailed(device.number(), Problem.of(device.id(), performer.named(e))));
      return true;
    }
  }

  private boolean pump(SaveStream open) throws MigrationException, InterruptedException {
    ChunkPool.Lease lease = context.pool().acquire(Chunk.DEFAULT_LENGTH_BYTES);
    ByteBuffer buffer = lease.buffer();
    SaveStream.Status status;
    try {
      do {
        status = open.read(buffer);
      } while (status == SaveStream.Status.DATA && buffer.hasRemaining());
    } catch (MigrationException e) {
      lease.release();
      throw e;
    }
    buffer.flip();
    if (buffer.hasRemaining()) {
      out.send(0, buffer, lease::release);
      chunksSinceQuestion++;
      askedInVain = false;
    } else {
      lease.release();
    }
    if (status == SaveStream.Status.END) {
      stream = null;
      open.close();
      remaining = NOTHING;
      ended = true;
      progress(NOTHING);
      context.events().accept(new Event.SaveEnded(device.number(), out.summary()));
      return true;
    }
    if (status == SaveStream.Status.NOTHING_NOW || chunksSinceQuestion >= CHUNKS_PER_QUESTION) {
      chunksSinceQuestion = 0;
      return askForProgress(status == SaveStream.Status.NOTHING_NOW);
    }
    return true;
  }

  /** Returns whether it is worth reading on at once. */
  private boolean askForProgress(boolean nothingNow) throws MigrationException {
    if (!inPrecopy || precopy.isEmpty()) {
      progress(NOTHING);
      return !nothingNow;
    }
    remaining = precopy.get().remaining();
    if (remaining.reinitialised()) {
      generation++;
      context.events().accept(new Event.InitialRestarted(device.number(), generation));
    }
    progress(remaining);
    if (remaining.initialBytes() <= 0 && announcedGeneration < generation) {
      announcedGeneration = generation;
      context.events().accept(new Event.InitialSent(device.number(), generation, out.chunks()));
    }
    // Being asked may have made the device produce data; one that only claims to have some rests.
    boolean again = !nothingNow || (!askedInVain && left(remaining) > 0);
    askedInVain = nothingNow;
    return again;
  }

  private static long left(PrecopyProgress.Remaining remaining) {
    return Math.max(0, remaining.initialBytes()) + Math.max(0, remaining.dirtyBytes());
  }

  private void progress(PrecopyProgress.Remaining left) {
    context.events().accept(new Event.SaveProgress(device.number(), out.bytes(), left));
  }

  private void closeStream() {
    SaveStream open = stream;
    stream = null;
    inPrecopy = false;
    if (open != null) {
      open.close();
    }
  }
}
