package io.vferry.compat.v1;

import static io.vferry.compat.v1.V1Translation.Verdict.ILLEGAL;
import static io.vferry.compat.v1.V1Translation.Verdict.LEGAL;
import static io.vferry.compat.v1.V1Translation.Verdict.LUCK;

import io.vferry.compat.v1.V1Translation.Verdict;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Follows the accesses of a v1 client to one device, and says of each what it means, what replaces
 * it in v2, and whether v1 allowed it.
 *
 * <p>Begins with a device that runs. Not thread-safe.
 */
public final class V1Translator {

  private final FeatureSet features;
  private V1State state = V1State.RUNNING;
  private boolean stateKnown = true;
  private long lastStateRead = -1;
  private boolean tracking;
  private final Iteration iteration = new Iteration();

  /** What happened since the last chunk was done with. */
  private static final class Iteration {
    private OptionalLong pendingBytes = OptionalLong.empty();
    private OptionalLong dataOffset = OptionalLong.empty();
    private OptionalLong dataSizeBytes = OptionalLong.empty();
    private long movedBytes;

    void begin() {
      dataOffset = OptionalLong.empty();
      dataSizeBytes = OptionalLong.empty();
      movedBytes = 0;
    }

    void forget() {
      begin();
      pendingBytes = OptionalLong.empty();
    }

    boolean chunkUncollected() {
      return dataOffset.isPresent() && movedBytes < dataSizeBytes.orElse(1);
    }
  }

  /** Collects what is said about one access. */
  private static final class Notes {
    private final List<String> replacement = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();
    private Verdict verdict = LEGAL;

    void call(String call) {
      replacement.add(call);
    }

    void remark(Verdict worse, String sentence) {
      remarks.add(sentence);
      if (worse.compareTo(verdict) > 0) {
        verdict = worse;
      }
    }

    V1Translation says(String meaning) {
      return new V1Translation(meaning, replacement, verdict, remarks);
    }
  }

  /**
   * Creates a translator.
   *
   * @param features what the device can do in v2
   */
  public V1Translator(FeatureSet features) {
    this.features = features;
  }

  /** Translates the next access. */
  public V1Translation translate(V1Access access) {
    Notes notes = new Notes();
    String meaning;
    if (access instanceof V1Access.ReadField read) {
      meaning = readField(read, notes);
    } else if (access instanceof V1Access.WriteField write) {
      meaning = writeField(write, notes);
    } else if (access instanceof V1Access.ReadData read) {
      meaning = readData(read, notes);
    } else if (access instanceof V1Access.WriteData write) {
      meaning = writeData(write, notes);
    } else if (access instanceof V1Access.Misfit misfit) {
      notes.remark(
          ILLEGAL, "A field is accessed whole, in its own width; a driver answers EINVAL.");
      meaning =
          "%s %d bytes at offset %d of the header"
              .formatted(misfit.write() ? "write" : "read", misfit.lengthBytes(), misfit.offset());
    } else if (access instanceof V1Access.Reset) {
      meaning = reset(access.errno().isPresent(), notes);
    } else {
      meaning = dirty(access, notes);
    }
    failed(access, notes);
    return notes.says(meaning);
  }

  private static void failed(V1Access access, Notes notes) {
    if (access.errno().isEmpty() || access instanceof V1Access.Reset) {
      return;
    }
    boolean change =
        access instanceof V1Access.WriteField write && write.field() == V1Field.DEVICE_STATE;
    notes.call(
        "it failed with errno %d; ".formatted(access.errno().getAsInt())
            + (change
                ? "after a failed SET, GET MIG_DEVICE_STATE says where the device is, for v2 does"
                    + " not go back by itself"
                : "the call that replaces it fails with an errno of its own, and changes no state"));
  }

  private static String bytes(long count) {
    return count == 1 ? "1 byte" : Long.toUnsignedString(count) + " bytes";
  }

