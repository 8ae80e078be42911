package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What stands behind the migration registers: a session, and a window through which its data go
 * chunk by chunk, straight from and into the device's memory.
 */
final class SimMigrationPort {

  private final SimHardware hardware;
  private final ByteBuffer versions =
      ByteBuffer.allocate(SimRegisters.WINDOW_PAGES * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private @Nullable ByteBuffer window;
  private SimBulk.@Nullable Chunk chunk;
  private @Nullable SimCore loaded;
  private int kind;
  private long bytes;
  private long firstPage;
  private long pages;
  private boolean coreRead;
  private boolean last;
  private boolean broken;
  private boolean reinitialised;
  private boolean reinitialisedOnce;
  private long readBytes;
  private long session;
  private long sessions;
  private int questions;
  private long initialBytes;
  private long dirtyBytes;

  SimMigrationPort(SimHardware hardware) {
    this.hardware = hardware;
  }

  /** Does what an arc does to sessions. Returns a result. */
  int enter(Arc arc) {
    SimBulk bulk = hardware.bulk();
    if (arc == Arc.RESUMING_TO_STOP) {
      SimCore whole = loaded;
      if (whole == null
          || broken
          || !bulk.complete()
          || whole.memoryFingerprint != bulk.fingerprint()) {
        return SimRegisters.RESULT_BAD_DATA;
      }
      bulk.setSeed(whole.seed);
      try {
        hardware.load(whole);
      } catch (MigrationException e) {
        return SimRegisters.RESULT_FAILED;
      }
    }
    if (arc.endsStream()) {
      endSession();
    }
    if (arc.opensSaveStream()) {
      sessions++;
      session =
          SimPattern.mix(
              SimPattern.mix(hardware.settings().seed() + hardware.id().hashCode())
                  ^ SimPattern.mix(hardware.clock().nanoTime())
                  ^ sessions);
      bulk.beginSave();
      if (arc.to() != DeviceState.STOP_COPY && hardware.settings().increments()) {
        bulk.beginImage(hardware.settings().initialBytes());
      }
    }
    if (arc.opensLoadStream()) {
      bulk.beginLoad();
    }
    return SimRegisters.RESULT_DONE;
  }

  void endSession() {
    hardware.bulk().endSave();
    window = null;
    chunk = null;
    loaded = null;
    kind = SimRegisters.CHUNK_NONE;
    bytes = 0;
    coreRead = false;
    last = false;
    broken = false;
    reinitialised = false;
    reinitialisedOnce = false;
    readBytes = 0;
    questions = 0;
  }

  private static boolean isArc(long command) {
    return (command & ~0xffL) == SimRegisters.COMMAND_ARC;
  }

  int command(long command) {
    synchronized (hardware) {
      if (isArc(command)) {
        return arc((int) command & 0xff)
            .map(hardware.arcs()::begin)
            .orElse(SimRegisters.RESULT_UNSUPPORTED);
      }
      return switch ((int) command) {
        case SimRegisters.COMMAND_NEXT -> next();
        case SimRegisters.COMMAND_PLACE -> place();
        case SimRegisters.COMMAND_TAKE -> take();
        case SimRegisters.COMMAND_PRECOPY -> precopy();
        case SimRegisters.COMMAND_ABANDON -> abandon();
        default -> SimRegisters.RESULT_UNSUPPORTED;
      };
    }
  }

  private static Optional<Arc> arc(int numbers) {
    Optional<DeviceState> from = DeviceState.ofNumber(numbers >> 4);
    Optional<DeviceState> to = DeviceState.ofNumber(numbers & 0xf);
    return from.isEmpty() || to.isEmpty() ? Optional.empty() : Arc.between(from.get(), to.get());
  }

  private int abandon() {
    hardware.arcs().abandon();
    return SimRegisters.RESULT_DONE;
  }

  private int next() {
    DeviceState state = hardware.state();
    if (!state.saving()) {
      return SimRegisters.RESULT_WRONG_STATE;
    }
    SimBulk bulk = hardware.bulk();
    SimBulk.Chunk found = bulk.nextChunk(SimRegisters.WINDOW_PAGES);
    if (found == null && state == DeviceState.STOP_COPY) {
      bulk.offerUnread();
      found = bulk.nextChunk(SimRegisters.WINDOW_PAGES);
    }
    chunk = found;
    if (found != null) {
      kind = SimRegisters.CHUNK_MEMORY;
      window = bulk.memory(found);
      firstPage = found.firstPage();
      pages = found.pages();
      for (int page = 0; page < found.pages(); page++) {
        versions.putInt(page * Integer.BYTES, bulk.version(found.firstPage() + page));
      }
    } else {
      pages = 0;
      if (state == DeviceState.STOP_COPY && !coreRead) {
        try {
          hardware.core().localMemory = localMemory();
        } catch (MigrationException e) {
          return SimRegisters.RESULT_FAILED;
        }
        coreRead = true;
        kind = SimRegisters.CHUNK_CORE;
        window = hardware.core().encode();
      } else {
        kind = SimRegisters.CHUNK_NONE;
        window = null;
        last = state == DeviceState.STOP_COPY;
      }
    }
    bytes = window == null ? 0 : window.remaining();
    readBytes += bytes;
    return SimRegisters.RESULT_DONE;
  }

  private byte[] localMemory() throws MigrationException {
    Optional<SimLocalMemory> memory = hardware.localMemory();
    return memory.isPresent() ? memory.get().content() : new byte[0];
  }

  private int place() {
    if (hardware.state() != DeviceState.RESUMING) {
      return SimRegisters.RESULT_WRONG_STATE;
    }
    window = null;
    chunk = null;
    if (kind == SimRegisters.CHUNK_MEMORY) {
      SimBulk.Chunk place = hardware.bulk().place(firstPage, pages);
      if (place != null && place.bytes() == bytes) {
        chunk = place;
        window = hardware.bulk().memory(place);
      }
    } else if (kind == SimRegisters.CHUNK_CORE
        && loaded == null
        && bytes > 0
        && bytes <= SimRegisters.WINDOW_BYTES) {
      window = ByteBuffer.allocate((int) bytes);
    }
    return window == null ? bad() : SimRegisters.RESULT_DONE;
  }

  private int take() {
    ByteBuffer written = window;
    if (hardware.state() != DeviceState.RESUMING) {
      return SimRegisters.RESULT_WRONG_STATE;
    }
    if (written == null) {
      return bad();
    }
    window = null;
    SimBulk.Chunk placed = chunk;
    if (placed == null) {
      return takeCore(written);
    }
    int[] taken = new int[placed.pages()];
    for (int page = 0; page < taken.length; page++) {
      taken[page] = versions.getInt(page * Integer.BYTES);
      if (taken[page] < 1) {
        return bad();
      }
    }
    hardware.bulk().take(placed, taken);
    return SimRegisters.RESULT_DONE;
  }

  private int takeCore(ByteBuffer written) {
    try {
      SimCore core = SimCore.decode(written, SimConfigSpace.BYTES);
      if (!hardware.configSpace().belongsHere(core.config)
          || core.localMemory.length != hardware.settings().localMemoryBytes()) {
        return bad();
      }
      loaded = core;
      return SimRegisters.RESULT_DONE;
    } catch (MigrationException e) {
      return bad();
    }
  }

  private int bad() {
    broken = true;
    return SimRegisters.RESULT_BAD_DATA;
  }

  private int precopy() {
    DeviceState state = hardware.state();
    if (state != DeviceState.PRE_COPY && state != DeviceState.PRE_COPY_P2P) {
      return SimRegisters.RESULT_WRONG_STATE;
    }
    SimBulk bulk = hardware.bulk();
    SimSettings settings = hardware.settings();
    reinitialised = false;
    long after = settings.faults().reinitAfterBytes();
    if (after > 0 && readBytes >= after && !reinitialisedOnce && settings.increments()) {
      reinitialisedOnce = true;
      reinitialised = true;
      bulk.beginImage(settings.initialBytes());
    }
    initialBytes = bulk.initialBytes();
    dirtyBytes = settings.increments() ? bulk.unreadBytes() - initialBytes : 0;
    if (settings.increments()) {
      bulk.offerUnread();
    }
    return SimRegisters.RESULT_DONE;
  }

  long register(int register) {
    synchronized (hardware) {
      SimSettings settings = hardware.settings();
      return switch (register) {
        case SimRegisters.STATE -> hardware.state().number();
        case SimRegisters.FEATURES -> settings.features().flags();
        case SimRegisters.MODEL -> settings.profile().number();
        case SimRegisters.FIRMWARE -> settings.firmware();
        case SimRegisters.STATE_BYTES -> settings.stateBytes();
        case SimRegisters.LOCAL_MEMORY_BYTES -> settings.localMemoryBytes();
        case SimRegisters.INITIAL_BYTES -> told(initialBytes);
        case SimRegisters.DIRTY_BYTES -> told(dirtyBytes);
        case SimRegisters.REINITIALISED -> reinitialised ? 1 : 0;
        case SimRegisters.STOP_COPY_BYTES -> told(stopCopyBytes());
        case SimRegisters.SESSION -> session;
        case SimRegisters.ARC_RESULT -> hardware.arcs().result();
        case SimRegisters.ARC_WAIT_NANOS -> hardware.arcs().waitNanos();
        case SimRegisters.CHUNK_KIND -> kind;
        case SimRegisters.CHUNK_BYTES -> bytes;
        case SimRegisters.CHUNK_FIRST -> firstPage;
        case SimRegisters.CHUNK_PAGES -> pages;
        case SimRegisters.CHUNK_LAST -> last ? 1 : 0;
        default -> 0;
      };
    }
  }

  /** Brings the arc on that is under way, if any, and returns its result. */
  int look() {
    synchronized (hardware) {
      return hardware.arcs().look();
    }
  }

  void setRegister(int register, long value) {
    synchronized (hardware) {
      switch (register) {
        case SimRegisters.CHUNK_KIND -> kind = (int) value;
        case SimRegisters.CHUNK_BYTES -> bytes = value;
        case SimRegisters.CHUNK_FIRST -> firstPage = value;
        case SimRegisters.CHUNK_PAGES -> pages = value;
        default -> {
          // Writes to registers that cannot be written are dropped.
        }
      }
    }
  }

  /** Reads or writes the window or the versions; returns whether the access was inside. */
  boolean window(int offset, ByteBuffer data, boolean write) {
    synchronized (hardware) {
      boolean inWindow = offset >= SimRegisters.WINDOW;
      ByteBuffer target = inWindow ? window : versions;
      int at = offset - (inWindow ? SimRegisters.WINDOW : SimRegisters.VERSIONS);
      if (target == null || at > target.limit() - data.remaining()) {
        return false;
      }
      int length = data.remaining();
      if (write) {
        target.put(at, data, data.position(), length);
      } else {
        data.put(data.position(), target, at, length);
      }
      data.position(data.position() + length);
      return true;
    }
  }

  private long stopCopyBytes() {
    SimBulk bulk = hardware.bulk();
    long core =
        hardware.core().encode().remaining()
            + hardware.settings().localMemoryBytes()
            - hardware.core().localMemory.length;
    return core + (hardware.state().saving() ? bulk.unreadBytes() : bulk.sizeBytes());
  }

  private long told(long truth) {
    return switch (hardware.settings().faults().sizes()) {
      case TRUE -> truth;
      case ZERO -> 0;
      case MAX -> Long.MAX_VALUE;
      case SHRINKING -> truth >> Math.min(questions++, Long.SIZE - 1);
    };
  }
}
