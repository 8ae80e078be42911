package io.vferry.simulation;

import io.vferry.compat.v1.V1DirtyTracking;
import io.vferry.compat.v1.V1MigrationRegion;
import io.vferry.compat.v1.V1RegionDevice;
import io.vferry.compat.v1.V1State;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What QEMU does to one v1 device, in its order and with its masks; see QEMU 5.2 and 7.2, {@code
 * hw/vfio/migration.c}. Every access is recorded.
 */
final class QemuV1 {

  enum Version {
    QEMU_5_2,
    QEMU_7_2
  }

  /** What goes over the wire. */
  sealed interface Packet {
    /** Device data, in the size in which it was read. */
    record Data(byte[] bytes) implements Packet {}

    /** The device's config space. */
    record Config(byte[] bytes) implements Packet {}
  }

  private static final int PCI_COMMAND = 4;
  private static final int CONFIG_BYTES = 64;

  private final Version version;
  private final V1RegionDevice device;
  private final HostDevice host;
  private final long regionBytes;
  private final V1DirtyTracking container;
  final List<String> trace = new ArrayList<>();
  final List<Packet> wire = new ArrayList<>();
  private long cachedPendingBytes;

  QemuV1(Version version, V1MigrationRegion region, HostDevice host, V1DirtyTracking container) {
    this.version = version;
    this.device = new V1RegionDevice(region, region::reset);
    this.host = host;
    this.regionBytes = region.info().sizeBytes();
    this.container = container;
  }

  /** The primitive for all changes of state: keep what the mask has, add the value. */
  void setState(int mask, int value) throws MigrationException {
    int old = device.readDeviceState();
    trace.add("read device_state = " + old);
    int next = (old & mask) | value;
    device.writeDeviceState(next);
    trace.add("write device_state " + next);
  }

  void saveSetup() throws MigrationException {
    if (version == Version.QEMU_7_2) {
      startTracking();
    }
    setState(V1State.MASK, V1State.SAVING_BIT);
    if (version == Version.QEMU_5_2) {
      startTracking();
    }
  }

  private void startTracking() {
    container.start();
    trace.add("dirty start");
  }

  private void readPending() throws MigrationException {
    cachedPendingBytes = device.readPendingBytes();
    trace.add("read pending_bytes = " + cachedPendingBytes);
  }

  void saveLivePending() throws MigrationException {
    readPending();
  }

  /** One chunk at most. */
  void saveLiveIterate() throws MigrationException {
    if (cachedPendingBytes == 0) {
      readPending();
      if (cachedPendingBytes == 0) {
        return;
      }
    }
    saveBuffer();
    cachedPendingBytes = 0;
  }

  private boolean saveBuffer() throws MigrationException {
    long offset = device.readDataOffset();
    trace.add("read data_offset = " + offset);
    int size = Math.toIntExact(device.readDataSize());
    trace.add("read data_size = " + size);
    if (size == 0) {
      return false;
    }
    byte[] bytes = new byte[size];
    device.readData(offset, ByteBuffer.wrap(bytes));
    trace.add("read data %d %d".formatted(offset, size));
    wire.add(new Packet.Data(bytes));
    return true;
  }

  void vmStopped() throws MigrationException {
    setState(~V1State.RUNNING_BIT, 0);
  }

  void completePrecopy() throws MigrationException {
    setState(~V1State.RUNNING_BIT, V1State.SAVING_BIT);
    if (version == Version.QEMU_5_2) {
      wire.add(new Packet.Config(readConfig()));
    }
    readPending();
    while (cachedPendingBytes != 0 && saveBuffer()) {
      readPending();
    }
    setState(~V1State.SAVING_BIT, 0);
    if (version == Version.QEMU_7_2) {
      wire.add(new Packet.Config(readConfig()));
    }
  }

  void cleanup() {
    container.stop();
    trace.add("dirty stop");
  }

  private byte[] readConfig() throws MigrationException {
    ByteBuffer config = ByteBuffer.allocate(CONFIG_BYTES);
    host.region(RegionInfo.PCI_CONFIG).read(0, config);
    return config.array();
  }

  void loadSetup() throws MigrationException {
    setState(~V1State.MASK, V1State.RESUMING_BIT);
  }

  void load(Packet packet) throws MigrationException {
    if (packet instanceof Packet.Data data) {
      loadBuffer(data.bytes());
    } else {
      loadConfig(((Packet.Config) packet).bytes());
    }
  }

  private void loadBuffer(byte[] bytes) throws MigrationException {
    int at = 0;
    while (at < bytes.length) {
      long offset = device.readDataOffset();
      trace.add("read data_offset = " + offset);
      int length = (int) Math.min(bytes.length - at, regionBytes - offset);
      device.writeData(offset, ByteBuffer.wrap(bytes, at, length));
      trace.add("write data %d %d".formatted(offset, length));
      device.writeDataSize(length);
      trace.add("write data_size " + length);
      at += length;
    }
  }

  /** Config space while the device resumes: the base addresses first, the command last. */
  private void loadConfig(byte[] bytes) throws MigrationException {
    Region config = host.region(RegionInfo.PCI_CONFIG);
    for (int bar = 0x10; bar < 0x28; bar += 4) {
      config.write(bar, ByteBuffer.wrap(bytes, bar, 4));
    }
    config.write(PCI_COMMAND, ByteBuffer.wrap(bytes, PCI_COMMAND, 2));
  }

  void vmStarted() throws MigrationException {
    setState(~V1State.MASK, V1State.RUNNING_BIT);
  }

  void cancelled() throws MigrationException {
    setState(~(V1State.SAVING_BIT | V1State.RESUMING_BIT), V1State.RUNNING_BIT);
  }
}
