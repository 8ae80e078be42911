package io.vferry.host.linux.user.client;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DeviceStateFeature;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.MigrationFlagsFeature;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Migration as a server offers it: the device features of the kernel, sent as messages. No data
 * file comes with a session; whether an arc opened one follows from the arc.
 */
final class ClientMigration implements HostMigration {

  private final String server;
  private final ClientChannel channel;
  private final Agreement agreement;

  /** What the server offers. */
  private final FeatureSet offered;

  /** What is used of it. */
  private final FeatureSet features;

  private final TransitionTable table;
  private volatile @Nullable ClientMigrationData session;

  private ClientMigration(
      String server,
      ClientChannel channel,
      Agreement agreement,
      FeatureSet offered,
      FeatureSet features) {
    this.server = server;
    this.channel = channel;
    this.agreement = agreement;
    this.offered = offered;
    this.features = features;
    this.table = TransitionTable.of(offered);
  }

  /**
   * Asks whether the server can migrate the device.
   *
   * @param keepPrecopyData whether what is read in pre-copy is a part of the stream; a device that
   *     repeats it in stop-copy is used without pre-copy
   * @return empty if it cannot
   */
  static Optional<ClientMigration> of(
      String server, ClientChannel channel, Agreement agreement, boolean keepPrecopyData)
      throws MigrationException {
    long flags;
    try {
      flags =
          channel.ask(
              question(VfioUapi.VFIO_DEVICE_FEATURE_MIGRATION, Long.BYTES),
              incoming ->
                  MigrationFlagsFeature.decode(FeatureMessage.decode(incoming.body()).data())
                      .flags());
    } catch (KernelError e) {
      return Optional.empty();
    }
    return FeatureSet.ofFlags(flags)
        .map(
            offered ->
                new ClientMigration(
                    server,
                    channel,
                    agreement,
                    offered,
                    FeatureSet.of(offered.p2p(), offered.preCopy() && keepPrecopyData)));
  }

  /** A question for a feature's data. */
  static Request question(int feature, int dataBytes) {
    return Request.of(
        Command.DEVICE_FEATURE,
        FeatureMessage.question(
            feature | FeatureMessage.GET, Payload.NONE, FeatureMessage.FIELDS_BYTES + dataBytes));
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() throws MigrationException {
    int number;
    try {
      number =
          channel.ask(
              question(VfioUapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, Long.BYTES),
              incoming ->
                  DeviceStateFeature.decode(FeatureMessage.decode(incoming.body()).data()).state());
    } catch (KernelError e) {
      throw e.as(
              DeviceError.IO_FAILED,
              "the state of the device at vfio-user server %s cannot be read".formatted(server))
          .withCondition(DeviceCondition.UNKNOWN);
    }
    return DeviceState.ofNumber(number)
        .orElseThrow(
            () ->
                new MigrationException(
                        DeviceError.IO_FAILED,
                        "the device at vfio-user server %s is in state %d, which this version does not know"
                            .formatted(server, number))
                    .withCondition(DeviceCondition.NEEDS_RESET));
  }

  @Override
  public Optional<MigrationData> setState(DeviceState target) throws MigrationException {
    DeviceState before = state();
    if (target == DeviceState.ERROR || !features.supports(target)) {
      throw new MigrationException(
              DeviceError.BAD_REQUEST,
              "the device at vfio-user server %s with %s cannot be told to go to %s"
                  .formatted(server, features, target))
          .withState(before)
          .withCondition(DeviceCondition.USABLE);
    }
    if (before == DeviceState.ERROR) {
      throw new MigrationException(
              DeviceError.ARC_FAILED,
              "the device at vfio-user server %s is in ERROR and cannot go to %s"
                  .formatted(server, target))
          .withState(before)
          .withCondition(DeviceCondition.NEEDS_RESET);
    }
    List<Arc> path =
        table.transition(before, target) instanceof Transition.Path found
            ? found.arcs()
            : List.of();
    tell(target);
    if (!path.isEmpty()) {
      settle(target);
    }
    return opened(path);
  }

  private void tell(DeviceState target) throws MigrationException {
    FeatureMessage set =
        FeatureMessage.of(
            VfioUapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE | FeatureMessage.SET,
            new DeviceStateFeature(target.number(), -1));
    try {
      channel.ask(Request.of(Command.DEVICE_FEATURE, set), ReplyReader.NOTHING);
    } catch (KernelError e) {
      throw failed(target, e);
    }
  }

  private MigrationException failed(DeviceState target, KernelError e) {
    MigrationException failure =
        e.as(
            DeviceError.ARC_FAILED,
            "the device at vfio-user server %s did not go to %s".formatted(server, target));
    try {
      DeviceState now = state();
      settle(now);
      return failure
          .withState(now)
          .withCondition(
              now == DeviceState.ERROR || now == DeviceState.RESUMING
                  ? DeviceCondition.NEEDS_RESET
                  : DeviceCondition.USABLE);
    } catch (MigrationException unknown) {
      failure.addSuppressed(unknown);
      return failure.withCondition(
          unknown.code() == DeviceError.DEVICE_LOST
              ? DeviceCondition.LOST
              : DeviceCondition.UNKNOWN);
    }
  }

  private Optional<MigrationData> opened(List<Arc> path) {
    if (path.isEmpty()) {
      return Optional.empty();
    }
    Arc last = path.get(path.size() - 1);
    if (!last.opensSaveStream() && !last.opensLoadStream()) {
      return Optional.empty();
    }
    ClientMigrationData data =
        new ClientMigrationData(server, channel, agreement, offered.preCopy(), last.to());
    session = data;
    return Optional.of(data);
  }

  /** Ends the session that does not go on in a state, or tells it where the device is. */
  private void settle(DeviceState now) {
    ClientMigrationData data = session;
    if (data != null && !data.goesOnIn(now)) {
      session = null;
    }
  }

  /**
   * Makes the device run, after a reset or before one, wherever it is. libvfio-user resets nothing
   * in STOP and STOP_COPY, and since May 2026 leaves the migration state as it is when it resets
   * ({@code lib/libvfio-user.c}).
   */
  void run() throws MigrationException {
    DeviceState now = state();
    if (now != DeviceState.RUNNING && now != DeviceState.ERROR) {
      tell(DeviceState.RUNNING);
    }
    settle(DeviceState.RUNNING);
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    try {
      return OptionalLong.of(
          channel.ask(
              question(VfioUapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, Long.BYTES),
              incoming -> {
                ByteBuffer data = FeatureMessage.decode(incoming.body()).data();
                return data.remaining() < Long.BYTES
                    ? Long.MAX_VALUE
                    : data.order(ByteOrder.nativeOrder()).getLong(data.position());
              }));
    } catch (KernelError e) {
      return switch (e.errno()) {
        case Errno.ENOTTY, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOSYS -> OptionalLong.empty();
        default ->
            throw e.as(
                DeviceError.IO_FAILED,
                "the size of a stop-copy at vfio-user server %s cannot be read".formatted(server));
      };
    }
  }

  /** Ends the session; the device is about to be closed. */
  void close() {
    ClientMigrationData data = session;
    if (data != null) {
      data.close();
    }
  }
}
