/**
 * The migration interface of Linux 5.8 (v1) on today's (v2), both ways round.
 *
 * <p>{@link io.vferry.compat.v1.V1MigrationRegion} lets a client of the v1 region drive a v2
 * device; {@link io.vferry.compat.v1.V1DeviceAdapter} lets a driver written for v1 serve v2 users.
 */
@org.jspecify.annotations.NullMarked
@SuppressWarnings("module") // The digit is the name of the interface, no version of the module.
module io.vferry.compat.v1 {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires transitive io.vferry.spi;

  exports io.vferry.compat.v1;

  uses io.vferry.compat.v1.V1Driver;

  provides io.vferry.spi.driver.MigrationDriver with
      io.vferry.compat.v1.V1MigrationDriver;
}
