package io.vferry.spi.driver;

/**
 * Says who a driver is.
 *
 * @param id unique among drivers, kebab case, for example {@code mlx5}
 * @param vendor for people, one line
 * @param version of the driver, for people and for comparison between source and destination
 */
public record DriverInfo(String id, String vendor, String version) {

  /**
   * Creates the card of a driver.
   *
   * @throws IllegalArgumentException if the id is not in kebab case
   */
  public DriverInfo {
    if (!id.matches("[a-z][a-z0-9]*(-[a-z0-9]+)*")) {
      throw new IllegalArgumentException("'" + id + "' is no driver id in kebab case");
    }
  }
}
