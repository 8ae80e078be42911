/**
 * The Linux host: kernel VFIO through JNA ({@code vfio:} addresses), devices that other processes
 * serve ({@code vfio-user:}), and the vendor-neutral driver {@code vfio} for whatever a host can
 * migrate by itself. Exports nothing: both are services.
 */
@org.jspecify.annotations.NullMarked
module io.vferry.host.linux {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires com.fasterxml.jackson.core;
  requires com.sun.jna;
  requires transitive io.vferry.spi;

  exports io.vferry.host.linux.user.server;

  provides io.vferry.spi.driver.MigrationDriver with
      io.vferry.host.linux.driver.VfioMigrationDriver;
  provides io.vferry.spi.host.HostBackend with
      io.vferry.host.linux.VfioBackend,
      io.vferry.host.linux.user.client.VfioUserBackend;
}
