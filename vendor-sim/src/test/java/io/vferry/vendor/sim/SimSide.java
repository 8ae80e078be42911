package io.vferry.vendor.sim;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.access.GuardedHostDevice;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A host in a test: a virtual machine with simulated devices nic0, nic1..., driven by hand. */
final class SimSide {

  static final long MEMORY_BYTES = 8 << 20;

  /** A device with all that hangs on it. */
  record Device(String id, SimHostDevice host, MigratableDevice driven, AccessGuard guard) {

    DeviceState state() throws MigrationException {
      return driven.state();
    }

    /** Walks the path to a state; returns what the last arc gave. */
    ArcOutcome to(DeviceState target) throws MigrationException {
      ArcOutcome outcome = ArcOutcome.done();
      Transition transition =
          TransitionTable.of(driven.features()).transition(driven.state(), target);
      if (transition instanceof Transition.Path path) {
        for (Arc arc : path.arcs()) {
          outcome = perform(arc);
        }
        return outcome;
      }
      throw new AssertionError(((Transition.Refused) transition).reason());
    }

    ArcOutcome perform(Arc arc) throws MigrationException {
      guard.moving(arc);
      try {
        return driven.perform(arc);
      } finally {
        guard.at(driven.state());
      }
    }

    SimDeviceTruth truth() throws MigrationException {
      return SimDeviceTruth.of(host);
    }
  }

  final SimClock clock;
  final VirtualMachine vm;
  final Map<String, Device> devices = new LinkedHashMap<>();
  private final List<String> forbidden = new ArrayList<>();

  SimSide(SimClock clock, boolean incoming, String peers, List<String> addresses)
      throws MigrationException {
    this(clock, incoming, Map.of("peers", peers), addresses);
  }

  SimSide(SimClock clock, boolean incoming, Map<String, String> options, List<String> addresses)
      throws MigrationException {
    this.clock = clock;
    this.vm = new SimVmAdaptor().open(new VmSpec("vm", MEMORY_BYTES, incoming, options, clock));
    for (String text : addresses) {
      String id = "nic" + devices.size();
      SimHostDevice host = open(clock, id, text);
      AccessGuard guard =
          new AccessGuard(
              id,
              AccessPolicy.Mode.ENFORCE,
              (device, access, state) -> forbidden.add(device + " " + access + " in " + state));
      for (MemoryRange range : vm.memory().layout()) {
        host.dma().map(range.start(), vm.memory().slice(range), DmaSpace.Direction.READ_WRITE);
      }
      vm.plug(id, new GuardedHostDevice(host, guard));
      devices.put(id, new Device(id, host, new SimMigrationDriver().attach(host), guard));
    }
    for (Device device : devices.values()) {
      for (PlacedRegion region : vm.placedRegions()) {
        if (!region.deviceId().equals(device.id)) {
          device
              .host
              .dma()
              .mapPeer(
                  region.guestAddress(),
                  device(region.deviceId()).host.region(region.regionIndex()),
                  new MemoryRange(0, region.lengthBytes()));
        }
      }
    }
  }

  static SimHostDevice open(SimClock clock, String id, String address) throws MigrationException {
    return (SimHostDevice)
        new SimDeviceModel().create(DeviceAddress.parse(address), new OpenContext(id, clock));
  }

  Device device(String id) {
    return Objects.requireNonNull(devices.get(id), id);
  }

  /** Brings all devices to P2P quiescence and then to STOP, as far as they know the former. */
  void stopDevices() throws MigrationException {
    quiesce();
    for (Device device : devices.values()) {
      DeviceState state = device.state();
      device.to(
          state == DeviceState.PRE_COPY || state == DeviceState.PRE_COPY_P2P
              ? DeviceState.STOP_COPY
              : DeviceState.STOP);
    }
  }

  void quiesce() throws MigrationException {
    for (Device device : devices.values()) {
      if (device.driven.features().p2p()) {
        device.to(
            device.state() == DeviceState.PRE_COPY
                ? DeviceState.PRE_COPY_P2P
                : DeviceState.RUNNING_P2P);
      }
    }
  }

  void run() throws MigrationException {
    for (Device device : devices.values()) {
      if (device.driven.features().p2p()) {
        device.to(DeviceState.RUNNING_P2P);
      }
    }
    for (Device device : devices.values()) {
      device.to(DeviceState.RUNNING);
    }
    vm.resume();
  }

  long count(String name) throws MigrationException {
    return Objects.requireNonNull(audit().counts().get(name), name);
  }

  GuestAudit.Verdict audit() throws MigrationException {
    return vm.audit().orElseThrow().audit();
  }

  List<String> violations() throws MigrationException {
    List<String> all = new ArrayList<>(audit().violations());
    all.addAll(forbidden);
    return all;
  }

  void startLogs() throws MigrationException {
    vm.startDirtyLog();
    for (Device device : devices.values()) {
      var log = device.driven.capability(DmaLog.class);
      if (log.isPresent()) {
        log.get().start(vm.memory().layout(), SimPattern.PAGE_BYTES);
      }
    }
  }

  void stopLogs() throws MigrationException {
    vm.stopDirtyLog();
    for (Device device : devices.values()) {
      var log = device.driven.capability(DmaLog.class);
      if (log.isPresent()) {
        log.get().stop();
      }
    }
  }

  /** Returns what is dirty, range by range; everything where a device cannot tell. */
  Map<MemoryRange, DirtyBitmap> dirty() throws MigrationException {
    Map<MemoryRange, DirtyBitmap> bitmaps = new HashMap<>();
    for (MemoryRange range : vm.memory().layout()) {
      DirtyBitmap bitmap = new DirtyBitmap(range, SimPattern.PAGE_BYTES);
      vm.reportDirty(bitmap);
      for (Device device : devices.values()) {
        var log = device.driven.capability(DmaLog.class);
        if (log.isPresent()) {
          log.get().report(bitmap);
        } else {
          bitmap.markAll();
        }
      }
      bitmaps.put(range, bitmap);
    }
    return bitmaps;
  }
}