  private String readField(V1Access.ReadField read, Notes notes) {
    boolean failed = read.errno().isPresent();
    switch (read.field()) {
      case DEVICE_STATE -> {
        notes.call("GET MIG_DEVICE_STATE");
        if (!failed && read.value().isPresent()) {
          sawState(read.value().getAsLong(), notes);
        }
        return "ask for the state";
      }
      case RESERVED -> {
        return "read a field that is always 0";
      }
      case PENDING_BYTES -> {
        return readPending(read, failed, notes);
      }
      case DATA_OFFSET -> {
        if (!failed) {
          iteration.dataOffset = read.value();
        }
        return readOffset(notes);
      }
      case DATA_SIZE -> {
        if (!state.saving()) {
          notes.remark(LUCK, "data_size can be read while saving; elsewhere it means nothing.");
        } else if (iteration.dataOffset.isEmpty()) {
          notes.remark(
              LUCK, "data_size is read before data_offset, the read of which stages the chunk.");
        }
        if (!failed) {
          iteration.dataSizeBytes = read.value();
        }
        return "ask how large the chunk is; read() returns that in v2";
      }
    }
    throw new AssertionError(read.field());
  }

  private void sawState(long value, Notes notes) {
    lastStateRead = value;
    V1State seen = V1State.ofBits((int) value).orElse(null);
    if (seen == null) {
      notes.remark(ILLEGAL, "The driver shows " + (value & V1State.MASK) + ", which is no state.");
      return;
    }
    if (stateKnown && seen != state) {
      notes.remark(
          LUCK,
          "The driver shows %s and was last brought to %s; nobody but a reset may change that."
              .formatted(seen, state));
    }
    if (seen != state) {
      iteration.forget();
    }
    state = seen;
    stateKnown = true;
  }

  private String readPending(V1Access.ReadField read, boolean failed, Notes notes) {
    if (!state.saving()) {
      notes.remark(LUCK, "pending_bytes means something only while saving.");
      return "ask what is pending";
    }
    if (iteration.chunkUncollected()) {
      notes.remark(
          ILLEGAL,
          "This acknowledges a chunk of which only %s came out; the rest is lost."
              .formatted(bytes(iteration.movedBytes)));
    }
    if (state == V1State.PRE_COPY && features.preCopy()) {
      notes.call("VFIO_MIG_GET_PRECOPY_INFO, which also makes some drivers give new data");
    }
    boolean soft = state == V1State.PRE_COPY && !features.preCopy();
    notes.call(
        soft
            ? "nothing: this device has no pre-copy and gives its data after it has stopped"
            : state == V1State.PRE_COPY
                ? "read(data_fd): ENOMSG or 0 means nothing now"
                : "read(data_fd): 0 means the end");
    if (!failed) {
      iteration.begin();
      iteration.pendingBytes = read.value();
    }
    return "acknowledge the last chunk and ask for the next";
  }

  private String readOffset(Notes notes) {
    if (state == V1State.RESUMING) {
      return "ask where to store the next chunk; write() takes any buffer in v2";
    }
    if (!state.saving()) {
      notes.remark(LUCK, "data_offset means something only while saving or resuming.");
    } else if (iteration.pendingBytes.isEmpty()) {
      notes.remark(LUCK, "An iteration begins with a read of pending_bytes.");
    } else if (iteration.pendingBytes.getAsLong() == 0) {
      notes.remark(LUCK, "A chunk is asked for though nothing is pending.");
    }
    return "have the next chunk staged; read() takes any buffer in v2";
  }

  private String readData(V1Access.ReadData read, Notes notes) {
    if (!state.saving()) {
      notes.remark(ILLEGAL, "Data are read and the device is not saving.");
    } else if (iteration.dataOffset.isEmpty() || iteration.dataSizeBytes.isEmpty()) {
      notes.remark(
          ILLEGAL, "Data are read before data_offset and data_size of this iteration were.");
    } else {
      long from = read.offset() - iteration.dataOffset.getAsLong();
      long size = iteration.dataSizeBytes.getAsLong();
      if (from < 0 || from > size || read.lengthBytes() > size - from) {
        notes.remark(
            ILLEGAL,
            "The read leaves the chunk; data_offset is to be read anew in each iteration.");
      }
    }
    iteration.movedBytes += read.lengthBytes();
    notes.call("read(data_fd, %s)".formatted(bytes(read.lengthBytes())));
    return "collect " + bytes(read.lengthBytes());
  }

