package io.vferry.compat.v1;

/**
 * When a v1 driver makes the loaded data the device's state. The text of v1 names one way out of
 * resuming, to running; drivers of 2021 differ in what they do on the others.
 */
public enum V1Loading {
  /**
   * Only in the change from resuming to running, as the HiSilicon posting of September 2021. On the
   * way over STOP it would silently start without its data, so the device is left in resuming, in
   * which it is stopped as well, and shows STOP until it starts. Whether its data are good is known
   * only then, which is late: the guest has moved.
   */
  AT_START,
  /**
   * In each change that clears RESUMING, as the mlx5 postings of October 2021. Bad data are found
   * before the guest has moved.
   */
  WHEN_LEFT
}
