package io.vferry.runtime.engine;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.RoleDevice;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Attachment;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Side;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.GuardedHostDevice;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The virtual machine of one side with its devices: open, its memory and, where asked for, its
 * peers mapped for DMA, each device guarded and plugged.
 */
public final class OpenMachine implements AutoCloseable {

  /** The option under which a VM adaptor is told which devices talk to which: {@code a:b,b:a}. */
  public static final String PEERS_OPTION = "peers";

  /** A mapping covers at most this much, since a buffer cannot hold more than 2 GiB. */
  private static final long MAX_MAPPING_BYTES = 1L << 30;

  private final String name;
  private final VirtualMachine vm;
  private final List<OpenDevice> devices;

  private OpenMachine(String name, VirtualMachine vm, List<OpenDevice> devices) {
    this.name = name;
    this.vm = vm;
    this.devices = List.copyOf(devices);
  }

  /**
   * Opens the machine and plugs its devices.
   *
   * @param attached all of them attached; stay the caller's
   * @param mapPeers whether devices are mapped into the DMA space of their peers
   * @param listener is told of accesses that are not legal
   */
  public static OpenMachine open(
      Manifest manifest,
      Side side,
      Catalogue catalogue,
      AttachedDevices attached,
      boolean mapPeers,
      HostClock clock,
      AccessGuard.Listener listener)
      throws MigrationException {
    VirtualMachine vm = openVm(manifest, side, catalogue, mapPeers, clock);
    try {
      List<OpenDevice> devices = new ArrayList<>();
      for (Attachment attachment : attached.attachments()) {
        Attachment.Attached ready = (Attachment.Attached) attachment;
        devices.add(
            new OpenDevice(
                devices.size(),
                ready.id(),
                ready.address(),
                ready.chosen().driver().instance().info(),
                ready.host(),
                ready.device(),
                new AccessGuard(ready.id(), manifest.settings().accessPolicy(), listener)));
      }
      OpenMachine machine = new OpenMachine(manifest.vm().name(), vm, devices);
      machine.mapMemory();
      for (OpenDevice device : devices) {
        vm.plug(device.id(), withSoftware(guarded(device), catalogue));
      }
      if (mapPeers) {
        machine.mapPeers(manifest);
      }
      return machine;
    } catch (MigrationException | RuntimeException e) {
      try {
        vm.close();
      } catch (MigrationException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /** As a guest finds the driver of a device by its numbers, whichever process has the device. */
  private static HostDevice withSoftware(HostDevice device, Catalogue catalogue)
      throws MigrationException {
    if (device.capability(GuestSoftware.class).isPresent()) {
      return device;
    }
    Optional<GuestSoftware> software = catalogue.guestSoftware(device.info());
    return software.isPresent() ? new EquippedDevice(device, software.get()) : device;
  }

  private static HostDevice guarded(OpenDevice device) {
    return device
        .device()
        .capability(GuestRegions.class)
        .map(limits -> new GuardedHostDevice(device.host(), device.guard(), limits))
        .orElseGet(() -> new GuardedHostDevice(device.host(), device.guard()));
  }

  private static VirtualMachine openVm(
      Manifest manifest, Side side, Catalogue catalogue, boolean mapPeers, HostClock clock)
      throws MigrationException {
    Manifest.Vm vm = manifest.vm();
    if (vm.adaptor().equals(HeadlessMachine.ID)) {
      return new HeadlessMachine();
    }
    Map<String, String> options = new HashMap<>(vm.options());
    if (mapPeers) {
      String peers =
          manifest.devices().stream()
              .flatMap(device -> device.peers().stream().map(peer -> device.id() + ":" + peer))
              .collect(Collectors.joining(","));
      if (!peers.isEmpty()) {
        options.put(PEERS_OPTION, peers);
      }
    }
    return catalogue.openMachine(
        vm.adaptor(),
        new VmSpec(vm.name(), vm.memoryBytes(), side == Side.DESTINATION, options, clock));
  }

  private void mapMemory() throws MigrationException {
    for (OpenDevice device : devices) {
      for (MemoryRange range : vm.memory().layout()) {
        for (long at = 0; at < range.length(); at += MAX_MAPPING_BYTES) {
          long length = Math.min(MAX_MAPPING_BYTES, range.length() - at);
          long address = range.start() + at;
          device
              .host()
              .dma()
              .map(
                  address,
                  vm.memory().slice(new MemoryRange(address, length)),
                  DmaSpace.Direction.READ_WRITE);
        }
      }
    }
  }

  private void mapPeers(Manifest manifest) throws MigrationException {
    List<PlacedRegion> placed = vm.placedRegions();
    for (OpenDevice device : devices) {
      List<String> peers = manifest.devices().get(device.number()).peers();
      for (PlacedRegion region : placed) {
        for (OpenDevice peer : devices) {
          if (peer.id().equals(region.deviceId()) && peers.contains(peer.id())) {
            device
                .host()
                .dma()
                .mapPeer(
                    region.guestAddress(),
                    peer.host().region(region.regionIndex()),
                    new MemoryRange(0, region.lengthBytes()));
          }
        }
      }
    }
  }

  /** Returns the name of the virtual machine. */
  public String name() {
    return name;
  }

  /** Returns the virtual machine. */
  public VirtualMachine vm() {
    return vm;
  }

  /** Returns the devices, in manifest order. */
  public List<OpenDevice> devices() {
    return devices;
  }

  /** Returns what a role has to know of the devices. */
  public List<RoleDevice> roleDevices() {
    return devices.stream()
        .map(device -> new RoleDevice(device.id(), device.device().features()))
        .toList();
  }

  /** Returns what a source offers. Asks devices that can describe themselves. */
  public Message.Offer offer() throws MigrationException {
    List<Message.OfferedDevice> offered = new ArrayList<>();
    for (OpenDevice device : devices) {
      Optional<Compatibility> compatibility = device.device().capability(Compatibility.class);
      offered.add(
          new Message.OfferedDevice(
              device.id(),
              device.driver().id(),
              device.driver().version(),
              device.device().features(),
              compatibility.isPresent() ? compatibility.get().describe() : Map.of()));
    }
    return new Message.Offer(name, vm.memory().pageSizeBytes(), vm.memory().layout(), offered);
  }

  /** Ends the virtual machine; the devices stay the caller's. */
  @Override
  public void close() throws MigrationException {
    vm.close();
  }
}
