/** The driver of NVIDIA ConnectX and BlueField devices (mlx5), and a model of their firmware. */
@SuppressWarnings("module") // The name ends in a digit because that of the kernel driver does.
@org.jspecify.annotations.NullMarked
module io.vferry.vendor.mlx5 {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires transitive io.vferry.spi;

  exports io.vferry.vendor.mlx5;

  provides io.vferry.spi.driver.MigrationDriver with
      io.vferry.vendor.mlx5.Mlx5MigrationDriver;
  provides io.vferry.spi.model.DeviceModel with
      io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
}
