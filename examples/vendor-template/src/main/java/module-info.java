/** The driver of the Beacon, and a model of it. */
module com.example.beacon {
  requires transitive io.vferry.spi;

  exports com.example.beacon;

  provides io.vferry.spi.driver.MigrationDriver with
      com.example.beacon.BeaconMigrationDriver;
  provides io.vferry.spi.model.DeviceModel with
      com.example.beacon.BeaconDeviceModel;
}
