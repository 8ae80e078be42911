package io.vferry.runtime.migration;

import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import java.util.Optional;

/**
 * A failure as it is told between the parts and the sides of a migration.
 *
 * @param code label of the error code, as {@code VF-1001}
 * @param device id of the device to blame; empty if none is
 * @param text the whole sentence for people, with the advice
 * @param state the state the device is in, where known
 * @param condition what can still be done with the device
 */
public record Problem(
    String code,
    Optional<String> device,
    String text,
    Optional<DeviceState> state,
    DeviceCondition condition) {

  /** Tells a failure that no device is to blame for. */
  public static Problem of(ErrorCode code, String detail) {
    return of(new MigrationException(code, detail));
  }

  /** Tells an exception. */
  public static Problem of(MigrationException failure) {
    return new Problem(
        failure.code().label(),
        Optional.empty(),
        failure.getMessage(),
        failure.state(),
        failure.condition());
  }

  /** Tells an exception of a device. */
  public static Problem of(String device, MigrationException failure) {
    return new Problem(
        failure.code().label(),
        Optional.of(device),
        failure.getMessage(),
        failure.state(),
        failure.condition());
  }
}
