package io.vferry.runtime.plan;

import io.vferry.spi.host.DeviceAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What an integrator writes down about a virtual machine that is to be moved. The same manifest can
 * serve both sides.
 *
 * @param vm the virtual machine
 * @param devices its devices, in the order in which they are plugged; unique ids
 * @param settings how to move
 */
public record Manifest(Vm vm, List<Device> devices, Settings settings) {

  public Manifest {
    devices = List.copyOf(devices);
    Set<String> ids = new HashSet<>();
    for (Device device : devices) {
      if (!ids.add(device.id())) {
        throw new IllegalArgumentException("device '" + device.id() + "' is there twice");
      }
    }
  }

  /**
   * The virtual machine.
   *
   * @param name for messages
   * @param adaptor the id of the VM adaptor; {@code none} moves devices without a machine
   * @param memoryBytes guest memory; 0 if the adaptor knows
   * @param options for the adaptor
   */
  public record Vm(String name, String adaptor, long memoryBytes, Map<String, String> options) {
    public Vm {
      options = Map.copyOf(options);
    }
  }

  /**
   * One device.
   *
   * @param id names it on both sides and in messages
   * @param host where it is on the source
   * @param destination where it is on the destination; the same address if empty
   * @param driver the driver to use; the best match if empty
   * @param peers ids of devices to which it does DMA peer to peer
   */
  public record Device(
      String id,
      DeviceAddress host,
      Optional<DeviceAddress> destination,
      Optional<String> driver,
      List<String> peers) {

    public Device {
      if (!id.matches("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")) {
        throw new IllegalArgumentException(
            "'" + id + "' is no device id: up to 64 letters, digits, '_', '.' and '-'");
      }
      peers = List.copyOf(peers);
    }

    /** Returns where the device is on the given side. */
    public DeviceAddress address(boolean onDestination) {
      return onDestination ? destination.orElse(host) : host;
    }
  }
}
