package io.vferry.runtime.fake;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A device without content, with the capabilities that a test gives it. */
public class FakeDevice implements MigratableDevice {

  private final FeatureSet features;
  private final Map<Class<?>, Object> capabilities = new HashMap<>();
  private DeviceState state = DeviceState.RUNNING;
  private boolean closed;

  /** Creates a device in RUNNING. */
  public FakeDevice(FeatureSet features) {
    this.features = features;
    if (features.preCopy()) {
      with(PrecopyProgress.class, () -> new PrecopyProgress.Remaining(0, 0, false));
    }
  }

  /** Adds a capability. */
  public final <T> FakeDevice with(Class<T> type, T capability) {
    capabilities.put(type, capability);
    return this;
  }

  /** Puts it into a state. */
  public final FakeDevice in(DeviceState other) {
    state = other;
    return this;
  }

  /** Whether it was closed. */
  public final boolean closed() {
    return closed;
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() {
    return state;
  }

  @Override
  public ArcOutcome perform(Arc arc) {
    state = arc.to();
    return ArcOutcome.done();
  }

  @Override
  public void reset() {
    state = DeviceState.RUNNING;
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return Optional.ofNullable(capabilities.get(type)).map(type::cast);
  }

  @Override
  public void close() {
    closed = true;
  }
}
