package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmAdaptor;
import io.vferry.spi.vm.VmSpec;

/** An adaptor to virtual machines behind a fence. */
final class FencedAdaptor implements VmAdaptor {

  private final Fence fence;
  private final VmAdaptor adaptor;
  private final String id;

  FencedAdaptor(Fence fence, VmAdaptor adaptor, String id) {
    this.fence = fence;
    this.adaptor = adaptor;
    this.id = id;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public VirtualMachine open(VmSpec spec) throws MigrationException {
    VirtualMachine machine = fence.call("open", () -> adaptor.open(spec));
    try {
      return new FencedVirtualMachine(fence, machine);
    } catch (MigrationException broken) {
      fence.runQuietly("close", machine::close);
      throw broken;
    }
  }
}
