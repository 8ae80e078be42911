package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.Feature;
import io.vferry.host.linux.VfioUapi.FeatureMigDataSize;
import io.vferry.host.linux.VfioUapi.FeatureMigState;
import io.vferry.host.linux.VfioUapi.FeatureMigration;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Migration as the kernel offers it: {@code VFIO_DEVICE_FEATURE_MIGRATION} and its companions,
 * Linux 6.12, {@code include/uapi/linux/vfio.h}.
 *
 * <p>After a failed change of state the kernel's answer says nothing about the device, so its state
 * is asked for again. A device in ERROR is never told to go anywhere: the kernel would warn about
 * its user. Safe for several threads, which the kernel lets wait for each other.
 */
final class KernelMigration implements HostMigration {

  /** How often a change of state that signals interrupt is taken up again. */
  private static final int INTERRUPTIONS = 16;

  private final String device;
  private final DeviceFd fd;
  private final FeatureSet features;
  private final boolean tellsReinit;

  /** The data of the last session, to be closed with the device. */
  private volatile Optional<KernelMigrationData> session = Optional.empty();

  private KernelMigration(String device, DeviceFd fd, FeatureSet features, boolean tellsReinit) {
    this.device = device;
    this.fd = fd;
    this.features = features;
    this.tellsReinit = tellsReinit;
  }

  /**
   * Asks whether the kernel can migrate a device.
   *
   * @return empty if it cannot
   */
  static Optional<KernelMigration> of(String device, DeviceFd fd) {
    Argument ask =
        DeviceFd.feature(
            VfioUapi.VFIO_DEVICE_FEATURE_MIGRATION,
            VfioUapi.VFIO_DEVICE_FEATURE_GET,
            FeatureMigration.SIZEOF);
    if (fd.execute(ask) < 0) {
      return Optional.empty();
    }
    return FeatureSet.ofFlags(ask.getLong(Feature.DATA + FeatureMigration.FLAGS))
        .map(features -> new KernelMigration(device, fd, features, optIntoReinit(fd, features)));
  }

  /** Lets a kernel that can do so tell when initial data were begun anew; lasts until close. */
  private static boolean optIntoReinit(DeviceFd fd, FeatureSet features) {
    int feature = VfioUapi.VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2;
    return features.preCopy()
        && fd.probe(feature, VfioUapi.VFIO_DEVICE_FEATURE_SET)
        && fd.execute(DeviceFd.feature(feature, VfioUapi.VFIO_DEVICE_FEATURE_SET, 0)) >= 0;
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() throws MigrationException {
    Argument ask = stateArgument(VfioUapi.VFIO_DEVICE_FEATURE_GET);
    int result = fd.execute(ask);
    if (result < 0) {
      throw new KernelError("get device state", -result)
          .as(
              -result == Errno.ENODEV ? DeviceError.DEVICE_LOST : DeviceError.IO_FAILED,
              "the state of device %s cannot be read".formatted(device))
          .withCondition(DeviceCondition.UNKNOWN);
    }
    int number = ask.getInt(Feature.DATA + FeatureMigState.DEVICE_STATE);
    return DeviceState.ofNumber(number)
        .orElseThrow(
            () ->
                new MigrationException(
                        DeviceError.IO_FAILED,
                        "device %s is in state %d, which this version does not know"
                            .formatted(device, number))
                    .withCondition(DeviceCondition.NEEDS_RESET));
  }

  @Override
  public Optional<MigrationData> setState(DeviceState target) throws MigrationException {
    if (target == DeviceState.ERROR || !features.supports(target)) {
      throw new MigrationException(
              DeviceError.BAD_REQUEST,
              "device %s with %s cannot be told to go to %s".formatted(device, features, target))
          .withState(state())
          .withCondition(DeviceCondition.USABLE);
    }
    for (int attempt = 1; ; attempt++) {
      DeviceState before = state();
      if (before == DeviceState.ERROR) {
        throw new MigrationException(
                DeviceError.ARC_FAILED,
                "device %s is in ERROR and cannot go to %s".formatted(device, target))
            .withState(before)
            .withCondition(DeviceCondition.NEEDS_RESET);
      }
      Argument set =
          stateArgument(VfioUapi.VFIO_DEVICE_FEATURE_SET)
              .putInt(Feature.DATA + FeatureMigState.DEVICE_STATE, target.number())
              .putInt(Feature.DATA + FeatureMigState.DATA_FD, -1);
      int result = fd.executeOnce(set);
      if (result >= 0) {
        return session(set.getInt(Feature.DATA + FeatureMigState.DATA_FD));
      }
      // A signal may have ended it half way. Where it is now decides what is left to do.
      if (result != -Errno.EINTR || attempt == INTERRUPTIONS || state() == target) {
        throw failed(target, -result);
      }
    }
  }

  private Optional<MigrationData> session(int number) {
    if (number < 0) {
      return Optional.empty();
    }
    MigrationFd data = new MigrationFd(number);
    try {
      KernelMigrationData opened = new KernelMigrationData(device, data, tellsReinit);
      session = Optional.of(opened);
      return Optional.of(opened);
    } catch (KernelError e) {
      // Without a way to wake its reader the stream is of no use; whoever asked finds none.
      data.close();
      return Optional.empty();
    }
  }

  private MigrationException failed(DeviceState target, int errno) {
    MigrationException failure =
        new KernelError("set device state", errno)
            .as(DeviceError.ARC_FAILED, "device %s did not go to %s".formatted(device, target));
    try {
      DeviceState now = state();
      return failure.withState(now).withCondition(condition(now));
    } catch (MigrationException e) {
      failure.addSuppressed(e);
      return failure.withCondition(DeviceCondition.UNKNOWN);
    }
  }

  /**
   * Every way out of RESUMING begins with the proof that just failed; only a reset goes round it.
   */
  private static DeviceCondition condition(DeviceState now) {
    return now == DeviceState.ERROR || now == DeviceState.RESUMING
        ? DeviceCondition.NEEDS_RESET
        : DeviceCondition.USABLE;
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    Argument ask =
        DeviceFd.feature(
            VfioUapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
            VfioUapi.VFIO_DEVICE_FEATURE_GET,
            FeatureMigDataSize.SIZEOF);
    int result = fd.execute(ask);
    if (result >= 0) {
      return OptionalLong.of(ask.getLong(Feature.DATA + FeatureMigDataSize.STOP_COPY_LENGTH));
    }
    return switch (-result) {
      case Errno.ENOTTY, Errno.EINVAL, Errno.EOPNOTSUPP -> OptionalLong.empty();
      default ->
          throw new KernelError("get migration data size", -result)
              .as(
                  DeviceError.IO_FAILED,
                  "the size of a stop-copy of device %s cannot be read".formatted(device));
    };
  }

  /** Ends the data of the last session; the device is about to be closed. */
  void close() {
    session.ifPresent(KernelMigrationData::close);
  }

  private static Argument stateArgument(int direction) {
    return DeviceFd.feature(
        VfioUapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, direction, FeatureMigState.SIZEOF);
  }
}
