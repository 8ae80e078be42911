package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;

/** A physical function that all its virtual ones share, through all its resets. Any thread. */
public final class PhysicalFunction {

  private final HostDevice device;
  private final DmaArena arena;
  private FunctionSession session;

  private PhysicalFunction(HostDevice device, DmaArena arena, FunctionSession session) {
    this.device = device;
    this.arena = arena;
    this.session = session;
  }

  /**
   * Starts a physical function.
   *
   * @throws MigrationException {@code NOT_MIGRATABLE} if it does not start
   */
  public static PhysicalFunction start(HostDevice device) throws MigrationException {
    DmaArena arena = new DmaArena(device.dma());
    return new PhysicalFunction(
        device, arena, startSession(device, arena, DeviceError.NOT_MIGRATABLE));
  }

  private static FunctionSession startSession(
      HostDevice device, DmaArena arena, DeviceError otherwise) throws MigrationException {
    try {
      return FunctionSession.start(device, arena);
    } catch (CommandException e) {
      throw e.toMigration("physical function " + device.info().address(), otherwise);
    }
  }

  /** Returns the present session, alive or not. */
  public synchronized FunctionSession session() {
    return session;
  }

  /**
   * Returns a session that is alive: the present one, or a new one. A function that was not reset
   * by somebody else, but cannot be spoken to, is reset first, with all its virtual functions.
   *
   * @throws MigrationException {@code DEVICE_LOST} or {@code RESET_FAILED} if the function does not
   *     start again
   */
  public synchronized FunctionSession revive() throws MigrationException {
    try {
      session.queue().check();
    } catch (CommandException e) {
      try {
        if (!session.wasReset()) {
          device.reset();
        }
      } finally {
        session.abandon();
      }
      session = startSession(device, arena, DeviceError.DEVICE_LOST);
    }
    return session;
  }

  /**
   * Ends the use of the function.
   *
   * @throws MigrationException {@code IO_FAILED}; all memory is unmapped all the same
   */
  public synchronized void close() throws MigrationException {
    session.close();
  }
}
