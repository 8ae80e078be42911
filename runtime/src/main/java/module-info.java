/** Finds drivers, plans migrations of many devices and runs them. */
@org.jspecify.annotations.NullMarked
module io.vferry.runtime {
  requires static org.jspecify;
  requires static com.google.auto.service;
  requires com.google.common;
  requires com.google.guice;
  requires jakarta.inject;
  requires transitive io.vferry.spi;

  exports io.vferry.runtime;
  exports io.vferry.runtime.discovery;
  exports io.vferry.runtime.engine;
  exports io.vferry.runtime.error;
  exports io.vferry.runtime.journal;
  exports io.vferry.runtime.migration;
  exports io.vferry.runtime.plan;
  exports io.vferry.runtime.report;
  exports io.vferry.runtime.transport;

  uses io.vferry.spi.driver.MigrationDriver;
  uses io.vferry.spi.host.HostBackend;
  uses io.vferry.spi.model.DeviceModel;
  uses io.vferry.spi.vm.VmAdaptor;
}