  private String writeData(V1Access.WriteData write, Notes notes) {
    if (state != V1State.RESUMING) {
      notes.remark(ILLEGAL, "Data are stored and the device is not resuming.");
    } else if (iteration.dataOffset.isEmpty()) {
      notes.remark(LUCK, "data_offset is to be read anew for each chunk.");
    } else if (write.offset() < iteration.dataOffset.getAsLong()) {
      notes.remark(ILLEGAL, "The data are stored before the data window.");
    }
    iteration.movedBytes += write.lengthBytes();
    return "store " + bytes(write.lengthBytes());
  }

  private String writeField(V1Access.WriteField write, Notes notes) {
    switch (write.field()) {
      case DEVICE_STATE -> {
        return writeState((int) write.value(), write.errno().isPresent(), notes);
      }
      case DATA_SIZE -> {
        long size = write.value();
        if (state != V1State.RESUMING) {
          notes.remark(ILLEGAL, "data_size is written only while resuming.");
        } else if (Long.compareUnsigned(size, iteration.movedBytes) > 0) {
          notes.remark(
              ILLEGAL,
              "%s of data are handed over and %d were stored."
                  .formatted(bytes(size), iteration.movedBytes));
        } else if (size < iteration.movedBytes) {
          notes.remark(
              LUCK,
              "%s of data were stored and %d are handed over; a chunk keeps its size."
                  .formatted(bytes(iteration.movedBytes), size));
        }
        if (write.errno().isEmpty()) {
          iteration.begin();
        }
        notes.call("write(data_fd, %s)".formatted(bytes(size)));
        return "have %s that were stored loaded".formatted(bytes(size));
      }
      case RESERVED -> {
        notes.remark(LUCK, "The reserved field is read only; a write of it is ignored.");
        return "write a reserved field";
      }
      case PENDING_BYTES, DATA_OFFSET -> {
        notes.remark(ILLEGAL, write.field().title() + " is read only.");
        return "write " + write.field().title();
      }
    }
    throw new AssertionError(write.field());
  }

  private String writeState(int value, boolean failed, Notes notes) {
    V1State target = V1State.ofBits(value).orElse(null);
    if (target == null || !target.settable()) {
      notes.remark(
          ILLEGAL,
          "%d is %s; a driver answers EINVAL."
              .formatted(
                  value & V1State.MASK,
                  target == null ? "no state" : "the error state, which cannot be asked for"));
      return target == null ? "ask for what is no state" : "ask for the error state";
    }
    String meaning =
        "go from %s (%d) to %s (%d)".formatted(state, state.bits(), target, target.bits());
    if (state == V1State.ERROR) {
      notes.remark(ILLEGAL, "Only a reset leads out of the error state.");
      notes.call("VFIO_DEVICE_RESET, then SET " + target.deviceState());
      return meaning;
    }
    if (lastStateRead >= 0 && ((lastStateRead ^ value) & ~V1State.MASK) != 0) {
      notes.remark(LUCK, "Reserved bits are changed; they belong to the driver.");
    }
    judge(target, notes);
    path(target, notes);
    if (failed) {
      // v1 promises the old state, and drivers did not keep it.
      stateKnown = false;
      return meaning;
    }
    boolean sameSession = state == V1State.PRE_COPY && target == V1State.STOP_COPY;
    if (!sameSession && state != target) {
      iteration.forget();
    } else if (sameSession) {
      iteration.pendingBytes = OptionalLong.empty();
    }
    state = target;
    stateKnown = true;
    return meaning;
  }

