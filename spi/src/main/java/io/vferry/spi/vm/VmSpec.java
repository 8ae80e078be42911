package io.vferry.spi.vm;

import io.vferry.spi.host.HostClock;
import java.util.Map;

/**
 * Which virtual machine is meant.
 *
 * @param name of the virtual machine
 * @param memoryBytes size of the guest's memory, 0 or more; 0 if the adaptor knows it by itself
 * @param incoming whether it waits for a migration; if not, it is the source
 * @param options what else the manifest says, for the adaptor, by name in kebab case
 * @param clock the time in which a simulated machine lives; a real one ignores it
 */
public record VmSpec(
    String name, long memoryBytes, boolean incoming, Map<String, String> options, HostClock clock) {

  /** Creates a specification; the options are copied. */
  public VmSpec {
    options = Map.copyOf(options);
  }
}
