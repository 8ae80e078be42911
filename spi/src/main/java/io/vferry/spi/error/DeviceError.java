package io.vferry.spi.error;

/** The failures that a driver or a host backend reports. */
public enum DeviceError implements ErrorCode {
  /** The device refused or could not finish an arc. */
  ARC_FAILED(1001, "Reset the device if it is not usable, then try again."),
  /** The device does not serve this arc, because it lacks the feature. */
  ARC_UNSUPPORTED(1002, "Plan with the features that the device reports."),
  /** The device is not in the state in which the arc starts. */
  WRONG_STATE(1003, "Read the state again; somebody else may have moved or reset the device."),
  /** The data to load are truncated, repeated, out of order or damaged. */
  DATA_CORRUPT(
      1004, "Reset the destination device and migrate again; the source still has the data."),
  /** The data to load belong to a device or format this one cannot take. */
  DATA_INCOMPATIBLE(
      1005, "Choose a destination with the same device, firmware and driver version."),
  /** More data were offered than the device can take. */
  DATA_TOO_LONG(1006, "Reset the destination device and migrate again."),
  /** The stream belongs to a session that has ended. */
  SESSION_CLOSED(1007, "Open a new session by performing the arc again."),
  /** A read or write of device registers, memory or migration data failed. */
  IO_FAILED(1008, "Look into the kernel log of this host."),
  /** The access is not legal in the device's present state. */
  ACCESS_DENIED(
      1009, "Wait until the device is in a state that allows it; the manual has the table."),
  /** The device did not do what it was told in time. */
  TIMEOUT(1010, "Reset the device; report it to its vendor if it happens again."),
  /** The device is gone or no longer answers. */
  DEVICE_LOST(1011, "Reset the device or replace it; the guest cannot use it."),
  /** The device cannot be reset. */
  RESET_FAILED(1012, "Close and open the device again, or restart the host."),
  /** There is no such device, or it cannot be opened. */
  OPEN_FAILED(
      1013,
      "Check the address, and that the device is there: bound to a VFIO driver, or with its server."),
  /** The device is there but cannot be migrated as it is. */
  NOT_MIGRATABLE(1014, "Bind the device to the kernel driver that offers migration."),
  /** The request is malformed: an address, a range, an option. */
  BAD_REQUEST(1015, "Correct the request as the message says."),
  /** Memory, handles or another resource ran out. */
  OUT_OF_RESOURCES(1016, "Free resources on this host or raise the limit that the message names."),
  /** DMA logging failed; all memory counts as dirty. */
  DMA_LOG_FAILED(1017, "Do nothing: all memory is sent again, so nothing is lost."),
  /** The driver broke the rules of this interface. */
  DRIVER_BROKEN(1018, "Report it to the vendor of the driver with the message and the cause."),
  /** The operation was interrupted before it was done. */
  INTERRUPTED(1019, "Read the device's state, then try again.");

  private final int number;
  private final String advice;

  DeviceError(int number, String advice) {
    this.number = number;
    this.advice = advice;
  }

  @Override
  public int number() {
    return number;
  }

  @Override
  public String advice() {
    return advice;
  }
}
