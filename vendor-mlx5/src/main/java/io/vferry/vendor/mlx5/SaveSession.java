package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.PrecopyProgress.Remaining;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.mlx5.command.QueryVhcaMigrationState;
import io.vferry.vendor.mlx5.command.SaveVhcaState.Saved;
import io.vferry.vendor.mlx5.prm.CommandStatus;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.Flight;
import io.vferry.vendor.mlx5.stream.RecordHeader;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One save session: at most one SAVE is under way, its images wait to be read in order.
 *
 * <p>The session has no thread. Whoever looks at it takes what the device finished and, where
 * chunks follow, starts the next one before the last is handed out. Source of the rules: Linux
 * 6.12, {@code drivers/vfio/pci/mlx5/main.c}.
 *
 * <p>One thread reads, another may move the device; any thread may close.
 */
final class SaveSession implements SaveStream {

  /** How far the session is. */
  enum Phase {
    /** The device runs; images come when they are asked for. */
    PRE_COPY,
    /** A SAVE found the state larger than its buffer; only a full image at the end helps. */
    PRE_COPY_ERROR,
    /** The device stands; the last image, or its chunks, are on their way. */
    STOP_COPY,
    /** All is saved. */
    COMPLETE,
    /** A SAVE failed; the session is of no use. */
    ERROR,
    /** The device left the saving states. */
    ENDED
  }

  private enum Purpose {
    PRE_COPY,
    STOP_COPY,
    CLEANUP
  }

  private record Saving(Flight<Saved> flight, @Nullable ImageBuffer buffer, Purpose purpose) {}

  private final String device;
  private final Vhca vhca;
  private final int pd;
  private final BooleanSupplier wasReset;
  private final Deque<SavedImage> images = new ArrayDeque<>();
  private final Deque<ImageBuffer> stopCopyBuffers = new ArrayDeque<>();
  private final List<ImageBuffer> spare = new ArrayList<>();
  private ByteBuffer begin;
  private Phase phase;
  private @Nullable Saving saving;
  private @Nullable CommandException failure;
  private long heldBackBytes;

  /** What the firmware said it would save of the standing device, less what came. */
  private long unsavedBytes;

  private long initialUnread;
  private boolean firstImageDue;
  private volatile boolean closed;

  private SaveSession(String device, Vhca vhca, int pd, BooleanSupplier wasReset, Phase phase) {
    this.device = device;
    this.vhca = vhca;
    this.pd = pd;
    this.wasReset = wasReset;
    this.phase = phase;
    this.begin = ByteBuffer.allocate(0);
    this.firstImageDue = phase == Phase.PRE_COPY;
  }

  /**
   * Begins a session; nothing remains of it if that fails.
   *
   * @param wasReset whether the device was reset since, which ends the session
   * @param phase {@code PRE_COPY} if the device runs on, {@code STOP_COPY} if it stands
   */
  static SaveSession begin(String device, Vhca vhca, BooleanSupplier wasReset, Phase phase)
      throws CommandException {
    SaveSession session = new SaveSession(device, vhca, vhca.allocatePd(), wasReset, phase);
    try {
      session.start();
      return session;
    } catch (CommandException e) {
      session.free();
      throw e;
    }
  }

  private synchronized void start() throws CommandException {
    boolean preCopy = phase == Phase.PRE_COPY;
    QueryVhcaMigrationState.Sizes asked = vhca.query(false, vhca.chunks());
    SaveSizes sizes = SaveSizes.of(asked, vhca.chunks(), preCopy);
    for (int i = 0; i < sizes.stopCopyBuffers(); i++) {
      stopCopyBuffers.add(vhca.allocate(pd, sizes.stopCopyBytes()));
    }
    begin = RecordHeader.stopCopySize(sizes.stopCopyBytes());
    if (preCopy) {
      ImageBuffer first = vhca.allocate(pd, SaveSizes.room(asked));
      save(false, true, first, Purpose.PRE_COPY);
    } else {
      unsavedBytes = vhca.sizeBytes(asked);
      save(false, false, stopCopyBuffers.remove(), Purpose.STOP_COPY);
    }
  }

  private void save(boolean incremental, boolean track, @Nullable ImageBuffer buffer, Purpose why)
      throws CommandException {
    try {
      Flight<Saved> flight =
          buffer == null
              ? vhca.save(incremental, track, 0, 0)
              : vhca.save(incremental, track, buffer.mkey(), buffer.lengthBytes());
      saving = new Saving(flight, buffer, why);
    } catch (CommandException e) {
      if (buffer != null) {
        spare.add(buffer);
      }
      throw e;
    }
  }

