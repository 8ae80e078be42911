package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class V1MigrationRegionTest {

  private static final int WINDOW = 4096;

  private final ToyDevice device = new ToyDevice(FeatureSet.STOP_COPY_P2P_PRE_COPY, 10_000, 1);
  private final V1MigrationRegion region = new V1MigrationRegion(device, Regions.trapped(WINDOW));
  private final V1Client client = V1Client.of(region);

  @ParameterizedTest
  @EnumSource(FeatureSet.class)
  void movesADeviceOfEachKind(FeatureSet features) throws MigrationException {
    ToyDevice source = new ToyDevice(features, 10_000, 2);
    ToyDevice destination = new ToyDevice(features, 10_000, 3);
    V1Client from = V1Client.of(new V1MigrationRegion(source, Regions.trapped(WINDOW)));
    V1Client to = V1Client.of(new V1MigrationRegion(destination, Regions.trapped(WINDOW)));

    from.state(3);
    List<byte[]> chunks = new ArrayList<>(from.drain());
    assertThat(chunks.isEmpty()).isEqualTo(!features.preCopy());
    from.state(2);
    chunks.addAll(from.drain());
    from.state(0);
    to.state(4);
    to.load(chunks);
    to.state(1);

    assertThat(destination.content).isEqualTo(source.content);
    assertThat(from.state()).isZero();
    assertThat(to.state()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 64, 4096, 1 << 20})
  void windowsOfEachSizeGiveTheSameBytes(int windowBytes) throws MigrationException {
    V1Client from = V1Client.of(new V1MigrationRegion(device, Regions.trapped(windowBytes)));
    from.state(3);
    List<byte[]> chunks = new ArrayList<>(from.drain());
    from.state(2);
    chunks.addAll(from.drain());

    assertThat(chunks).allSatisfy(chunk -> assertThat(chunk.length).isBetween(1, windowBytes));
    assertThat(V1Client.join(chunks)).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void whatWasStagedInPreCopyIsDeliveredInStopCopy() throws MigrationException {
    client.state(3);
    List<byte[]> chunks = new ArrayList<>();
    assertThat(client.device.readPendingBytes()).isPositive();
    chunks.add(client.chunk());
    // Staged by this read, and not yet handed out when the device stops.
    assertThat(client.device.readPendingBytes()).isPositive();
    client.state(2);
    chunks.addAll(client.drain());

    assertThat(V1Client.join(chunks)).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void aCancelledPreCopyLeavesNothingBehind() throws MigrationException {
    client.state(3);
    client.device.readPendingBytes();
    client.state(1);
    assertThat(client.device.readPendingBytes()).isZero();
    assertThat(client.device.readDataSize()).isZero();
    client.state(2);
    assertThat(V1Client.join(client.drain())).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void readsAreRepeatableUntilTheChunkIsAcknowledged() throws MigrationException {
    client.state(2);
    long pending = client.device.readPendingBytes();
    assertThat(client.device.readPendingBytes()).isEqualTo(pending).isEqualTo(10_012);
    assertThat(client.device.readDataOffset()).isEqualTo(client.device.readDataOffset());
    assertThat(client.device.readDataSize()).isEqualTo(WINDOW);
    assertThat(client.device.readDataSize()).isEqualTo(WINDOW);
    byte[] first = client.chunk();
    assertThat(client.chunk()).isEqualTo(first);
    assertThat(client.device.readPendingBytes()).isEqualTo(10_012 - WINDOW);
    assertThat(client.chunk()).isNotEqualTo(first);
  }

  @Test
  void aDeviceIsAskedForProgressSoThatItGivesData() throws MigrationException {
    client.state(3);
    client.drain();
    int before = device.questions;
    assertThat(client.device.readPendingBytes()).isZero();
    assertThat(device.questions).isEqualTo(before + 1);
  }

  @ParameterizedTest
  @CsvSource({
    // The device, told to fail this arc and to stay; the write; what a v1 client reads after it.
    "RUNNING_TO_RUNNING_P2P, RUNNING, 1, 0, 1, RUNNING",
    "RUNNING_P2P_TO_STOP, RUNNING_P2P, 1, 0, 1, RUNNING",
    "STOP_TO_STOP_COPY, STOP, 1, 2, 1, RUNNING",
    "STOP_TO_RESUMING, STOP, 1, 4, 1, RUNNING",
    "PRE_COPY_P2P_TO_STOP_COPY, PRE_COPY_P2P, 3, 2, 3, PRE_COPY",
    "PRE_COPY_TO_RUNNING, PRE_COPY, 3, 1, 3, PRE_COPY",
    // The save session has ended, so it cannot be had back.
    "RUNNING_TO_RUNNING_P2P, RUNNING, 3, 0, 1, RUNNING",
    "STOP_TO_RUNNING_P2P, STOP, 2, 1, 0, STOP",
    "RUNNING_P2P_TO_STOP, ERROR, 1, 0, 6, ERROR"
  })
  void aFailureKeepsTheOldStateWhereThatLosesNothing(
      Arc failing, DeviceState after, int from, int to, int read, DeviceState real)
      throws MigrationException {
    client.state(from);
    device.fail(failing, after);
    assertThat(Errnos.of(() -> client.state(to))).isEqualTo(5);
    assertThat(client.state()).isEqualTo(read);
    assertThat(device.state()).isEqualTo(real);
  }

  @Test
  void whatWasSavedBeforeAFailedStopIsNotLost() throws MigrationException {
    client.state(3);
    List<byte[]> chunks = new ArrayList<>();
    client.device.readPendingBytes();
    chunks.add(client.chunk());
    device.fail(Arc.PRE_COPY_P2P_TO_STOP_COPY, DeviceState.PRE_COPY_P2P);
    assertThat(Errnos.of(() -> client.state(2))).isEqualTo(5);
    device.repair();
    client.state(2);
    chunks.addAll(client.drain());
    assertThat(V1Client.join(chunks)).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void aDeviceThatAFailureLeftQuiescentIsStartedByWritingTheStateItShows()
      throws MigrationException {
    device.fail(Arc.RUNNING_P2P_TO_STOP, DeviceState.RUNNING_P2P);
    device.fail(Arc.RUNNING_P2P_TO_RUNNING, DeviceState.RUNNING_P2P);
    assertThat(Errnos.of(() -> client.state(0))).isEqualTo(5);
    assertThat(client.state()).isEqualTo(1);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING_P2P);
    device.repair();
    client.state(1);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void softPreCopyIsKeptOverAFailure() throws MigrationException {
    ToyDevice plain = new ToyDevice(FeatureSet.STOP_COPY, 100, 5);
    V1Client soft = V1Client.of(new V1MigrationRegion(plain, Regions.trapped(WINDOW)));
    soft.state(3);
    assertThat(soft.device.readPendingBytes()).isZero();
    plain.fail(Arc.STOP_TO_STOP_COPY, DeviceState.STOP);
    assertThat(Errnos.of(() -> soft.state(2))).isEqualTo(5);
    assertThat(soft.state()).isEqualTo(3);
    assertThat(plain.state()).isEqualTo(DeviceState.RUNNING);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 6})
  void resetLeadsToRunningFromEachState(int bits) throws MigrationException {
    if (bits == 6) {
      device.fail(Arc.RUNNING_TO_RUNNING_P2P, DeviceState.ERROR);
      assertThat(Errnos.of(() -> client.state(0))).isEqualTo(5);
      device.repair();
    } else {
      client.state(bits);
    }
    assertThat(client.state()).isEqualTo(bits);
    client.device.reset();
    assertThat(client.state()).isEqualTo(1);
    assertThat(client.device.readPendingBytes()).isZero();
    client.state(2);
    assertThat(V1Client.join(client.drain())).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void badDataAreToldWhenResumingIsLeft() throws MigrationException {
    client.state(4);
    byte[] stream = ToyDevice.stream(device.content);
    stream[200] ^= 1;
    for (int at = 0; at < stream.length; at += WINDOW) {
      client.load(Arrays.copyOfRange(stream, at, Math.min(stream.length, at + WINDOW)));
    }
    assertThat(Errnos.of(() -> client.state(1))).isEqualTo(22);
    assertThat(client.state()).isEqualTo(4);
    client.device.reset();
    assertThat(client.state()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "0, 2",
    "0, 8",
    "1, 4",
    "4, 8",
    "2, 2",
    "8, 4",
    "8, 1",
    "12, 4",
    "12, 8",
    "16, 16",
    "24, 4",
    "28, 4",
    "32, 8",
    "4088, 8",
    "4095, 2",
    "8192, 1",
    "8191, 2",
    "8185, 8",
    "-8, 8",
    "9223372036854775807, 8",
    "0, 0"
  })
  void accessesThatMeetNoFieldAreRefused(long offset, int width) throws MigrationException {
    client.state(2);
    assertThat(Errnos.of(() -> region.read(offset, ByteBuffer.allocate(width)))).isEqualTo(22);
    assertThat(Errnos.of(() -> region.write(offset, ByteBuffer.allocate(width)))).isEqualTo(22);
    assertThat(client.state()).isEqualTo(2);
    assertThat(V1Client.join(client.drain())).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void readOnlyFieldsAreNotWritten() throws MigrationException {
    assertThat(Errnos.of(() -> region.write(8, ByteBuffer.allocate(8)))).isEqualTo(22);
    assertThat(Errnos.of(() -> region.write(16, ByteBuffer.allocate(8)))).isEqualTo(22);
    region.write(4, ByteBuffer.allocate(4).putInt(0, -1));
    ByteBuffer reserved = ByteBuffer.allocate(4).putInt(0, -1);
    region.read(4, reserved);
    assertThat(reserved.getInt(0)).isZero();
  }

  @Test
  void accessesOutOfOrderAreRefusedAndLoseNothing() throws MigrationException {
    // Nothing of this while running.
    assertThat(Errnos.of(() -> client.device.readData(4096, ByteBuffer.allocate(1)))).isEqualTo(22);
    assertThat(Errnos.of(() -> client.device.writeData(4096, ByteBuffer.allocate(1))))
        .isEqualTo(22);
    assertThat(Errnos.of(() -> client.device.writeDataSize(1))).isEqualTo(22);

    client.state(2);
    // Data before data_offset.
    assertThat(Errnos.of(() -> client.device.readData(4096, ByteBuffer.allocate(1)))).isEqualTo(22);
    assertThat(client.device.readPendingBytes()).isPositive();
    assertThat(Errnos.of(() -> client.device.readData(4096, ByteBuffer.allocate(1)))).isEqualTo(22);
    // data_size before data_offset, and no store while saving.
    assertThat(client.device.readDataSize()).isEqualTo(WINDOW);
    assertThat(Errnos.of(() -> client.device.writeDataSize(1))).isEqualTo(22);
    assertThat(Errnos.of(() -> client.device.writeData(4096, ByteBuffer.allocate(1))))
        .isEqualTo(22);
    assertThat(V1Client.join(client.drain())).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void dataBehindTheStagedChunkAreNotRead() throws MigrationException {
    client.state(2);
    byte[] last = new byte[0];
    while (client.device.readPendingBytes() != 0) {
      last = client.chunk();
    }
    client.device.reset();
    client.state(2);
    for (int i = 0; i < 2; i++) {
      client.device.readPendingBytes();
      client.chunk();
    }
    client.device.readPendingBytes();
    long offset = client.device.readDataOffset();
    int size = last.length;
    assertThat(client.device.readDataSize()).isEqualTo(size);
    assertThat(Errnos.of(() -> client.device.readData(offset + size, ByteBuffer.allocate(1))))
        .isEqualTo(22);
    assertThat(Errnos.of(() -> client.device.readData(offset + size - 1, ByteBuffer.allocate(2))))
        .isEqualTo(22);
  }

  @Test
  void resumingTakesOnlyWhatWasStored() throws MigrationException {
    byte[] stream = ToyDevice.stream(device.content);
    client.state(4);
    for (long size : new long[] {1, WINDOW + 1, Long.MAX_VALUE, -1}) {
      assertThat(Errnos.of(() -> client.device.writeDataSize(size))).as("%d", size).isEqualTo(22);
    }
    assertThat(Errnos.of(() -> client.device.writeData(4096 + WINDOW - 4, ByteBuffer.allocate(8))))
        .isEqualTo(22);
    // In pieces, the last one first.
    client.device.writeData(4096 + 100, ByteBuffer.wrap(stream, 100, 100));
    assertThat(Errnos.of(() -> client.device.writeDataSize(200))).isEqualTo(22);
    client.device.writeData(4096 + 100, ByteBuffer.wrap(stream, 100, 100));
    client.device.writeData(4096, ByteBuffer.wrap(stream, 0, 100));
    client.device.writeDataSize(200);
    // What lies in the window from the last time does not count.
    assertThat(Errnos.of(() -> client.device.writeDataSize(200))).isEqualTo(22);
    for (int at = 200; at < stream.length; at += WINDOW) {
      client.load(Arrays.copyOfRange(stream, at, Math.min(stream.length, at + WINDOW)));
    }
    client.device.writeDataSize(0);
    client.state(1);
    assertThat(client.state()).isEqualTo(1);
  }

  @Test
  void sessionsAreClosedWhenTheyAreOver() throws MigrationException {
    client.state(2);
    client.state(1);
    assertThat(device.closedStreams).isEqualTo(1);
    client.state(2);
    client.device.reset();
    assertThat(device.closedStreams).isEqualTo(2);
    client.state(4);
    region.close();
    region.close();
    assertThat(device.closedStreams).isEqualTo(3);
    assertThat(client.state()).isEqualTo(4);
    assertThat(Errnos.of(() -> client.device.writeDataSize(0))).isEqualTo(22);
  }

  @Test
  void aMappedWindowHoldsTheSameBytes() throws MigrationException {
    V1MigrationRegion mapped = new V1MigrationRegion(device, Regions.mapped(WINDOW));
    V1Client from = V1Client.of(mapped);
    assertThat(mapped.info().mappable()).isTrue();
    assertThat(mapped.mappableParts()).singleElement().extracting("start").isEqualTo(4096L);
    assertThat(mapped.map(0, WINDOW)).isEmpty();
    ByteBuffer window = mapped.map(4096, WINDOW).orElseThrow();
    assertThat(Errnos.of(() -> mapped.map(4096, WINDOW + 1))).isEqualTo(22);
    assertThat(region.map(4096, WINDOW)).isEmpty();

    from.state(2);
    ByteArrayOutputStream saved = new ByteArrayOutputStream();
    while (from.device.readPendingBytes() != 0) {
      assertThat(from.device.readDataOffset()).isEqualTo(4096);
      byte[] chunk = new byte[(int) from.device.readDataSize()];
      window.get(0, chunk);
      assertThat(from.chunk()).isEqualTo(chunk);
      saved.writeBytes(chunk);
    }
    assertThat(saved.toByteArray()).isEqualTo(ToyDevice.stream(device.content));

    ToyDevice other = new ToyDevice(FeatureSet.STOP_COPY, 10_000, 9);
    V1MigrationRegion target = new V1MigrationRegion(other, Regions.mapped(WINDOW));
    V1Client to = V1Client.of(target);
    ByteBuffer store = target.map(4096, WINDOW).orElseThrow();
    to.state(4);
    byte[] stream = saved.toByteArray();
    for (int at = 0; at < stream.length; at += WINDOW) {
      int length = Math.min(WINDOW, stream.length - at);
      store.put(0, stream, at, length);
      to.device.writeDataSize(length);
    }
    assertThat(Errnos.of(() -> to.device.writeDataSize(WINDOW + 1L))).isEqualTo(22);
    to.state(1);
    assertThat(other.content).isEqualTo(device.content);
  }

  @Test
  void aDeviceThatGivesNothingWhenStoppedDoesNotHangItsClient() throws MigrationException {
    try (SystemHostClock clock = new SystemHostClock(Thread::new)) {
      V1MigrationRegion impatient =
          new V1MigrationRegion(device, new V1RegionSettings(9, WINDOW, false, 1_000_000, clock));
      V1Client from = V1Client.of(impatient);
      device.silentWhenStopped = true;
      from.state(2);
      assertThat(Errnos.of(() -> from.device.readPendingBytes())).isEqualTo(110);
      assertThat(from.state()).isEqualTo(2);
      // Nothing is lost: the source runs on.
      from.state(1);
      assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
      device.silentWhenStopped = false;
      from.state(2);
      assertThat(V1Client.join(from.drain())).isEqualTo(ToyDevice.stream(device.content));
    }
  }
}
