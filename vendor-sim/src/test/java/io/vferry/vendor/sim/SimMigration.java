package io.vferry.vendor.sim;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** Moves a machine from one side to another by hand, correctly unless told otherwise. */
class SimMigration {

  private static final int BUFFER_BYTES = 300_001;
  private static final long ROUND_NANOS = 5_000_000;

  final SimSide source;
  final SimSide destination;
  private final Map<String, SaveStream> saving = new LinkedHashMap<>();
  private final Map<String, LoadStream> loading = new LinkedHashMap<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

  SimMigration(SimSide source, SimSide destination) {
    this.source = source;
    this.destination = destination;
  }

  /** All but the start of the guest on the destination. */
  void load() throws MigrationException {
    begin();
    for (int round = 0; round < 4; round++) {
      source.clock.advance(ROUND_NANOS);
      precopyRound();
    }
    source.clock.advance(ROUND_NANOS);
    source.vm.settlePageRequests(1_000_000_000);
    source.vm.pause();
    stopSource();
    sendLastDirty();
    finishDevices();
    destination.vm.loadPlatform(source.vm.savePlatform());
    afterLoad();
  }

  void begin() throws MigrationException {
    source.startLogs();
    for (MemoryRange range : source.vm.memory().layout()) {
      copy(range);
    }
    for (SimSide.Device device : source.devices.values()) {
      if (device.driven().features().preCopy()) {
        saving.put(device.id(), ((ArcOutcome.Saving) device.to(DeviceState.PRE_COPY)).stream());
      }
    }
    for (SimSide.Device device : destination.devices.values()) {
      loading.put(device.id(), ((ArcOutcome.Loading) device.to(DeviceState.RESUMING)).stream());
    }
  }

  void precopyRound() throws MigrationException {
    sendDirty();
    for (Map.Entry<String, SaveStream> entry : saving.entrySet()) {
      source
          .device(entry.getKey())
          .driven()
          .capability(PrecopyProgress.class)
          .orElseThrow()
          .remaining();
      if (pump(entry.getKey(), entry.getValue()) != SaveStream.Status.NOTHING_NOW) {
        throw new AssertionError("the end of the stream in pre-copy");
      }
    }
  }

  void stopSource() throws MigrationException {
    source.stopDevices();
  }

  void sendLastDirty() throws MigrationException {
    sendDirty();
    source.stopLogs();
  }

  void finishDevices() throws MigrationException {
    for (SimSide.Device device : source.devices.values()) {
      if (!saving.containsKey(device.id())) {
        saving.put(device.id(), ((ArcOutcome.Saving) device.to(DeviceState.STOP_COPY)).stream());
      }
      if (pump(device.id(), saving.get(device.id())) != SaveStream.Status.END) {
        throw new AssertionError("no end of the stream in stop-copy");
      }
      device.to(DeviceState.STOP);
      destination.device(device.id()).to(DeviceState.STOP);
    }
  }

  void afterLoad() throws MigrationException {}

  private SaveStream.Status pump(String id, SaveStream from) throws MigrationException {
    while (true) {
      buffer.clear();
      SaveStream.Status status = from.read(buffer);
      if (status != SaveStream.Status.DATA) {
        return status;
      }
      Objects.requireNonNull(loading.get(id)).write(buffer.flip());
    }
  }

  final void sendDirty() throws MigrationException {
    for (DirtyBitmap bitmap : source.dirty().values()) {
      long start = bitmap.range().start();
      bitmap.forEachRun(
          (first, count) ->
              copy(
                  new MemoryRange(
                      start + (first << SimPattern.PAGE_SHIFT), count << SimPattern.PAGE_SHIFT)));
    }
  }

  private void copy(MemoryRange range) {
    destination.vm.memory().slice(range).put(source.vm.memory().slice(range));
  }
}