  /** Takes what the device finished, and starts the next chunk if one is due. */
  private synchronized void harvest() {
    Saving now = saving;
    if (now == null || !vhca.queue().isDone(now.flight)) {
      return;
    }
    saving = null;
    Saved saved;
    try {
      saved = vhca.queue().await(now.flight);
    } catch (CommandException e) {
      failed(now, e);
      return;
    }
    try {
      take(now, saved);
    } catch (CommandException e) {
      phase = Phase.ERROR;
      failure = e;
    }
  }

  private void take(Saving now, Saved saved) throws CommandException {
    ImageBuffer buffer = now.buffer;
    if (now.purpose == Purpose.CLEANUP) {
      if (buffer != null) {
        spare.add(buffer);
      }
      return;
    }
    if (buffer == null || saved.imageBytes() > buffer.lengthBytes()) {
      phase = Phase.ERROR;
      failure =
          CommandException.lost(
              "the firmware says it saved %d bytes, more than it was given room for"
                  .formatted(saved.imageBytes()));
      return;
    }
    boolean stopCopy = now.purpose == Purpose.STOP_COPY;
    if (saved.imageBytes() == 0) {
      // An image of no bytes says nothing, and no destination takes it.
      putBack(buffer, stopCopy);
    } else {
      SavedImage image = new SavedImage(begin, buffer, saved.imageBytes(), stopCopy);
      begin = ByteBuffer.allocate(0);
      images.add(image);
      if (firstImageDue) {
        firstImageDue = false;
        initialUnread = image.unreadBytes();
      }
    }
    if (stopCopy) {
      unsavedBytes = Math.max(0, unsavedBytes - saved.imageBytes());
      heldBackBytes = saved.nextRequiredBytes();
      if (heldBackBytes == 0) {
        phase = Phase.COMPLETE;
      } else {
        nextChunk();
      }
    }
  }

  private void putBack(ImageBuffer buffer, boolean stopCopy) {
    if (stopCopy) {
      stopCopyBuffers.add(buffer);
    } else {
      spare.add(buffer);
    }
  }

  /** Saves the next chunk, unless all buffers wait to be read. */
  private void nextChunk() throws CommandException {
    ImageBuffer free = stopCopyBuffers.poll();
    if (heldBackBytes == 0 || saving != null || free == null) {
      if (free != null) {
        stopCopyBuffers.push(free);
      }
      return;
    }
    ImageBuffer buffer = free;
    if (buffer.lengthBytes() < heldBackBytes) {
      spare.add(buffer);
      buffer = vhca.allocate(pd, SaveSizes.pages(heldBackBytes));
    }
    heldBackBytes = 0;
    save(true, false, buffer, Purpose.STOP_COPY);
  }

  private void failed(Saving now, CommandException e) {
    if (now.buffer != null) {
      ImageBuffer buffer = now.buffer;
      if (e.fate() == CommandException.Fate.UNKNOWN) {
        // The firmware may still write there: the memory stays until it has answered.
        vhca.queue().afterwards(now.flight, () -> vhca.session().arena().release(buffer.memory()));
      } else {
        spare.add(buffer);
      }
    }
    if (now.purpose == Purpose.PRE_COPY
        && phase == Phase.PRE_COPY
        && e.is(CommandStatus.BAD_RES_STATE)) {
      // The state grew between the query and the save. Source: Linux 6.12, the same file.
      phase = Phase.PRE_COPY_ERROR;
      firstImageDue = false;
      return;
    }
    phase = Phase.ERROR;
    failure = e;
  }

  /** Waits until no SAVE is under way. */
  void settle() throws InterruptedException {
    Saving now = current();
    while (now != null) {
      try {
        vhca.queue().awaitInterruptibly(now.flight);
      } catch (CommandException e) {
        // Told by the phase, once it is taken below.
        harvest();
      }
      harvest();
      now = current();
      if (now != null && phase() == Phase.STOP_COPY) {
        // Chunks follow each other without end for who does not read.
        return;
      }
    }
  }

  private synchronized @Nullable Saving current() {
    return saving;
  }

  synchronized Phase phase() {
    return phase;
  }

