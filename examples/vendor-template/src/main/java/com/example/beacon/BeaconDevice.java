package com.example.beacon;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.Optional;

/** One Beacon. The hardware knows its state; the driver adds the streams and the proof. */
final class BeaconDevice implements MigratableDevice {

  private final HostDevice host;
  private final BeaconRegisters registers;
  private volatile Optional<BeaconSaveStream> save = Optional.empty();
  private volatile Optional<BeaconLoadStream> load = Optional.empty();

  BeaconDevice(HostDevice host, BeaconRegisters registers) {
    this.host = host;
    this.registers = registers;
  }

  @Override
  public FeatureSet features() {
    return FeatureSet.STOP_COPY;
  }

  @Override
  public DeviceState state() throws MigrationException {
    return DeviceState.ofNumber((int) registers.get(BeaconRegisters.STATE))
        .orElseThrow(() -> new MigrationException(DeviceError.DEVICE_LOST, "the Beacon is gone"));
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (!features().supports(arc)) {
      throw new MigrationException(DeviceError.ARC_UNSUPPORTED, "a Beacon has no " + arc);
    }
    if (state() != arc.from()) {
      throw new MigrationException(DeviceError.WRONG_STATE, "the Beacon is not in " + arc.from());
    }
    try {
      // All that can fail comes before the device moves, so that nothing has to be undone.
      int stateBytes = registers.stateBytes();
      ArcOutcome outcome =
          switch (arc) {
            case STOP_TO_STOP_COPY -> {
              byte[] image = BeaconFormat.encode(registers.readState(stateBytes));
              yield new ArcOutcome.Saving(new BeaconSaveStream(registers, image));
            }
            case STOP_TO_RESUMING -> new ArcOutcome.Loading(new BeaconLoadStream(stateBytes));
            case RESUMING_TO_STOP -> {
              registers.writeState(load.orElseThrow(BeaconDevice::noLoad).proveWhole());
              yield ArcOutcome.done();
            }
            default -> ArcOutcome.done();
          };
      registers.set(BeaconRegisters.STATE, arc.to().number());
      endStreams();
      keep(outcome);
      return outcome;
    } catch (MigrationException e) {
      throw e.withArc(arc)
          .withState(state())
          .withCondition(
              arc == Arc.RESUMING_TO_STOP ? DeviceCondition.NEEDS_RESET : DeviceCondition.USABLE);
    }
  }

  private static MigrationException noLoad() {
    return new MigrationException(DeviceError.SESSION_CLOSED, "another driver began this load");
  }

  private void keep(ArcOutcome outcome) {
    if (outcome instanceof ArcOutcome.Saving saving) {
      save = Optional.of(saving.stream()).map(BeaconSaveStream.class::cast);
    } else if (outcome instanceof ArcOutcome.Loading loading) {
      load = Optional.of(loading.stream()).map(BeaconLoadStream.class::cast);
    }
  }

  private void endStreams() {
    save.ifPresent(BeaconSaveStream::close);
    load.ifPresent(BeaconLoadStream::close);
    save = Optional.empty();
    load = Optional.empty();
  }

  @Override
  public void reset() throws MigrationException {
    host.reset();
    endStreams();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return Optional.empty();
  }

  @Override
  public void close() {
    endStreams();
  }
}
