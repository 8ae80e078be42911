/** The Linux host: kernel VFIO through JNA, and the vendor-neutral driver for it. */
@org.jspecify.annotations.NullMarked
module io.vferry.host.linux {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires com.sun.jna;
  requires io.vferry.spi;
}