  synchronized @Nullable CommandException failure() {
    return failure;
  }

  /** Whether all images are read. */
  private boolean drained() {
    return images.isEmpty();
  }

  private long unread() {
    return images.stream().mapToLong(SavedImage::unreadBytes).sum();
  }

  /**
   * Says what is left to read while the device runs, and starts the next image if all was read.
   *
   * @param quiescent whether the initiator is stopped: then no save may be started, so the device
   *     is not asked either
   */
  Remaining remaining(boolean quiescent)
      throws MigrationException, CommandException, InterruptedException {
    settle();
    synchronized (this) {
      switch (phase) {
        case ERROR, ENDED -> throw sessionOver();
        case PRE_COPY_ERROR -> {
          return report(0, false);
        }
        default -> {
          // Goes on below.
        }
      }
      if (quiescent) {
        return report(0, false);
      }
      QueryVhcaMigrationState.Sizes asked = vhca.query(true, false);
      boolean again =
          vhca.tellsState() && asked.migrationState() == QueryVhcaMigrationState.STATE_INIT;
      long more = asked.requiredBytes();
      long unread = unread();
      if (more > 0 && (drained() || again)) {
        startIncrement(more);
        more += RecordHeader.BYTES;
      }
      if (again) {
        initialUnread = unread + more;
        return new Remaining(initialUnread, 0, true);
      }
      return report(more, false);
    }
  }

  /** Returns how much is left to read of a device that stands; empty if it runs. */
  synchronized OptionalLong stopCopyBytes() {
    return switch (phase) {
      case STOP_COPY -> OptionalLong.of(unread() + unsavedBytes);
      case COMPLETE -> OptionalLong.of(unread());
      default -> OptionalLong.empty();
    };
  }

  private Remaining report(long more, boolean again) {
    return initialUnread > 0
        ? new Remaining(initialUnread, 0, again)
        : new Remaining(0, unread() + more, again);
  }

  private void startIncrement(long bytes) throws CommandException {
    try {
      save(true, true, bufferOf(SaveSizes.pages(bytes)), Purpose.PRE_COPY);
    } catch (CommandException e) {
      phase = Phase.ERROR;
      failure = e;
      throw e;
    }
  }

  /** Returns a buffer that is large enough, a used one if there is one. */
  private ImageBuffer bufferOf(long bytes) throws CommandException {
    for (ImageBuffer buffer : spare) {
      if (buffer.lengthBytes() >= bytes) {
        spare.remove(buffer);
        return buffer;
      }
    }
    return vhca.allocate(pd, bytes);
  }

  /** Saves the rest of a device that has just been stopped. */
  synchronized void finish() throws CommandException {
    boolean incremental = phase != Phase.PRE_COPY_ERROR;
    QueryVhcaMigrationState.Sizes asked = vhca.query(incremental, vhca.chunks());
    long needed = SaveSizes.room(asked);
    ImageBuffer reserved = stopCopyBuffers.peek();
    ImageBuffer buffer;
    if (reserved != null && reserved.lengthBytes() >= needed) {
      buffer = stopCopyBuffers.remove();
    } else {
      if (reserved != null) {
        spare.add(stopCopyBuffers.remove());
      }
      buffer = vhca.allocate(pd, needed);
    }
    phase = Phase.STOP_COPY;
    unsavedBytes = vhca.sizeBytes(asked);
    save(incremental, false, buffer, Purpose.STOP_COPY);
  }

