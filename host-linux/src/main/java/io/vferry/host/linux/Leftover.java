package io.vferry.host.linux;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.state.DeviceState;

/**
 * What becomes of a device that is not RUNNING when it is opened, because its last user left it so:
 * parameter {@code leftover}.
 */
public enum Leftover {
  /** It is reset. */
  RESET,
  /** It stays as it is. */
  KEEP;

  /** Resets the device. */
  @FunctionalInterface
  public interface Reset {
    /** Does it. */
    void reset() throws MigrationException;
  }

  /**
   * Sees to a device that was just opened.
   *
   * @param device which one, for messages
   * @param remedy what helps if it cannot be reset, for messages
   * @throws MigrationException {@code OPEN_FAILED} if it should run after this and does not
   */
  public void settle(String device, HostMigration migration, Reset reset, String remedy)
      throws MigrationException {
    if (this == KEEP) {
      return;
    }
    DeviceState left = migration.state();
    if (left == DeviceState.RUNNING) {
      return;
    }
    String found = "%s was found in %s, left there by an earlier user".formatted(device, left);
    try {
      reset.reset();
    } catch (MigrationException e) {
      throw new MigrationException(
              DeviceError.OPEN_FAILED, "%s, and cannot be reset; %s".formatted(found, remedy), e)
          .withState(left);
    }
    DeviceState now = migration.state();
    if (now != DeviceState.RUNNING) {
      throw new MigrationException(
              DeviceError.OPEN_FAILED, found + ", and a reset did not make it run")
          .withState(now);
    }
  }
}
