/** A simulated device in the profiles of the known drivers, its driver, and a simulated VM. */
@org.jspecify.annotations.NullMarked
module io.vferry.vendor.sim {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires transitive io.vferry.spi;

  exports io.vferry.vendor.sim;

  provides io.vferry.spi.driver.MigrationDriver with
      io.vferry.vendor.sim.SimMigrationDriver;
  provides io.vferry.spi.model.DeviceModel with
      io.vferry.vendor.sim.SimDeviceModel;
  provides io.vferry.spi.vm.VmAdaptor with
      io.vferry.vendor.sim.SimVmAdaptor;
}
