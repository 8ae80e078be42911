package io.vferry.compat.v1;

import io.vferry.spi.host.HostClock;

/**
 * How a {@link V1DeviceAdapter} treats its driver.
 *
 * @param driverId who can load what it saves
 * @param stopping what its devices understand by "not running"
 * @param loading when they make what was loaded their state; a device that takes what others send
 *     while it does not run cannot wait with it until it starts
 * @param maySaveNothing whether a save without a byte is right
 * @param checksummed whether what its devices save proves by itself that no bit of it changed; if
 *     not, the stream's checksum covers it
 * @param splitChunks whether a chunk larger than this device's window is loaded in pieces, as QEMU
 *     5.2 to 7.2 did. v1 forbids it, and only the driver's author knows whether it works; without
 *     it such a chunk is refused
 * @param waitNanos how long one access to the driver may take, and how long a stopped device may go
 *     without giving a byte; at least 1. The thread in an access that takes longer is interrupted
 * @param maxStopCopyBytes how much a stopped device may give, at least 1; a driver that never ends
 *     is given up then
 * @param clock measures the waits
 */
public record V1AdapterSettings(
    String driverId,
    V1Stopping stopping,
    V1Loading loading,
    boolean maySaveNothing,
    boolean checksummed,
    boolean splitChunks,
    long waitNanos,
    long maxStopCopyBytes,
    HostClock clock) {

  private static final long USUAL_WAIT_NANOS = 30_000_000_000L;
  private static final long USUAL_STOP_COPY_BYTES = 1L << 40;

  /**
   * Creates settings.
   *
   * @throws IllegalArgumentException if something is not as said above
   */
  public V1AdapterSettings {
    if (stopping == V1Stopping.QUIESCENT_POINT && loading == V1Loading.AT_START) {
      throw new IllegalArgumentException(
          "a device with a quiescent point takes what its peers send before it starts, and its v1"
              + " driver loads its state only then");
    }
    if (waitNanos < 1 || maxStopCopyBytes < 1) {
      throw new IllegalArgumentException(
          "a wait of %d ns and a stop-copy of at most %d bytes; both are at least 1"
              .formatted(waitNanos, maxStopCopyBytes));
    }
  }

  /**
   * Returns the usual settings for a driver: 30 s, 1 TiB, no splitting.
   *
   * @param clock that of the device
   */
  public static V1AdapterSettings of(V1Driver driver, HostClock clock) {
    return new V1AdapterSettings(
        driver.info().id(),
        driver.stopping(),
        driver.loading(),
        driver.maySaveNothing(),
        driver.checksummed(),
        false,
        USUAL_WAIT_NANOS,
        USUAL_STOP_COPY_BYTES,
        clock);
  }
}