  /**
   * Turns tracking off in a device that goes on running.
   *
   * @param steps is told before anything changes
   * @throws CommandException if tracking may still be on
   */
  void cancel(ArcSteps steps) throws CommandException, InterruptedException {
    settle();
    synchronized (this) {
      QueryVhcaMigrationState.Sizes asked;
      try {
        asked = vhca.query(true, vhca.chunks());
      } catch (CommandException e) {
        if (e.is(CommandStatus.BAD_RES_STATE)) {
          // Nothing is tracked: the first save had already failed.
          return;
        }
        throw e;
      }
      ImageBuffer buffer =
          asked.requiredBytes() > 0 || !spare.isEmpty()
              ? bufferOf(SaveSizes.pages(asked.requiredBytes()))
              : null;
      steps.begin();
      save(false, false, buffer, Purpose.CLEANUP);
    }
    Saving cleanup = current();
    if (cleanup != null) {
      try {
        vhca.queue().await(cleanup.flight);
      } finally {
        harvest();
      }
    }
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    while (true) {
      harvest();
      Flight<Saved> pending;
      synchronized (this) {
        if (closed || phase == Phase.ENDED) {
          throw sessionOver();
        }
        if (wasReset.getAsBoolean()) {
          throw new MigrationException(
              DeviceError.SESSION_CLOSED,
              "%s was reset, which ended its save session".formatted(device));
        }
        if (drain(into)) {
          return Status.DATA;
        }
        switch (phase) {
          case ERROR -> throw sessionOver();
          case COMPLETE -> {
            return Status.END;
          }
          default -> {
            // What is under way decides.
          }
        }
        Saving now = saving;
        if (now == null) {
          // In STOP_COPY a SAVE is under way or all is complete, unless a chunk was held back.
          if (phase != Phase.STOP_COPY) {
            return Status.NOTHING_NOW;
          }
          startHeldBack();
          continue;
        }
        pending = now.flight;
      }
      await(pending);
    }
  }

  private void await(Flight<Saved> pending) throws MigrationException {
    Pause pause = new Pause(vhca.queue());
    try {
      while (!vhca.queue().isDone(pending)) {
        synchronized (this) {
          if (closed || phase == Phase.ENDED) {
            throw sessionOver();
          }
        }
        pause.once();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(
          DeviceError.INTERRUPTED, "reading the state of " + device + " was interrupted", e);
    } catch (CommandException e) {
      throw e.toMigration(device, DeviceError.IO_FAILED);
    }
  }

  private void startHeldBack() throws MigrationException {
    try {
      if (stopCopyBuffers.isEmpty()) {
        stopCopyBuffers.add(vhca.allocate(pd, SaveSizes.pages(heldBackBytes)));
      }
      nextChunk();
    } catch (CommandException e) {
      phase = Phase.ERROR;
      failure = e;
      throw sessionOver();
    }
  }

  /** Moves what is there; starts a chunk that waited for the buffer of a drained image. */
  private boolean drain(ByteBuffer into) throws MigrationException {
    int before = into.position();
    while (into.hasRemaining()) {
      SavedImage image = images.peek();
      if (image == null) {
        break;
      }
      int at = into.position();
      image.read(into);
      initialUnread = Math.max(0, initialUnread - (into.position() - at));
      if (image.unreadBytes() == 0) {
        images.remove();
        putBack(image.buffer(), image.stopCopy());
        if (heldBackBytes > 0 && saving == null) {
          startHeldBack();
        }
      }
    }
    return into.position() > before;
  }

  private MigrationException sessionOver() {
    CommandException why = failure;
    if (phase == Phase.ERROR && why != null) {
      return why.toMigration("the state of " + device + " cannot be saved", DeviceError.IO_FAILED);
    }
    return new MigrationException(
        DeviceError.SESSION_CLOSED, "the save session of " + device + " has ended");
  }

  /** Says why the device cannot stop from here, if it cannot. */
  synchronized @Nullable CommandException obstacle() {
    return phase == Phase.ERROR ? failure : null;
  }

  /** Ends the session and frees all it has; a SAVE under way is waited for. */
  void end() {
    Saving now;
    synchronized (this) {
      phase = Phase.ENDED;
      heldBackBytes = 0;
      now = saving;
      saving = null;
    }
    if (now != null) {
      CommandException failed = outcome(now.flight);
      synchronized (this) {
        if (failed != null) {
          failed(now, failed);
        } else if (now.buffer != null) {
          spare.add(now.buffer);
        }
        phase = Phase.ENDED;
      }
    }
    free();
  }

  private @Nullable CommandException outcome(Flight<Saved> flight) {
    try {
      vhca.queue().await(flight);
      return null;
    } catch (CommandException e) {
      return e;
    }
  }

  private synchronized void free() {
    List<ImageBuffer> all = new ArrayList<>(spare);
    all.addAll(stopCopyBuffers);
    images.forEach(image -> all.add(image.buffer()));
    spare.clear();
    stopCopyBuffers.clear();
    images.clear();
    Release.all(vhca, pd, all);
  }

  /**
   * Ends the reading; the buffers live until the device leaves the saving states. Takes no lock: a
   * read may hold it while it starts a SAVE, and closing waits for no device.
   */
  @Override
  public void close() {
    closed = true;
  }
}