  private void judge(V1State target, Notes notes) {
    V1Legality legality = V1Legality.of(state, target);
    if (legality.verdict() != LEGAL) {
      notes.remark(legality.verdict(), legality.reason());
    }
    if (state == V1State.PRE_COPY && target == V1State.STOP_COPY && iteration.chunkUncollected()) {
      notes.remark(
          LUCK, "A chunk was handed out and not collected; a driver may drop it in this change.");
    }
    if (state == V1State.STOP_COPY
        && target == V1State.STOP
        && iteration.pendingBytes.orElse(1) != 0) {
      notes.remark(ILLEGAL, "The save is ended before pending_bytes was 0; what is left is lost.");
    }
    if (state == V1State.RESUMING && target != V1State.RESUMING && iteration.movedBytes > 0) {
      notes.remark(
          ILLEGAL,
          "What was stored was never handed over by data_size; %s of data are lost."
              .formatted(bytes(iteration.movedBytes)));
    }
  }

  private void path(V1State target, Notes notes) {
    boolean soft = !features.preCopy();
    DeviceState from = real(state, soft);
    DeviceState to = real(target, soft);
    Transition transition = TransitionTable.of(features).transition(from, to);
    if (transition instanceof Transition.Refused refused) {
      notes.call("nothing: v2 refuses it with EINVAL, " + refused.reason());
      return;
    }
    List<Arc> arcs = ((Transition.Path) transition).arcs();
    if (arcs.isEmpty()) {
      notes.call(
          state == target
              ? "nothing: the device is there"
              : "nothing: this device has no pre-copy and goes on running");
      return;
    }
    notes.call(
        "SET MIG_DEVICE_STATE %s: %s"
            .formatted(
                to,
                from + arcs.stream().map(arc -> " -> " + arc.to()).collect(Collectors.joining())));
    if (arcs.stream().anyMatch(Arc::endsStream)) {
      notes.call("close(data_fd)");
    }
    Arc last = arcs.get(arcs.size() - 1);
    if (last.opensSaveStream() || last.opensLoadStream()) {
      notes.call("keep the new data_fd for " + (last.opensSaveStream() ? "read()" : "write()"));
    }
  }

  private static DeviceState real(V1State state, boolean soft) {
    return soft && state == V1State.PRE_COPY ? DeviceState.RUNNING : state.deviceState();
  }

  private String reset(boolean failed, Notes notes) {
    notes.call("VFIO_DEVICE_RESET; close(data_fd)");
    iteration.forget();
    if (failed) {
      notes.call("if that fails, close the device and open it again");
      stateKnown = false;
      return "reset the device";
    }
    state = V1State.RUNNING;
    stateKnown = true;
    return "reset the device, which runs then";
  }

  private String dirty(V1Access access, Notes notes) {
    if (access instanceof V1Access.DirtyStart) {
      if (tracking) {
        notes.call("nothing: a second DMA_LOGGING_START is an error in v2");
      } else {
        notes.call("DMA_LOGGING_START on each device, with the mapped ranges");
      }
      tracking = true;
      return "track dirty pages of the whole container";
    }
    if (access instanceof V1Access.DirtyStop) {
      notes.call(tracking ? "DMA_LOGGING_STOP on each device" : "nothing: no log is on");
      tracking = false;
      return "stop tracking";
    }
    V1Access.DirtyBitmap query = (V1Access.DirtyBitmap) access;
    if (!tracking) {
      notes.remark(ILLEGAL, "Tracking is off; the container answers EINVAL.");
    }
    notes.call(
        "DMA_LOGGING_REPORT on each device into one zeroed bitmap for %s; any error means that all of"
                .formatted(query.iova())
            + " it is dirty");
    if (query.unmap()) {
      notes.call("then unmap: v2 has no unmap that reports");
    }
    return "fetch and forget the dirty pages of %s%s"
        .formatted(query.iova(), query.unmap() ? " and unmap it" : "");
  }
}
