package io.vferry.tck.mutant;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** A reference accelerator; what an arc did halfway is undone when it fails. */
final class ReferenceDevice
    implements MigratableDevice, PrecopyProgress, StopCopyEstimate, Compatibility {

  static final int HEADER_BYTES = 16;
  private static final long MAGIC = 0x5245465f53544154L;
  private static final int HEAD = 1;
  private static final int PAGE = 2;
  private static final int CORE = 3;
  private static final int END = 4;
  private static final int HEAD_BYTES = 16;
  private static final int PAGE_CHUNK_BYTES = HEADER_BYTES + 4 + ReferenceChip.PAGE_BYTES;
  private static final int MAX_POLLS = 100_000;
  private static final long BOUNCE = 1L << 40;

  /** What one device's sessions need. */
  static final class Session {
    volatile @Nullable Save save;
    volatile @Nullable Load load;
  }

  private final ReferenceDriver driver;
  private final HostDevice host;
  private final Region registers;
  private final FeatureSet features;
  private final Session session;
  private final List<Object> past = new ArrayList<>();
  private final List<Closeable> files = new ArrayList<>();
  private final CountDownLatch never = new CountDownLatch(1);
  private DeviceState remembered = DeviceState.RUNNING;
  private boolean bounced;
  private boolean closed;
  private boolean poisoned;
  private boolean halfOpen;
  private boolean matched;
  private boolean spent;
  private boolean loadedOnce;
  private boolean savedOnce;
  private @Nullable Load kept;
  private int descriptions;
  private int saves;

  ReferenceDevice(ReferenceDriver driver, HostDevice host, Session shared)
      throws MigrationException {
    this.driver = driver;
    this.host = host;
    this.session = has(Mutation.SESSION_IN_THE_DRIVER) ? shared : new Session();
    if (has(Mutation.MAPPING_LEFT_AFTER_BAD_ATTACH)) {
      host.dma()
          .map(BOUNCE, ByteBuffer.allocateDirect(4096), io.vferry.spi.host.DmaSpace.Direction.READ);
      bounced = true;
    }
    this.registers = host.region(ReferenceChip.MIGRATION);
    this.features = FeatureSet.ofFlags(get(ReferenceChip.FEATURES)).orElseThrow();
  }

  private boolean has(Mutation wanted) {
    return driver.has(wanted);
  }

  // ---------------------------------------------------------------- registers

  private long get(int register) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try {
      registers.read(register, bytes);
    } catch (MigrationException e) {
      if (has(Mutation.FAILURE_THROWN_UNCHECKED)) {
        throw new IllegalStateException(e);
      }
      throw e;
    }
    return bytes.getLong(0);
  }

  private void set(int register, long value) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    registers.write(register, bytes.putLong(0, value));
  }

  private void flags(long value) throws MigrationException {
    try {
      set(ReferenceChip.FLAGS, value);
    } catch (MigrationException e) {
      if (has(Mutation.ARC_ERROR_SWALLOWED)) {
        return;
      }
      throw e;
    }
    if (!has(Mutation.REFUSAL_NOT_READ) && get(ReferenceChip.REFUSED) != 0) {
      throw new MigrationException(DeviceError.ARC_FAILED, "the device refused");
    }
  }

  private void drain() throws MigrationException {
    for (int poll = 0; get(ReferenceChip.BUSY) != 0; poll++) {
      if (poll > MAX_POLLS && !has(Mutation.POLLS_FOR_EVER)) {
        throw new MigrationException(DeviceError.TIMEOUT, "the device does not come to rest");
      }
      Thread.onSpinWait();
    }
  }

  private static DeviceState stateOf(long flags) {
    if ((flags & ReferenceChip.FAILED) != 0) {
      return DeviceState.ERROR;
    }
    if ((flags & ReferenceChip.LOADING) != 0) {
      return DeviceState.RESUMING;
    }
    boolean saving = (flags & ReferenceChip.SAVING) != 0;
    if ((flags & ReferenceChip.STOPPED) != 0) {
      return saving ? DeviceState.STOP_COPY : DeviceState.STOP;
    }
    if ((flags & ReferenceChip.QUIET) != 0) {
      return saving ? DeviceState.PRE_COPY_P2P : DeviceState.RUNNING_P2P;
    }
    return saving ? DeviceState.PRE_COPY : DeviceState.RUNNING;
  }

  static long flagsOf(DeviceState state) {
    long flags = state.running() ? 0 : ReferenceChip.STOPPED;
    if (state.p2pQuiescent() || !state.running()) {
      flags |= ReferenceChip.QUIET;
    }
    if (state.saving()) {
      flags |= ReferenceChip.SAVING;
    }
    return state == DeviceState.RESUMING ? flags | ReferenceChip.LOADING : flags;
  }

  // ------------------------------------------------------------------- device

  @Override
  public FeatureSet features() {
    return has(Mutation.FEATURES_DEPEND_ON_STATE) && remembered == DeviceState.RESUMING
        ? FeatureSet.STOP_COPY
        : features;
  }

  @Override
  public DeviceState state() throws MigrationException {
    if (has(Mutation.STATE_WAITS_FOR_ARC)) {
      synchronized (this) {
        return stateOf(get(ReferenceChip.FLAGS));
      }
    }
    return has(Mutation.STATE_FROM_MEMORY) ? remembered : stateOf(get(ReferenceChip.FLAGS));
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (has(Mutation.STATE_WAITS_FOR_ARC)) {
      synchronized (this) {
        return performOne(arc);
      }
    }
    return performOne(arc);
  }

  private ArcOutcome performOne(Arc arc) throws MigrationException {
    if (!features.supports(arc) && !has(Mutation.UNCLAIMED_ARC_PERFORMED)) {
      throw new MigrationException(DeviceError.ARC_UNSUPPORTED, "the device has only " + features)
          .withArc(arc);
    }
    DeviceState before = state();
    if (before != arc.from() && !has(Mutation.START_NOT_CHECKED)) {
      DeviceError code =
          has(Mutation.WRONG_STATE_HAS_OTHER_CODE)
              ? DeviceError.ARC_FAILED
              : DeviceError.WRONG_STATE;
      throw new MigrationException(code, "the device is not in " + arc.from())
          .withArc(arc)
          .withState(before);
    }
    if (poisoned) {
      throw new MigrationException(DeviceError.ARC_FAILED, "the device failed before")
          .withArc(arc)
          .withCondition(DeviceCondition.NEEDS_RESET);
    }
    if (arc.opensSaveStream() && spent) {
      throw new MigrationException(DeviceError.ARC_FAILED, "the device was saved before");
    }
    if (halfOpen && arc.opensSaveStream()) {
      throw new MigrationException(DeviceError.ARC_FAILED, "a session is open already");
    }
    halfOpen = has(Mutation.HALF_OPEN_SESSION_BLOCKS) && arc.opensSaveStream();
    if (arc == Arc.RESUMING_TO_STOP) {
      return finishLoad(arc);
    }
    try {
      ArcOutcome outcome = go(arc);
      halfOpen = false;
      remembered = arc.to();
      return outcome;
    } catch (MigrationException e) {
      throw undo(arc, e);
    }
  }

  private MigrationException undo(Arc arc, MigrationException e) throws MigrationException {
    poisoned |= has(Mutation.FAILURE_OUTLIVES_RESET);
    if (!has(Mutation.ARC_NOT_UNDONE)) {
      set(ReferenceChip.FLAGS, flagsOf(arc.from()));
      set(ReferenceChip.IRQ_OFF, arc.from().running() ? 0 : 1);
    }
    if (arc.opensLoadStream() && !has(Mutation.MAPPING_LEFT_AFTER_BAD_ARC)) {
      unbounce();
    }
    DeviceState told = has(Mutation.FAILURE_TELLS_WISHED_STATE) ? arc.to() : state();
    return e.withArc(arc).withState(told).withCondition(DeviceCondition.USABLE);
  }

  /** Moves the hardware; whatever fails on the way is undone by the caller. */
  private ArcOutcome go(Arc arc) throws MigrationException {
    if (has(Mutation.FLUSHED_BEFORE_STOP) && arc.from().running() && !arc.to().running()) {
      set(ReferenceChip.FLUSH, 1);
    }
    if (arc.opensLoadStream()) {
      host.dma()
          .map(BOUNCE, ByteBuffer.allocateDirect(4096), io.vferry.spi.host.DmaSpace.Direction.READ);
      bounced = true;
    }
    if (arc.opensSaveStream()) {
      beginSave();
    }
    mutatedSwitches(arc);
    DeviceState target =
        has(Mutation.ARC_OVERSHOOTS) && arc == Arc.STOP_TO_RUNNING_P2P
            ? DeviceState.RUNNING
            : arc.to();
    if (arc.to().running() && !arc.from().running()) {
      set(ReferenceChip.IRQ_OFF, 0);
    }
    flags(flagsOf(target));
    if (arc.to().p2pQuiescent() && !has(Mutation.P2P_DOES_NOT_DRAIN)) {
      drain();
    }
    if (arc.from().running() && !arc.to().running()) {
      if (!has(Mutation.STOP_DOES_NOT_DRAIN)) {
        drain();
      }
      if (!has(Mutation.INTERRUPTS_STAY_ON)) {
        set(ReferenceChip.IRQ_OFF, 1);
      }
      if (!has(Mutation.FLUSHED_BEFORE_STOP)) {
        set(ReferenceChip.FLUSH, 1);
      }
    }
    return streams(arc);
  }

  private void beginSave() throws MigrationException {
    boolean known =
        (has(Mutation.LOADED_PAGES_NOT_SAVED) && loadedOnce)
            || (has(Mutation.CANCELLED_PAGES_NOT_SAVED) && savedOnce);
    if (!known) {
      set(ReferenceChip.MARK_ALL, 1);
    }
    savedOnce = true;
    saves++;
  }

  private void mutatedSwitches(Arc arc) throws MigrationException {
    if (has(Mutation.PRECOPY_PAUSES_DEVICE)) {
      set(ReferenceChip.PAUSE, arc.to() == DeviceState.PRE_COPY ? 1 : 0);
    }
    if (has(Mutation.P2P_REJECTS_PEERS)) {
      set(ReferenceChip.REJECT, arc.to().p2pQuiescent() ? 1 : 0);
    }
    if (has(Mutation.PEERS_STAY_OFF) && arc.to().p2pQuiescent()) {
      set(ReferenceChip.PEERS_OFF, 1);
    }
  }

  private ArcOutcome streams(Arc arc) throws MigrationException {
    if (arc.opensSaveStream() && has(Mutation.NO_STREAM_WITHOUT_GUEST)) {
      byte[] core = new byte[ReferenceChip.CORE_BYTES];
      registers.read(ReferenceChip.CORE, ByteBuffer.wrap(core));
      if (ReferenceChip.Core.decode(core).base == 0) {
        return ArcOutcome.done();
      }
    }
    if (arc.opensSaveStream()) {
      Save save = session.save;
      if (!has(Mutation.SECOND_SAVE_GOES_ON) || save == null) {
        save = new Save();
      }
      session.save = save;
      if (has(Mutation.STREAMS_KEPT)) {
        past.add(save);
      }
      return new ArcOutcome.Saving(save);
    }
    if (arc.opensLoadStream()) {
      Load load = kept;
      if (load == null) {
        load = new Load();
      }
      session.load = load;
      if (has(Mutation.FILES_LEFT)) {
        openFile();
      }
      return new ArcOutcome.Loading(load);
    }
    Save save = session.save;
    if (arc.endsStream()) {
      if (save != null && has(Mutation.UNREAD_STREAM_CANNOT_END) && save.pending.hasRemaining()) {
        throw new MigrationException(DeviceError.ARC_FAILED, "the stream was not read to its end");
      }
      endSave();
    } else if (save != null && !arc.to().running()) {
      if (has(Mutation.STREAM_BEGINS_ANEW_AT_STOP)) {
        save.begin();
      }
      if (has(Mutation.STREAM_OPENED_TWICE)) {
        return new ArcOutcome.Saving(save);
      }
    }
    return ArcOutcome.done();
  }

  private void openFile() {
    try {
      files.add(new FileInputStream("/dev/null"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void endSave() {
    Save save = session.save;
    if (save != null && !has(Mutation.STREAM_OUTLIVES_SESSION)) {
      save.ended = true;
    }
    if (!has(Mutation.SECOND_SAVE_GOES_ON)) {
      session.save = null;
    } else if (save != null) {
      save.ended = false;
    }
  }

  private ArcOutcome finishLoad(Arc arc) throws MigrationException {
    Load load = session.load;
    if (load == null) {
      throw new MigrationException(DeviceError.SESSION_CLOSED, "there is no load session");
    }
    try {
      if (!(has(Mutation.MATCH_NEVER_CLEARED) && matched)) {
        load.proveWhole();
      }
      matched = true;
      byte[] core = load.core();
      if (core.length > 0) {
        registers.write(ReferenceChip.CORE, ByteBuffer.wrap(core));
        set(ReferenceChip.COMMIT, 1);
      }
      if (has(Mutation.LEFT_OFF_WITHOUT_GUEST)
          && core.length > 0
          && ReferenceChip.Core.decode(core).base == 0) {
        set(ReferenceChip.PAUSE, 1);
      }
      if (!has(Mutation.LEAVES_LOADING_BIT) || saves == 0) {
        flags(flagsOf(DeviceState.STOP));
      }
      unbounce();
    } catch (MigrationException e) {
      poisoned |= has(Mutation.REFUSAL_POISONS_DEVICE);
      set(ReferenceChip.FLAGS, flagsOf(arc.from()));
      throw e.withArc(arc).withState(state()).withCondition(DeviceCondition.NEEDS_RESET);
    }
    load.ended = true;
    session.load = null;
    loadedOnce = true;
    remembered = DeviceState.STOP;
    return ArcOutcome.done();
  }

  private void unbounce() throws MigrationException {
    if (bounced) {
      host.dma().unmap(new MemoryRange(BOUNCE, 4096));
      bounced = false;
    }
  }

  @Override
  public void reset() throws MigrationException {
    if (has(Mutation.RESET_ONLY_WITHOUT_PRECOPY) && state() == DeviceState.PRE_COPY) {
      return;
    }
    Load load = session.load;
    boolean failedLoad = load != null && load.failure != null;
    host.reset();
    remembered = DeviceState.RUNNING;
    halfOpen = false;
    kept = null;
    if (!has(Mutation.RESET_KEEPS_STREAMS)) {
      Save save = session.save;
      if (save != null) {
        save.ended = true;
      }
      if (load != null) {
        load.ended = true;
      }
    }
    if (load != null) {
      boolean whole = load.part == END;
      if ((has(Mutation.RESET_KEEPS_LOADED_DATA) && whole)
          || (has(Mutation.RESET_KEEPS_BAD_VERDICT) && failedLoad)
          || (has(Mutation.RESET_KEEPS_HALF_A_LOAD) && !whole && !failedLoad)) {
        kept = load;
        load.ended = false;
      }
    }
    session.save = null;
    session.load = null;
    spent = has(Mutation.SOURCE_STAYS_SPENT) && savedOnce && remembered == DeviceState.RUNNING;
    if (!(has(Mutation.MAPPING_LEFT_AFTER_BAD_LOAD) && failedLoad)
        && !has(Mutation.MAPPING_LEFT_AFTER_BAD_ARC)) {
      unbounce();
    }
  }

  @Override
  public void close() throws MigrationException {
    if (closed) {
      if (has(Mutation.SECOND_CLOSE_FAILS)) {
        throw new MigrationException(DeviceError.IO_FAILED, "the device is closed already");
      }
      return;
    }
    closed = true;
    if (has(Mutation.CLOSE_GIVES_UP)) {
      get(ReferenceChip.FLAGS);
    }
    endSave();
    Load load = session.load;
    if (load != null) {
      load.ended = true;
    }
    if (!has(Mutation.MAPPING_LEFT_AT_CLOSE)) {
      unbounce();
    }
    if (has(Mutation.CLOSES_HOST)) {
      host.close();
    }
    if (has(Mutation.THREAD_LEFT)) {
      Thread thread = new Thread(this::waitForEver, "reference-worker");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void waitForEver() {
    try {
      never.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == PrecopyProgress.class && !features.preCopy()) {
      return Optional.empty();
    }
    if (type == DmaLog.class) {
      return host.capability(DmaLog.class).map(log -> type.cast(new Log(log)));
    }
    if (type == PrecopyProgress.class
        || type == StopCopyEstimate.class
        || type == Compatibility.class) {
      return Optional.of(type.cast(this));
    }
    if (has(Mutation.CAPABILITY_UNCHECKED) && type == Runnable.class) {
      Runnable nothing = () -> {};
      return Optional.of(type.cast(nothing));
    }
    return Optional.empty();
  }

  // -------------------------------------------------------------------- sizes

  @Override
  public Remaining remaining() throws MigrationException {
    if (has(Mutation.LOCKS_IN_TWO_ORDERS)) {
      synchronized (this) {
        Save save = session.save;
        synchronized (save == null ? this : save) {
          return remainingNow();
        }
      }
    }
    return remainingNow();
  }

  private Remaining remainingNow() throws MigrationException {
    Save save = session.save;
    DeviceState now = state();
    if (save == null || now == DeviceState.STOP_COPY || !now.saving()) {
      if (has(Mutation.PROGRESS_EVERYWHERE)) {
        return new Remaining(0, 0, false);
      }
      throw new MigrationException(DeviceError.WRONG_STATE, "there is no pre-copy").withState(now);
    }
    long pages = get(ReferenceChip.DIRTY_PAGES);
    long initial = (long) save.initialPages * PAGE_CHUNK_BYTES + save.pending.remaining();
    if (has(Mutation.PROGRESS_BELOW_ZERO)) {
      initial -= 100;
    }
    if (has(Mutation.INITIAL_BYTES_STAY)) {
      initial = Math.max(1, initial);
    }
    long dirty = Math.max(0, pages - save.initialPages) * PAGE_CHUNK_BYTES;
    return new Remaining(initial, dirty, false);
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    DeviceState now = state();
    if (has(Mutation.ESTIMATE_FAILS_WHEN_STOPPED) && now == DeviceState.STOP) {
      throw new MigrationException(DeviceError.WRONG_STATE, "the device is stopped");
    }
    if (has(Mutation.ESTIMATE_OF_MINUS_ONE)) {
      return OptionalLong.of(-1);
    }
    if (has(Mutation.ESTIMATE_IS_HUGE)) {
      return OptionalLong.of(Long.MAX_VALUE);
    }
    long pages = now.saving() ? get(ReferenceChip.DIRTY_PAGES) : ReferenceChip.PAGES;
    return OptionalLong.of(pages * PAGE_CHUNK_BYTES + ReferenceChip.CORE_BYTES + 3 * HEADER_BYTES);
  }

  // ------------------------------------------------------------ compatibility

  @Override
  public Map<String, String> describe() throws MigrationException {
    String kind = Long.toString(get(ReferenceChip.KIND));
    String firmware = Long.toString(get(ReferenceChip.FIRMWARE));
    descriptions++;
    if (has(Mutation.DESCRIPTION_CHANGES)) {
      return Map.of("kind", kind, "firmware", firmware, "asked", Integer.toString(descriptions));
    }
    if (has(Mutation.COMPARES_SERIAL_NUMBER)) {
      String serial = Integer.toString(System.identityHashCode(this));
      return Map.of("kind", kind, "firmware", firmware, "serial", serial);
    }
    return Map.of("kind", kind, "firmware", firmware);
  }

  @Override
  public List<Difference> compare(Map<String, String> source) throws MigrationException {
    List<Difference> differences = new ArrayList<>();
    Map<String, String> own = describe();
    own.forEach(
        (key, value) -> {
          String theirs = source.getOrDefault(key, "unknown");
          boolean differs =
              key.equals("firmware") ? !notNewer(theirs, value) : !theirs.equals(value);
          boolean ignored =
              (key.equals("kind") && has(Mutation.COMPARE_IGNORES_KIND))
                  || (key.equals("firmware") && has(Mutation.COMPARE_IGNORES_FIRMWARE));
          if (differs && !ignored) {
            differences.add(new Difference(key, theirs, value));
          }
        });
    return differences;
  }

  private boolean notNewer(String theirs, String own) {
    if (!has(Mutation.COMPARE_BELIEVES_NUMBERS) && !theirs.matches("[0-9]{1,9}")) {
      return false;
    }
    return Long.parseLong(theirs) <= Long.parseLong(own);
  }

  // --------------------------------------------------------------------- save

  /** Header, pages that changed, and in STOP_COPY the core and the end. */
  private final class Save implements SaveStream {

    private ByteBuffer pending = ByteBuffer.allocate(0);
    private int chunks;
    private int initialPages;
    private int unsaved = -1;
    private @Nullable MigrationException untold;
    private boolean coreDone;
    private boolean endDone;
    private boolean endTold;
    volatile boolean ended;
    private volatile boolean streamClosed;

    Save() {
      begin();
    }

    void begin() {
      chunks = 0;
      coreDone = false;
      endDone = false;
      initialPages = ReferenceChip.PAGES;
      pending = ByteBuffer.allocate(0);
    }

    @Override
    public Status read(ByteBuffer into) throws MigrationException {
      if (has(Mutation.CLOSE_WAITS_FOR_READ)) {
        synchronized (this) {
          return readNow(into);
        }
      }
      if (has(Mutation.LOCKS_IN_TWO_ORDERS)) {
        synchronized (this) {
          get(ReferenceChip.FLAGS);
          synchronized (ReferenceDevice.this) {
            return readNow(into);
          }
        }
      }
      return readNow(into);
    }

    private Status readNow(ByteBuffer into) throws MigrationException {
      check();
      MigrationException earlier = untold;
      untold = null;
      if (earlier != null) {
        throw earlier;
      }
      int before = into.position();
      while (into.hasRemaining() && (pending.hasRemaining() || nextUnless(into, before))) {
        move(into);
      }
      if (into.position() > before) {
        return Status.DATA;
      }
      boolean stopped = state() == DeviceState.STOP_COPY;
      if (has(Mutation.END_IN_PRECOPY) || (endDone && !has(Mutation.NOTHING_IN_STOP_COPY))) {
        if (has(Mutation.READ_AFTER_END_FAILS) && endTold) {
          throw new MigrationException(DeviceError.SESSION_CLOSED, "the stream was at its end");
        }
        endTold = true;
        return Status.END;
      }
      if (!stopped && has(Mutation.GUEST_RESET_ENDS_STREAM_WELL) && !state().saving()) {
        return Status.END;
      }
      return Status.NOTHING_NOW;
    }

    /** A failure waits for the next read if this one has something to give. */
    private boolean nextUnless(ByteBuffer into, int before) throws MigrationException {
      try {
        return next();
      } catch (MigrationException e) {
        if (into.position() > before && !has(Mutation.FAILED_READ_LEAVES_HOLE)) {
          untold = e;
          return false;
        }
        throw e;
      }
    }

    private void move(ByteBuffer into) {
      int length = Math.min(into.remaining(), pending.remaining());
      if (has(Mutation.READ_USES_BUFFER_AS_SCRATCH) && !into.isReadOnly()) {
        into.put(0, (byte) 0);
      }
      if (has(Mutation.READ_IGNORES_POSITION)) {
        into.put(pending.array(), 0, length);
        pending.position(pending.position() + length);
        return;
      }
      into.put(pending.array(), pending.position(), length);
      pending.position(pending.position() + length);
    }

    private void check() throws MigrationException {
      if (streamClosed || ended) {
        throw new MigrationException(DeviceError.SESSION_CLOSED, "the save session has ended");
      }
    }

    private boolean next() throws MigrationException {
      DeviceState now = state();
      if (!now.saving() && !has(Mutation.STREAM_OUTLIVES_SESSION)) {
        if (has(Mutation.GUEST_RESET_ENDS_STREAM_WELL)) {
          return false;
        }
        throw new MigrationException(DeviceError.SESSION_CLOSED, "the device was reset");
      }
      if (chunks == 0) {
        ByteBuffer head = payload(HEAD_BYTES).putLong(MAGIC);
        head.putInt((int) get(ReferenceChip.KIND)).putInt((int) get(ReferenceChip.FIRMWARE));
        return chunk(HEAD, head);
      }
      boolean forgets = has(Mutation.PAGES_OF_STOP_FORGOTTEN) && now == DeviceState.STOP_COPY;
      if (unsaved < 0 || has(Mutation.FAILED_READ_LEAVES_HOLE)) {
        unsaved = forgets && initialPages == 0 ? -1 : (int) get(ReferenceChip.NEXT_DIRTY);
      }
      if (unsaved >= 0) {
        int page = unsaved;
        ByteBuffer data = payload(Integer.BYTES + ReferenceChip.PAGE_BYTES).putInt(page);
        set(ReferenceChip.SELECT, page);
        readWindow(ReferenceChip.WINDOW, data);
        unsaved = -1;
        initialPages = Math.max(0, initialPages - 1);
        return chunk(PAGE, data);
      }
      initialPages = 0;
      if (now != DeviceState.STOP_COPY || endDone) {
        return false;
      }
      if (!coreDone) {
        core();
        coreDone = true;
        return true;
      }
      endDone = true;
      return chunk(END, payload(Integer.BYTES).putInt(chunks));
    }

    private void core() throws MigrationException {
      ByteBuffer data = payload(ReferenceChip.CORE_BYTES);
      readWindow(ReferenceChip.CORE, data);
      ReferenceChip.Core core = ReferenceChip.Core.decode(data.array());
      if (has(Mutation.NEEDS_A_GUEST) && core.base == 0) {
        throw new MigrationException(DeviceError.IO_FAILED, "the ring has no address");
      }
      if (has(Mutation.ADDRESS_FROM_WRONG_WORDS)) {
        core.base = core.base << 32 | core.base >>> 32;
      }
      if (has(Mutation.PENDING_INTERRUPT_LOST)) {
        core.irqPending = 0;
      }
      if (has(Mutation.ADDRESS_TRUNCATED)) {
        core.base &= 0xffff_ffffL;
      }
      chunk(CORE, payload(ReferenceChip.CORE_BYTES).put(core.encode()));
    }

    private void readWindow(int offset, ByteBuffer data) throws MigrationException {
      try {
        registers.read(offset, data);
      } catch (MigrationException e) {
        if (!has(Mutation.FAILED_READ_GIVES_ZEROS)) {
          throw e;
        }
        data.position(data.limit());
      }
    }

    private boolean chunk(int type, ByteBuffer payload) {
      byte[] bytes = payload.array();
      ByteBuffer chunk = payload(HEADER_BYTES + bytes.length);
      chunk.putInt(type).putInt(bytes.length).putInt(chunks++).putInt(0).put(bytes);
      chunk.putInt(12, crc(chunk.array()));
      pending = chunk.flip();
      return true;
    }

    @Override
    public void close() {
      if (has(Mutation.CLOSE_WAITS_FOR_READ)) {
        synchronized (this) {
          streamClosed = true;
        }
      }
      streamClosed = true;
      if (has(Mutation.CLOSING_STREAM_MOVES_DEVICE) && !ended && !closed) {
        try {
          set(ReferenceChip.FLAGS, get(ReferenceChip.FLAGS) & ~ReferenceChip.SAVING);
        } catch (MigrationException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  private static ByteBuffer payload(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The checksum of a chunk with its own field left out. */
  private static int crc(byte[] chunk) {
    CRC32 crc = new CRC32();
    crc.update(chunk, 0, 12);
    crc.update(chunk, HEADER_BYTES, chunk.length - HEADER_BYTES);
    return (int) crc.getValue();
  }

  // --------------------------------------------------------------------- load

  /** Takes chunks apart; one that is damaged ends the load. */
  private final class Load implements LoadStream {

    private final ByteBuffer header = payload(HEADER_BYTES);
    private @Nullable ByteBuffer body;
    private byte[] core = new byte[0];
    private int chunks;
    private int wrongKind;
    int part;
    @Nullable MigrationException failure;
    volatile boolean ended;
    private boolean streamClosed;

    byte[] core() {
      return core;
    }

    @Override
    public void write(ByteBuffer from) throws MigrationException {
      if (ended || streamClosed) {
        throw new MigrationException(DeviceError.SESSION_CLOSED, "the load session has ended");
      }
      MigrationException earlier = failure;
      if (earlier != null && !has(Mutation.REFUSAL_FORGOTTEN)) {
        throw earlier;
      }
      if (earlier != null) {
        failure = null;
        part = 0;
        chunks = 0;
        header.clear();
        body = null;
      }
      if (has(Mutation.WRITE_CHANGES_ITS_INPUT) && !from.isReadOnly()) {
        int last = from.limit() - 1;
        byte value = from.get(last);
        take(from);
        from.put(last, (byte) ~value);
        return;
      }
      take(from);
    }

    private void take(ByteBuffer from) throws MigrationException {
      try {
        while (from.hasRemaining()) {
          step(from);
        }
      } catch (MigrationException e) {
        failure = e;
        throw e;
      }
    }

    private void step(ByteBuffer from) throws MigrationException {
      if (part == END) {
        if (has(Mutation.TRAILING_BYTES_IGNORED)) {
          from.position(from.limit());
          return;
        }
        if (!has(Mutation.SECOND_STREAM_ACCEPTED) || from.remaining() < HEADER_BYTES) {
          throw new MigrationException(DeviceError.DATA_TOO_LONG, "bytes come after the end");
        }
        part = 0;
        chunks = 0;
      }
      ByteBuffer chunk = body;
      if (chunk == null) {
        if (has(Mutation.WRITE_NEEDS_WHOLE_HEADERS) && from.remaining() < HEADER_BYTES) {
          from.position(from.limit());
          return;
        }
        copy(from, header);
        if (!header.hasRemaining()) {
          beginChunk();
        }
        return;
      }
      copy(from, chunk);
      if (!chunk.hasRemaining()) {
        endChunk(chunk);
      }
    }

    private void copy(ByteBuffer from, ByteBuffer to) {
      while (from.hasRemaining() && to.hasRemaining()) {
        to.put(from.get());
      }
    }

    private void beginChunk() throws MigrationException {
      int length = header.getInt(4);
      int max = has(Mutation.LENGTH_BELIEVED) ? Integer.MAX_VALUE : HEADER_BYTES + 4096;
      boolean negative = length < 1 && !has(Mutation.LENGTH_BELIEVED);
      if (negative || length > max) {
        throw corrupt("a chunk of %d bytes makes no sense".formatted(length));
      }
      body = payload(HEADER_BYTES + length).put(header.array());
      header.clear();
    }

    private void endChunk(ByteBuffer chunk) throws MigrationException {
      body = null;
      int type = chunk.getInt(0);
      boolean sound = crc(chunk.array()) == chunk.getInt(12);
      if (!sound && !has(Mutation.CHECKSUM_UNCHECKED)) {
        throw corrupt("the checksum of a chunk is wrong");
      }
      if (chunk.getInt(8) != chunks && !has(Mutation.ORDER_UNCHECKED)) {
        throw corrupt("chunk %d comes where %d belongs".formatted(chunk.getInt(8), chunks));
      }
      if ((type == HEAD) != (chunks == 0) && !has(Mutation.ORDER_UNCHECKED)) {
        throw corrupt("a chunk of type %d comes as number %d".formatted(type, chunks));
      }
      chunks++;
      byte[] payload = Arrays.copyOfRange(chunk.array(), HEADER_BYTES, chunk.capacity());
      ByteBuffer in = ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
      if (has(Mutation.MATCH_NEVER_CLEARED) && matched && type == HEAD) {
        return;
      }
      switch (type) {
        case HEAD -> head(in);
        case PAGE -> page(in);
        case CORE -> {
          if (payload.length != ReferenceChip.CORE_BYTES) {
            throw corrupt("the core has another size");
          }
          core = payload;
          part = CORE;
        }
        case END -> {
          if (part != CORE && !has(Mutation.ORDER_UNCHECKED)) {
            throw corrupt("the end comes before the core");
          }
          part = END;
        }
        default -> throw corrupt("there is no chunk of type " + type);
      }
    }

    private void head(ByteBuffer in) throws MigrationException {
      if (in.remaining() != HEAD_BYTES || in.getLong() != MAGIC) {
        throw corrupt("this is no stream of a reference accelerator");
      }
      int kind = in.getInt();
      int firmware = in.getInt();
      if (kind != get(ReferenceChip.KIND) && !has(Mutation.KIND_UNCHECKED)) {
        if (has(Mutation.MATCH_ONLY_AT_THE_END)) {
          wrongKind = kind;
          return;
        }
        throw incompatible("the stream is of kind " + kind);
      }
      if (has(Mutation.EARLIER_REFUSED) && firmware != get(ReferenceChip.FIRMWARE)) {
        throw incompatible("the stream is of firmware " + firmware);
      }
      if (firmware > get(ReferenceChip.FIRMWARE) && !has(Mutation.NEWER_ACCEPTED)) {
        throw incompatible("the stream is of firmware " + firmware);
      }
    }

    private void page(ByteBuffer in) throws MigrationException {
      int page = in.remaining() == Integer.BYTES + ReferenceChip.PAGE_BYTES ? in.getInt() : -1;
      if (page < 0 || page >= ReferenceChip.PAGES) {
        throw corrupt("there is no page " + page);
      }
      set(ReferenceChip.SELECT, page);
      registers.write(ReferenceChip.WINDOW, in);
    }

    void proveWhole() throws MigrationException {
      MigrationException earlier = failure;
      if (earlier != null) {
        throw earlier;
      }
      if (wrongKind != 0) {
        throw incompatible("the stream is of kind " + wrongKind);
      }
      boolean enough = has(Mutation.TRUNCATION_ACCEPTED) ? core.length > 0 : part == END;
      if (!enough) {
        throw corrupt("the stream ends too early");
      }
    }

    private MigrationException corrupt(String what) {
      return new MigrationException(DeviceError.DATA_CORRUPT, what);
    }

    private MigrationException incompatible(String what) {
      return new MigrationException(DeviceError.DATA_INCOMPATIBLE, what);
    }

    @Override
    public void close() {
      streamClosed = true;
      if (has(Mutation.CLOSING_LOAD_DISCARDS_IT)) {
        part = 0;
        core = new byte[0];
      }
    }
  }

  // ---------------------------------------------------------------- dirty log

  /** The chip's log, with what drivers get wrong on top. */
  private final class Log implements DmaLog {

    private final DmaLog log;

    Log(DmaLog log) {
      this.log = log;
    }

    @Override
    public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException {
      if (has(Mutation.LOG_STARTS_TWICE)) {
        log.stop();
      }
      long size = log.start(iovaRanges, pageSizeBytes);
      return has(Mutation.LOG_SAYS_SHIFT) ? Long.numberOfTrailingZeros(size) : size;
    }

    @Override
    public void stop() throws MigrationException {
      if (!stuck) {
        log.stop();
      }
    }

    @Override
    public void report(DirtyBitmap into) throws MigrationException {
      DirtyBitmap fresh = new DirtyBitmap(into.range(), into.pageSizeBytes());
      try {
        log.report(fresh);
      } catch (MigrationException e) {
        stuck = has(Mutation.LOG_STUCK_AFTER_FAILURE);
        if (!has(Mutation.LOG_FAILURE_IS_CLEAN)) {
          throw e;
        }
      }
      if (has(Mutation.LOG_ENDS_AT_STOP) && !state().running()) {
        return;
      }
      if (has(Mutation.LOG_FORGETS_OTHER_PARTS)) {
        log.report(new DirtyBitmap(new MemoryRange(0, 1L << 40), 1L << 20));
      }
      if (has(Mutation.LOG_OVERWRITES)) {
        into.clear();
      }
      if (has(Mutation.LOG_REPORTS_A_PAGE_ONCE)) {
        reportOnce(fresh, into);
        return;
      }
      into.markAllOf(fresh);
    }

    private void reportOnce(DirtyBitmap fresh, DirtyBitmap into) {
      DirtyBitmap before = onceTold(into);
      fresh.forEachRun(
          (first, count) -> {
            for (long page = first; page < first + count; page++) {
              if (!before.isDirty(page)) {
                into.mark(
                    new MemoryRange(
                        into.range().start() + page * into.pageSizeBytes(), into.pageSizeBytes()));
              }
            }
          });
      before.markAllOf(fresh);
    }

    private DirtyBitmap onceTold(DirtyBitmap like) {
      DirtyBitmap known = reported;
      if (known == null || !known.range().equals(like.range())) {
        known = new DirtyBitmap(like.range(), like.pageSizeBytes());
        reported = known;
      }
      return known;
    }
  }

  /** Whether the log cannot be stopped, in LOG_STUCK_AFTER_FAILURE. */
  private boolean stuck;

  /** What LOG_REPORTS_A_PAGE_ONCE has told. */
  private @Nullable DirtyBitmap reported;
}
