package io.vferry.runtime.plan;

import java.util.List;
import java.util.Optional;

/**
 * How a virtual machine's devices will be moved, or what is in the way. A plan is data; nothing was
 * moved to make it.
 *
 * @param vm name of the virtual machine
 * @param devices in manifest order
 * @param p2p what is done about devices that do DMA to each other
 * @param destinationKnown whether the destination's devices were looked at
 * @param blockers what is in the way; empty if the migration can begin
 */
public record Plan(
    String vm,
    List<PlannedDevice> devices,
    P2pPlan p2p,
    boolean destinationKnown,
    List<Blocker> blockers) {

  public Plan {
    devices = List.copyOf(devices);
    blockers = List.copyOf(blockers);
  }

  /** Whether the migration can begin. */
  public boolean possible() {
    return blockers.isEmpty();
  }

  /** Returns what is planned for a device. */
  public Optional<PlannedDevice> device(String id) {
    return devices.stream().filter(device -> device.id().equals(id)).findFirst();
  }
}
