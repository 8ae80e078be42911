package io.vferry.vendor.sim;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** A simulated device, driven through its migration registers. */
final class SimMigratableDevice
    implements MigratableDevice, PrecopyProgress, StopCopyEstimate, Compatibility, GuestRegions {

  private static final String MODEL = "model";
  private static final String STATE_BYTES = "state-bytes";
  private static final String LOCAL_MEMORY_BYTES = "local-memory-bytes";
  private static final String FORMAT = "stream-format";
  private static final String FIRMWARE = "firmware";

  private final HostDevice host;
  private final SimRegisterAccess registers;
  private final HostClock clock;
  private final FeatureSet features;
  private final String name;
  private final SimStreamFaults faults;
  private final ResetCount resets;
  private volatile long resetsSeen;
  private volatile @Nullable SimSaveStream saving;
  private volatile @Nullable SimLoadStream loading;

  private SimMigratableDevice(
      HostDevice host, SimRegisterAccess registers, FeatureSet features, SimStreamFaults faults)
      throws MigrationException {
    this.host = host;
    this.registers = registers;
    this.clock = host.clock();
    this.features = features;
    this.name = host.info().address().toString();
    this.faults = faults;
    this.resets = host.capability(ResetCount.class).orElse(() -> 0);
    this.resetsSeen = resets.resets();
  }

  static SimMigratableDevice attach(HostDevice host, Region bar) throws MigrationException {
    SimRegisterAccess registers = new SimRegisterAccess(bar);
    FeatureSet features =
        FeatureSet.ofFlags(registers.get(SimRegisters.FEATURES))
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.NOT_MIGRATABLE,
                        "the device at "
                            + host.info().address()
                            + " says it has no stop-copy; give it firmware that does"));
    SimStreamFaults faults =
        SimStreamFaults.read(
            new DeviceParameters("the driver", host.info().address().parameters()));
    return new SimMigratableDevice(host, registers, features, faults);
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() throws MigrationException {
    noticeReset();
    long number = registers.get(SimRegisters.STATE);
    return DeviceState.ofNumber((int) number)
        .orElseThrow(
            () ->
                new MigrationException(
                    DeviceError.DEVICE_LOST, name + " says it is in state number " + number));
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (!features.supports(arc)) {
      throw failure(DeviceError.ARC_UNSUPPORTED, "has only the features " + features, arc);
    }
    noticeReset();
    return switch (arc) {
      // The device does all of it; there is no stream before or after.
      case RUNNING_P2P_TO_STOP,
          RUNNING_TO_STOP,
          RUNNING_P2P_TO_RUNNING,
          STOP_TO_RUNNING,
          RUNNING_TO_RUNNING_P2P,
          STOP_TO_RUNNING_P2P -> {
        command(arc);
        yield ArcOutcome.done();
      }
      // The stream goes on and asks the device whether it can end now.
      case PRE_COPY_TO_PRE_COPY_P2P,
          PRE_COPY_P2P_TO_PRE_COPY,
          PRE_COPY_P2P_TO_STOP_COPY,
          PRE_COPY_TO_STOP_COPY -> {
        command(arc);
        yield ArcOutcome.done();
      }
      case RUNNING_TO_PRE_COPY, RUNNING_P2P_TO_PRE_COPY_P2P, STOP_TO_STOP_COPY -> {
        command(arc);
        SimSaveStream stream = openSaveStream(arc);
        saving = stream;
        yield new ArcOutcome.Saving(stream);
      }
      case PRE_COPY_TO_RUNNING, PRE_COPY_P2P_TO_RUNNING_P2P, STOP_COPY_TO_STOP -> {
        command(arc);
        endStreams();
        yield ArcOutcome.done();
      }
      case STOP_TO_RESUMING -> {
        command(arc);
        SimLoadStream stream = new SimLoadStream(name, registers);
        loading = stream;
        yield new ArcOutcome.Loading(stream);
      }
      case RESUMING_TO_STOP -> {
        SimLoadStream stream = loading;
        if (state() != arc.from()) {
          throw failure(DeviceError.WRONG_STATE, "is not in " + arc.from(), arc);
        }
        if (stream == null) {
          throw failure(DeviceError.SESSION_CLOSED, "has no load session of this driver", arc);
        }
        try {
          stream.proveWhole();
        } catch (MigrationException e) {
          throw e.withArc(arc).withState(state()).withCondition(DeviceCondition.NEEDS_RESET);
        }
        command(arc);
        endStreams();
        yield ArcOutcome.done();
      }
    };
  }

  /** Opens the stream of a session that has just begun; ends the session if that fails. */
  private SimSaveStream openSaveStream(Arc arc) throws MigrationException {
    try {
      return new SimSaveStream(name, registers, faults);
    } catch (MigrationException e) {
      try {
        command(Arc.between(arc.to(), arc.from()).orElseThrow());
      } catch (MigrationException undoFailed) {
        e.addSuppressed(undoFailed);
      }
      throw e;
    }
  }

  private void command(Arc arc) throws MigrationException {
    long command = SimRegisters.COMMAND_ARC | (long) arc.from().number() << 4 | arc.to().number();
    int result;
    try {
      result = registers.arc(command, clock);
    } catch (MigrationException e) {
      // Only the answer may have been lost; then the arc has happened all the same.
      if (state() == arc.to()) {
        return;
      }
      throw e;
    }
    switch (result) {
      case SimRegisters.RESULT_DONE -> {}
      case SimRegisters.RESULT_WRONG_STATE ->
          throw failure(DeviceError.WRONG_STATE, "is not in " + arc.from(), arc);
      case SimRegisters.RESULT_UNSUPPORTED ->
          throw failure(DeviceError.ARC_UNSUPPORTED, "does not know this arc", arc);
      case SimRegisters.RESULT_BAD_DATA ->
          throw failure(DeviceError.DATA_CORRUPT, "refuses the loaded state", arc);
      case SimRegisters.RESULT_INTERRUPTED ->
          throw failure(DeviceError.INTERRUPTED, "was interrupted in an arc", arc);
      case SimRegisters.RESULT_RESET ->
          throw failure(DeviceError.ARC_FAILED, "was reset or closed in the arc", arc);
      case SimRegisters.RESULT_BUSY ->
          throw failure(DeviceError.WRONG_STATE, "is in another arc", arc);
      default -> throw failure(DeviceError.ARC_FAILED, "could not finish the arc", arc);
    }
  }

  private MigrationException failure(DeviceError error, String what, Arc arc)
      throws MigrationException {
    DeviceState now = state();
    DeviceCondition condition =
        now == DeviceState.ERROR || (now == DeviceState.RESUMING && arc.from() == now)
            ? DeviceCondition.NEEDS_RESET
            : DeviceCondition.USABLE;
    return new MigrationException(error, name + " " + what)
        .withArc(arc)
        .withState(now)
        .withCondition(condition);
  }

  @Override
  public void reset() throws MigrationException {
    try {
      host.reset();
    } finally {
      endStreams();
    }
  }

  /** Ends the streams of a session that a reset behind the driver's back has ended. */
  private void noticeReset() {
    long now = resets.resets();
    if (now != resetsSeen) {
      resetsSeen = now;
      endStreams();
    }
  }

  private void endStreams() {
    SimSaveStream save = saving;
    if (save != null) {
      save.end();
    }
    SimLoadStream load = loading;
    if (load != null) {
      load.end();
    }
    saving = null;
    loading = null;
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == PrecopyProgress.class && !features.preCopy()) {
      return Optional.empty();
    }
    if (type == PrecopyProgress.class
        || type == StopCopyEstimate.class
        || type == Compatibility.class
        || type == GuestRegions.class) {
      return Optional.of(type.cast(this));
    }
    return type == DmaLog.class ? host.capability(type) : Optional.empty();
  }

  /** The migration registers are the driver's: a guest could stop the device with them. */
  @Override
  public Map<Integer, Long> limitsBytes() {
    return Map.of(SimRegisters.MIGRATION_BAR, 0L);
  }

  @Override
  public Remaining remaining() throws MigrationException {
    SimSaveStream stream = saving;
    if (stream == null || registers.command(SimRegisters.COMMAND_PRECOPY) != 0) {
      throw new MigrationException(
              DeviceError.WRONG_STATE, "pre-copy progress of " + name + " outside pre-copy")
          .withState(state());
    }
    long unread = stream.unreadHeaderBytes();
    long initialBytes = registers.get(SimRegisters.INITIAL_BYTES);
    return new Remaining(
        initialBytes > Long.MAX_VALUE - unread ? initialBytes : initialBytes + unread,
        registers.get(SimRegisters.DIRTY_BYTES),
        registers.get(SimRegisters.REINITIALISED) != 0);
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    return OptionalLong.of(registers.get(SimRegisters.STOP_COPY_BYTES));
  }

  @Override
  public Map<String, String> describe() throws MigrationException {
    return Map.of(
        MODEL, Long.toString(registers.get(SimRegisters.MODEL)),
        STATE_BYTES, Long.toString(registers.get(SimRegisters.STATE_BYTES)),
        FORMAT, SimStreamFormat.MAJOR + "." + SimStreamFormat.MINOR,
        LOCAL_MEMORY_BYTES, Long.toString(registers.get(SimRegisters.LOCAL_MEMORY_BYTES)),
        FIRMWARE, Long.toString(registers.get(SimRegisters.FIRMWARE)));
  }

  @Override
  public List<Difference> compare(Map<String, String> source) throws MigrationException {
    Map<String, String> own = describe();
    List<Difference> differences = new ArrayList<>();
    for (String key : List.of(MODEL, STATE_BYTES, LOCAL_MEMORY_BYTES, FORMAT)) {
      String theirs = source.getOrDefault(key, "unknown");
      String ours = own.getOrDefault(key, "");
      if (!theirs.equals(ours)) {
        differences.add(new Difference(key, theirs, ours));
      }
    }
    String theirs = source.getOrDefault(FIRMWARE, "unknown");
    String ours = own.getOrDefault(FIRMWARE, "");
    // Older firmware cannot know what newer firmware wrote.
    if (!theirs.matches("[0-9]{1,9}") || Long.parseLong(theirs) > Long.parseLong(ours)) {
      differences.add(new Difference(FIRMWARE, theirs, ours));
    }
    return differences;
  }

  @Override
  public void close() {
    endStreams();
  }
}
