/**
 * What a vendor implements to make a device migratable, and what it may use to reach the hardware.
 *
 * <p>Start at {@link io.vferry.spi.driver.MigrationDriver}. The module needs nothing but the JDK
 * and never will, so that a driver jar cannot clash with a host library.
 */
@org.jspecify.annotations.NullMarked
module io.vferry.spi {
  requires static org.jspecify;

  exports io.vferry.spi.access;
  exports io.vferry.spi.driver;
  exports io.vferry.spi.error;
  exports io.vferry.spi.host;
  exports io.vferry.spi.memory;
  exports io.vferry.spi.model;
  exports io.vferry.spi.state;
  exports io.vferry.spi.vm;
}
