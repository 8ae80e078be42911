package io.vferry.compat.v1;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A device of a v1 driver as users of v2 see it.
 *
 * <p>What v1 cannot express is not offered: P2P states exist only where the driver's {@link
 * V1Stopping} has something that means them, a first image is never begun anew, and no DMA log
 * comes from the driver, because in v1 that was the container's; the host's own is passed on.
 *
 * <p>Each arc is one write of {@code device_state}, but for those that {@link V1Stopping} and
 * {@link V1Loading} leave out: a device that loads at its start stays in resuming while it shows
 * STOP.
 *
 * <p>Sources: Linux 5.10, {@code include/uapi/linux/vfio.h}; QEMU 7.2, {@code hw/vfio/migration.c},
 * for the transitions that the text does not name and drivers had to accept.
 */
public final class V1DeviceAdapter
    implements MigratableDevice, PrecopyProgress, StopCopyEstimate, Compatibility {

  private static final String DRIVER = "v1-driver";
  private static final String REGION_BYTES = "v1-region-bytes";
  private static final String NONE = "none";

  private final V1Device device;
  private final @Nullable HostDevice host;
  private final V1AdapterSettings settings;
  private final V1Stops stops;
  private final Object accesses = new Object();
  private final WaitLimit limit;
  private volatile @Nullable V1SaveStream saving;
  private volatile @Nullable V1LoadStream loading;

  /** Tells apart states with equal bits; the device's bits decide whether it is still true. */
  private volatile DeviceState reached;

  /** Whether the device stays in resuming while it shows STOP. */
  private volatile boolean held;

  private V1DeviceAdapter(
      V1Device device,
      @Nullable HostDevice host,
      V1AdapterSettings settings,
      V1Stops stops,
      DeviceState reached) {
    this.device = device;
    this.host = host;
    this.settings = settings;
    this.stops = stops;
    this.limit = new WaitLimit(settings.clock(), settings.waitNanos());
    this.reached = reached;
  }

  /**
   * Takes charge of a device, which stays in the state it is in.
   *
   * @param device is closed with the result
   * @throws MigrationException {@code NOT_MIGRATABLE} if the region is too small to hold data,
   *     {@code IO_FAILED} if the state cannot be read
   */
  public static V1DeviceAdapter attach(V1Device device, V1AdapterSettings settings)
      throws MigrationException {
    return attach(device, null, settings);
  }

  static V1DeviceAdapter attach(
      V1Device device, @Nullable HostDevice host, V1AdapterSettings settings)
      throws MigrationException {
    if (device.regionBytes() <= V1Field.HEADER_BYTES) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "the v1 region has %d bytes, of which the header takes %d and data none"
              .formatted(device.regionBytes(), V1Field.HEADER_BYTES));
    }
    V1Stops stops = new V1Stops(settings.stopping());
    return new V1DeviceAdapter(
        device, host, settings, stops, stops.state(device.readDeviceState()));
  }

  @Override
  public FeatureSet features() {
    return settings.stopping().features();
  }

  @Override
  public DeviceState state() throws MigrationException {
    int bits = device.readDeviceState() & stops.mask();
    DeviceState known = reached;
    if (bits == stops.bits(held && known == DeviceState.STOP ? DeviceState.RESUMING : known)) {
      return known;
    }
    return stops.state(bits);
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (!features().supports(arc)) {
      throw failure(
          DeviceError.ARC_UNSUPPORTED, "has only the features " + features(), arc, V1Errno.EINVAL);
    }
    if (state() != arc.from()) {
      throw failure(DeviceError.WRONG_STATE, "is not in " + arc.from(), arc, V1Errno.EINVAL);
    }
    if (held && (arc == Arc.STOP_TO_RESUMING || arc == Arc.STOP_TO_STOP_COPY)) {
      throw failure(
          DeviceError.ARC_FAILED,
          "has not made what was loaded its state; start it first",
          arc,
          V1Errno.EINVAL);
    }
    if (arc == Arc.RESUMING_TO_STOP) {
      proveWhole(arc);
    }
    Map<String, String> description = arc.opensSaveStream() ? commonBefore(arc) : Map.of();
    synchronized (accesses) {
      boolean hold = arc == Arc.RESUMING_TO_STOP && settings.loading() == V1Loading.AT_START;
      if (!hold) {
        write(arc);
      }
      reached = arc.to();
      held = hold;
    }
    return outcome(arc, description);
  }

  /** Returns what the destination's device is told of this one; asked before the device moves. */
  private Map<String, String> commonBefore(Arc arc) throws MigrationException {
    try {
      return common();
    } catch (MigrationException e) {
      throw after(e, arc);
    }
  }

  private ArcOutcome outcome(Arc arc, Map<String, String> description) {
    if (arc.endsStream()) {
      endStreams();
    }
    if (arc.opensSaveStream()) {
      V1SaveStream stream = new V1SaveStream(device, this, settings, accesses, description);
      saving = stream;
      return new ArcOutcome.Saving(stream);
    }
    if (arc.opensLoadStream()) {
      V1LoadStream stream = new V1LoadStream(device, this, settings, accesses);
      loading = stream;
      return new ArcOutcome.Loading(stream);
    }
    return ArcOutcome.done();
  }

  private void write(Arc arc) throws MigrationException {
    int bits = stops.bits(arc.to());
    int now = device.readDeviceState();
    if (bits == (now & stops.mask())) {
      return;
    }
    int value = (now & ~stops.mask()) | bits;
    V1SaveStream save = saving;
    try {
      if (save != null && !arc.endsStream()) {
        save.takeOut();
      }
      write(value);
    } catch (MigrationException e) {
      boolean refused = e.errno().orElse(0) == V1Errno.EINVAL.number();
      if (arc != Arc.STOP_TO_RESUMING || !refused) {
        throw after(arc.from() == DeviceState.RESUMING ? V1LoadStream.refusal(e) : e, arc);
      }
      resumeFromReset(value, now, arc, e);
    }
    if (!went(bits)) {
      throw failure(
          DeviceError.ARC_FAILED,
          "took the write of device_state %d and did not go there".formatted(bits),
          arc,
          V1Errno.EIO);
    }
  }

  /** Whether the device is where it was sent. If it cannot be asked, its driver is believed. */
  private boolean went(int bits) {
    try {
      return (device.readDeviceState() & stops.mask()) == bits;
    } catch (MigrationException unreadable) {
      return true;
    }
  }

  private void write(int value) throws MigrationException {
    limit.interrupting(
        "the write of device_state %d to v1 driver %s".formatted(value, settings.driverId()),
        () -> {
          device.writeDeviceState(value);
          return value;
        });
  }

  /**
   * Has a device resume that refuses with EINVAL to when it is stopped: the text of v1 names the
   * change from running only, which is also the one that QEMU makes. What the device holds is about
   * to be replaced, so it is reset; a device that was just reset runs and has nothing to do.
   */
  private void resumeFromReset(int value, int before, Arc arc, MigrationException refusal)
      throws MigrationException {
    try {
      device.reset();
      write(value);
    } catch (MigrationException e) {
      e.addSuppressed(refusal);
      try {
        write(before);
      } catch (MigrationException second) {
        e.addSuppressed(second);
      }
      throw after(e, arc);
    }
  }

  private void proveWhole(Arc arc) throws MigrationException {
    V1LoadStream stream = loading;
    if (stream == null) {
      throw failure(
          DeviceError.SESSION_CLOSED, "has no load session of this adapter", arc, V1Errno.ENODEV);
    }
    try {
      stream.proveWhole();
    } catch (MigrationException e) {
      throw V1Errno.numbered(e)
          .withArc(arc)
          .withState(DeviceState.RESUMING)
          .withCondition(DeviceCondition.NEEDS_RESET);
    }
  }

  /** Completes the driver's own failure of an arc: the bits say where the device is. */
  private MigrationException after(MigrationException failure, Arc arc) {
    DeviceState now;
    try {
      now = state();
    } catch (MigrationException unreadable) {
      failure.addSuppressed(unreadable);
      now = DeviceState.ERROR;
    }
    MigrationException complete = V1Errno.numbered(failure).withArc(arc).withState(now);
    return complete.withCondition(
        now == DeviceState.ERROR || now == DeviceState.RESUMING || held
            ? DeviceCondition.NEEDS_RESET
            : DeviceCondition.USABLE);
  }

  private MigrationException failure(DeviceError error, String what, Arc arc, V1Errno errno) {
    return after(
        new MigrationException(error, "the device of v1 driver " + settings.driverId() + " " + what)
            .withErrno(errno.number()),
        arc);
  }

  @Override
  public void reset() throws MigrationException {
    limit.cut();
    endStreams();
    device.reset();
    reached = DeviceState.RUNNING;
    held = false;
  }

  private void endStreams() {
    V1SaveStream save = saving;
    if (save != null) {
      save.end();
    }
    V1LoadStream load = loading;
    if (load != null) {
      load.end();
    }
    saving = null;
    loading = null;
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == PrecopyProgress.class
        || type == StopCopyEstimate.class
        || type == Compatibility.class) {
      return Optional.of(type.cast(this));
    }
    return type == DmaLog.class && host != null ? host.capability(type) : Optional.empty();
  }

  @Override
  public Remaining remaining() throws MigrationException {
    DeviceState now = state();
    V1SaveStream stream = saving;
    if (stream == null || !(now.saving() && now.running())) {
      throw new MigrationException(
              DeviceError.WRONG_STATE,
              "pre-copy progress of v1 driver " + settings.driverId() + " outside pre-copy")
          .withErrno(V1Errno.EINVAL.number())
          .withState(now);
    }
    return stream.remaining();
  }

  @Override
  public OptionalLong stopCopyBytes() {
    V1SaveStream stream = saving;
    return stream == null ? OptionalLong.empty() : stream.lastPendingBytes();
  }

  @Override
  public Map<String, String> describe() throws MigrationException {
    Map<String, String> description = common();
    description.put(REGION_BYTES, Long.toString(device.regionBytes()));
    return description;
  }

  /** Returns what two devices must have in common. */
  private Map<String, String> common() throws MigrationException {
    Map<String, String> common = new TreeMap<>(device.describe());
    common.put(DRIVER, settings.driverId());
    return common;
  }

  /** Compares with what another device must have in common with this one. */
  List<Difference> differences(Map<String, String> theirs) throws MigrationException {
    Map<String, String> ours = common();
    Set<String> keys = new TreeSet<>(ours.keySet());
    keys.addAll(theirs.keySet());
    List<Difference> differences = new ArrayList<>();
    for (String key : keys) {
      String their = theirs.getOrDefault(key, NONE);
      String own = ours.getOrDefault(key, NONE);
      if (!their.equals(own)) {
        differences.add(new Difference(key, their, own));
      }
    }
    return differences;
  }

  @Override
  public List<Difference> compare(Map<String, String> source) throws MigrationException {
    Map<String, String> theirs = new TreeMap<>(source);
    theirs.remove(REGION_BYTES);
    List<Difference> differences = differences(theirs);
    String bytes = source.getOrDefault(REGION_BYTES, "0");
    if (!bytes.matches("[0-9]{1,18}")) {
      throw new MigrationException(
          DeviceError.DATA_CORRUPT, "the source says its v1 region has '" + bytes + "' bytes");
    }
    // A chunk goes into the window whole, so the destination's is not smaller.
    if (!settings.splitChunks() && Long.parseLong(bytes) > device.regionBytes()) {
      differences.add(new Difference(REGION_BYTES, bytes, Long.toString(device.regionBytes())));
    }
    return differences;
  }

  @Override
  public void close() throws MigrationException {
    endStreams();
    device.close();
  }
}
