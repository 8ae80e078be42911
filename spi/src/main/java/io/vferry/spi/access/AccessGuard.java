package io.vferry.spi.access;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;

/**
 * Decides on accesses to one device. Whoever moves the device tells the guard; whoever touches it
 * asks. Safe for use by any number of threads.
 */
public final class AccessGuard {

  /** Is told of accesses that the table forbids, in the modes ENFORCE and WARN. */
  @FunctionalInterface
  public interface Listener {
    /** Called on the thread of the access; must not block. */
    void forbidden(String deviceId, Access access, DeviceState state);
  }

  /** While an arc is under way only what is legal at both ends is legal. */
  private record Position(DeviceState from, DeviceState to) {}

  private final String deviceId;
  private final AccessPolicy.Mode mode;
  private final Listener listener;
  private volatile Position position = new Position(DeviceState.RUNNING, DeviceState.RUNNING);

  /**
   * Creates a guard for a device in RUNNING.
   *
   * @param deviceId its name in the manifest, for messages
   */
  public AccessGuard(String deviceId, AccessPolicy.Mode mode, Listener listener) {
    this.deviceId = deviceId;
    this.mode = mode;
    this.listener = listener;
  }

  /** Says that an arc begins. */
  public void moving(Arc arc) {
    position = new Position(arc.from(), arc.to());
  }

  /** Says in which state the device is. */
  public void at(DeviceState state) {
    position = new Position(state, state);
  }

  /**
   * Asks for an access.
   *
   * @throws MigrationException {@code ACCESS_DENIED} in mode ENFORCE if the table says NO
   */
  public void check(Access access) throws MigrationException {
    if (mode == AccessPolicy.Mode.OFF) {
      return;
    }
    Position now = position;
    DeviceState forbidding;
    if (AccessPolicy.permission(access, now.from) == Permission.NO) {
      forbidding = now.from;
    } else if (AccessPolicy.permission(access, now.to) == Permission.NO) {
      forbidding = now.to;
    } else {
      return;
    }
    listener.forbidden(deviceId, access, forbidding);
    if (mode == AccessPolicy.Mode.ENFORCE) {
      throw new MigrationException(
              DeviceError.ACCESS_DENIED,
              "%s of device %s is not legal in %s".formatted(access.title(), deviceId, forbidding))
          .withState(forbidding);
    }
  }
}
