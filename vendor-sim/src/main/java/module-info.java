/** A simulated device in the profiles of the known drivers, its driver, and a simulated VM. */
@org.jspecify.annotations.NullMarked
module io.vferry.vendor.sim {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires io.vferry.spi;
}
