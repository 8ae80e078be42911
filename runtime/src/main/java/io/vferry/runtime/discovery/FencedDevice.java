package io.vferry.runtime.discovery;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A device behind the fence of its driver. What the rules promise not to change, and what has no
 * way to fail, is asked once when the device is attached.
 */
final class FencedDevice implements MigratableDevice {

  private final Fence fence;
  private final MigratableDevice device;
  private final FeatureSet features;
  private final @Nullable PrecopyProgress precopy;
  private final @Nullable StopCopyEstimate estimate;
  private final @Nullable Compatibility compatibility;
  private final @Nullable GuestRegions guestRegions;
  private final @Nullable DmaLog dmaLog;

  FencedDevice(Fence fence, MigratableDevice device) throws MigrationException {
    this.fence = fence;
    this.device = device;
    this.features = fence.call("features", device::features);
    this.precopy =
        ask(PrecopyProgress.class)
            .map(inner -> new FencedPrecopyProgress(fence, inner))
            .orElse(null);
    this.estimate =
        ask(StopCopyEstimate.class)
            .map(inner -> new FencedStopCopyEstimate(fence, inner))
            .orElse(null);
    this.compatibility =
        ask(Compatibility.class).map(inner -> new FencedCompatibility(fence, inner)).orElse(null);
    Optional<GuestRegions> regions = ask(GuestRegions.class);
    this.guestRegions = regions.isPresent() ? FencedGuestRegions.ask(fence, regions.get()) : null;
    this.dmaLog = ask(DmaLog.class).map(inner -> new FencedDmaLog(fence, inner)).orElse(null);
    if (features.preCopy() && precopy == null) {
      throw fence.broken("a device with pre-copy has no PrecopyProgress");
    }
  }

  private <T> Optional<T> ask(Class<T> type) throws MigrationException {
    // The cast is inside the fence: an Optional may hold anything at run time.
    return fence.call("capability", () -> device.capability(type).map(type::cast));
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() throws MigrationException {
    return fence.call("state", device::state);
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    ArcOutcome outcome;
    try {
      outcome = fence.call("perform", () -> device.perform(arc));
    } catch (MigrationException failed) {
      throw failed.arc().isPresent() ? failed : failed.withArc(arc);
    }
    // No switch over the sealed type: the driver may carry null in its records.
    if (outcome instanceof ArcOutcome.Saving saving && saving.stream() != null) {
      FencedSaveStream stream = new FencedSaveStream(fence, saving.stream());
      if (arc.opensSaveStream()) {
        return new ArcOutcome.Saving(stream);
      }
      stream.close();
    } else if (outcome instanceof ArcOutcome.Loading loading && loading.stream() != null) {
      FencedLoadStream stream = new FencedLoadStream(fence, loading.stream());
      if (arc.opensLoadStream()) {
        return new ArcOutcome.Loading(stream);
      }
      stream.close();
    } else if (outcome instanceof ArcOutcome.Done
        && !arc.opensSaveStream()
        && !arc.opensLoadStream()) {
      return outcome;
    }
    throw fence
        .broken("perform gave " + outcome.getClass().getSimpleName() + " with the wrong stream")
        .withArc(arc);
  }

  @Override
  public void reset() throws MigrationException {
    fence.run("reset", device::reset);
  }

  /** {@inheritDoc} Features that this runtime does not know are not given: they have no fence. */
  @Override
  public <T> Optional<T> capability(Class<T> type) {
    Object found = null;
    if (type == PrecopyProgress.class) {
      found = precopy;
    } else if (type == StopCopyEstimate.class) {
      found = estimate;
    } else if (type == Compatibility.class) {
      found = compatibility;
    } else if (type == GuestRegions.class) {
      found = guestRegions;
    } else if (type == DmaLog.class) {
      found = dmaLog;
    }
    return Optional.ofNullable(found).map(type::cast);
  }

  @Override
  public void close() throws MigrationException {
    fence.run("close", device::close);
  }
}
