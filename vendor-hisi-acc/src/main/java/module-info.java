/**
 * HiSilicon accelerators (SEC2, HPRE, ZIP): the driver that migrates their virtual functions, and a
 * model of the hardware to try it on.
 */
@org.jspecify.annotations.NullMarked
module io.vferry.vendor.hisiacc {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires transitive io.vferry.spi;

  exports io.vferry.vendor.hisiacc;
  exports io.vferry.vendor.hisiacc.model;

  provides io.vferry.spi.driver.MigrationDriver with
      io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
  provides io.vferry.spi.model.DeviceModel with
      io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
}
