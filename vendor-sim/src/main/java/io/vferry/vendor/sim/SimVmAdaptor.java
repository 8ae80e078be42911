package io.vferry.vendor.sim;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmAdaptor;
import io.vferry.spi.vm.VmSpec;

/**
 * Simulated virtual machines, whose vCPUs write numbered pages all the time and drive the simulated
 * devices that are plugged.
 *
 * <p>Options: {@code vcpus} (1 to 64), {@code dirty-rate} (bytes per second of all vCPUs together),
 * {@code working-set} (how much memory the vCPUs write), {@code seed}, {@code tick}, {@code peers}
 * (who sends to whom, {@code nic0:nic1,nic1:nic0}), {@code page-requests} (how many the devices
 * keep open while the vCPUs run), {@code page-requests-stuck}.
 */
@AutoService(VmAdaptor.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class SimVmAdaptor implements VmAdaptor {

  /** Creates the adaptor; for {@link java.util.ServiceLoader}. */
  public SimVmAdaptor() {}

  @Override
  public String id() {
    return "sim";
  }

  @Override
  public VirtualMachine open(VmSpec spec) throws MigrationException {
    return new SimVirtualMachine(spec, SimVmSettings.read(spec));
  }
}
