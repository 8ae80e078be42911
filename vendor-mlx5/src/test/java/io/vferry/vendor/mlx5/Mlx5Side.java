package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import io.vferry.vendor.mlx5.model.Mlx5Bench;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import io.vferry.vendor.mlx5.model.Mlx5TestClock;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A function of a modelled card with its driver, as one side of a migration has it. */
final class Mlx5Side implements AutoCloseable {

  final HostDevice host;
  final Mlx5Bench bench;
  final MigratableDevice device;
  final Mlx5TestClock clock;
  final int vf;
  private @Nullable SaveStream saving;
  private @Nullable LoadStream loading;

  private Mlx5Side(HostDevice host, Mlx5TestClock clock, int vf) throws MigrationException {
    this.host = host;
    this.clock = clock;
    this.vf = vf;
    this.bench = host.capability(Mlx5Bench.class).orElseThrow();
    this.device = new Mlx5MigrationDriver().attach(host);
  }

  /** Opens function 0 of a card of its own. */
  static Mlx5Side open(String parameters) throws MigrationException {
    return open(parameters, new Mlx5TestClock(), new SharedParts(), 0);
  }

  /** Opens a function of a card that others may share. */
  static Mlx5Side open(String parameters, Mlx5TestClock clock, SharedParts shared, int vf)
      throws MigrationException {
    String address =
        "sim:mlx5-vf?pf=card&vf=%d%s".formatted(vf, parameters.isEmpty() ? "" : "&" + parameters);
    HostDevice host =
        new Mlx5DeviceModel()
            .create(DeviceAddress.parse(address), new OpenContext("vf" + vf, clock, shared));
    try {
      return new Mlx5Side(host, clock, vf);
    } catch (MigrationException e) {
      host.close();
      throw e;
    }
  }

  /** Moves over as many arcs as it takes. */
  Mlx5Side to(DeviceState target) throws MigrationException {
    Transition path =
        TransitionTable.of(FeatureSet.STOP_COPY_P2P_PRE_COPY).transition(device.state(), target);
    for (Arc arc : ((Transition.Path) path).arcs()) {
      perform(arc);
    }
    return this;
  }

  void perform(Arc arc) throws MigrationException {
    ArcOutcome outcome = device.perform(arc);
    if (outcome instanceof ArcOutcome.Saving opened) {
      saving = opened.stream();
    } else if (outcome instanceof ArcOutcome.Loading opened) {
      loading = opened.stream();
    }
  }

  SaveStream out() {
    return java.util.Objects.requireNonNull(saving);
  }

  LoadStream in() {
    return java.util.Objects.requireNonNull(loading);
  }

  PrecopyProgress.Remaining remaining() throws MigrationException {
    return device.capability(PrecopyProgress.class).orElseThrow().remaining();
  }

  /** Reads until there is nothing now, or nothing any more. */
  byte[] readAll() throws MigrationException {
    return readAll(1 << 20);
  }

  byte[] readAll(int atOnce) throws MigrationException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocateDirect(atOnce);
    while (out().read(buffer.clear()) == SaveStream.Status.DATA) {
      byte[] piece = new byte[buffer.position()];
      buffer.get(0, piece);
      all.writeBytes(piece);
    }
    return all.toByteArray();
  }

  /** Loads a stream and starts the device. */
  void load(byte[] stream) throws MigrationException {
    to(DeviceState.RESUMING);
    in().write(ByteBuffer.wrap(stream));
    in().close();
    to(DeviceState.STOP);
  }

  List<String> commands() {
    return bench.commands().stream().map(Mlx5Bench.Command::toString).toList();
  }

  long fingerprint() {
    return bench.fingerprint(vf);
  }

  @Override
  public void close() throws MigrationException {
    try {
      device.close();
    } finally {
      host.close();
    }
  }
}
