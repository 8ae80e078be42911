package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices that show a v1 region by themselves, under the driver that needs no other. */
class V1RegionDriverTest {

  private static final Map<String, String> SHOWN = Map.of("v1-region", "9");
  private static final int WINDOW_BYTES = 100_000;

  private final MigrationDriver driver = new V1MigrationDriver(List.of());
  private final ToyDevice from = new ToyDevice(FeatureSet.STOP_COPY_P2P_PRE_COPY, 1_000_000, 1);
  private final ToyDevice to = new ToyDevice(FeatureSet.STOP_COPY_P2P_PRE_COPY, 1_000_000, 2);
  private final ShownRegion source = new ShownRegion(from, WINDOW_BYTES, SHOWN);
  private final ShownRegion destination = new ShownRegion(to, WINDOW_BYTES, SHOWN);

  @Test
  void servesWhatShowsTheRegionAndNothingElse() {
    assertThat(driver.info().id()).isEqualTo("v1-region");
    assertThat(driver.match(source.info()).rank()).isEqualTo(DriverMatch.Rank.GENERIC);
    DriverMatch without = driver.match(new ShownRegion(from, 1, Map.of()).info());
    assertThat(without.rank()).isEqualTo(DriverMatch.Rank.NONE);
    assertThat(without.reason()).contains("no migration region of Linux 5.8");
    // A host that can do both is asked by what came later.
    assertThat(driver.match(new ShownRegion(from, 1, true, SHOWN).info()).rank())
        .isEqualTo(DriverMatch.Rank.NONE);
    MigrationException failure =
        catchThrowableOfType(
            MigrationException.class,
            () -> driver.attach(new ShownRegion(from, 1, Map.of("v1-region", "nine"))));
    assertThat(failure.code()).isEqualTo(DeviceError.NOT_MIGRATABLE);
  }

  private static void drain(
      SaveStream stream, SaveStream.Status end, int pieceBytes, ByteArrayOutputStream out)
      throws MigrationException {
    ByteBuffer buffer = ByteBuffer.allocate(pieceBytes);
    SaveStream.Status status = stream.read(buffer);
    while (status == SaveStream.Status.DATA) {
      out.write(buffer.array(), 0, buffer.position());
      status = stream.read(buffer.clear());
    }
    assertThat(status).isEqualTo(end);
  }

  private byte[] save(int pieceBytes) throws MigrationException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    MigratableDevice device = driver.attach(source);
    SaveStream stream = ((ArcOutcome.Saving) device.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    drain(stream, SaveStream.Status.NOTHING_NOW, pieceBytes, out);
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    drain(stream, SaveStream.Status.END, pieceBytes, out);
    device.perform(Arc.STOP_COPY_TO_STOP);
    return out.toByteArray();
  }

  private MigratableDevice load(byte[] stream, int pieceBytes) throws MigrationException {
    MigratableDevice device = driver.attach(destination);
    device.perform(Arc.RUNNING_TO_STOP);
    LoadStream load = ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
    for (int at = 0; at < stream.length; at += pieceBytes) {
      load.write(ByteBuffer.wrap(stream, at, Math.min(pieceBytes, stream.length - at)));
    }
    return device;
  }

  /** Whatever the pieces of the stream are, the device sees its chunks whole. */
  @ParameterizedTest
  @ValueSource(ints = {1, 777, 65_536, 99_999, 100_000, 3_000_000})
  void movesADeviceChunkByChunk(int pieceBytes) throws Exception {
    MigratableDevice moved = load(save(pieceBytes), pieceBytes);
    moved.perform(Arc.RESUMING_TO_STOP);
    moved.perform(Arc.STOP_TO_RUNNING);
    assertThat(to.content).isEqualTo(from.content);
    assertThat(to.state()).isEqualTo(DeviceState.RUNNING);
    // The state and the toy's own 12 bytes in chunks as large as the window.
    int chunks = (1_000_012 + WINDOW_BYTES - 1) / WINDOW_BYTES;
    assertThat(source.accesses).hasSizeBetween(chunks, chunks + 1);
    assertThat(destination.accesses).isEqualTo(source.accesses);
  }

  /** What is longer than what is kept goes in several accesses, in order. */
  @ParameterizedTest
  @ValueSource(ints = {1000, 40_000, 1 << 20})
  void cutsChunksThatAreLongerThanWhatItKeeps(int pieceBytes) throws Exception {
    V1Device saving = new V1RegionDevice(source.region(9), source::reset, 30_000);
    V1Device loading = new V1RegionDevice(destination.region(9), destination::reset, 30_000);
    saving.writeDeviceState(V1State.STOP_COPY.bits());
    loading.writeDeviceState(V1State.RESUMING.bits());
    while (saving.readPendingBytes() != 0) {
      long offset = saving.readDataOffset();
      int size = (int) saving.readDataSize();
      byte[] chunk = new byte[size];
      for (int at = 0; at < size; at += pieceBytes) {
        saving.readData(offset + at, ByteBuffer.wrap(chunk, at, Math.min(pieceBytes, size - at)));
      }
      long there = loading.readDataOffset();
      for (int at = 0; at < size; at += pieceBytes) {
        loading.writeData(there + at, ByteBuffer.wrap(chunk, at, Math.min(pieceBytes, size - at)));
      }
      loading.writeDataSize(size);
    }
    loading.writeDeviceState(V1State.RUNNING.bits());
    assertThat(to.content).isEqualTo(from.content);
    assertThat(destination.accesses).allMatch(length -> length <= 30_000);
    assertThat(destination.accesses).hasSizeLessThanOrEqualTo(4 * 11);
    assertThat(source.accesses).hasSizeLessThanOrEqualTo(4 * 11);
  }

  @Test
  void readsAChunkInAnyOrderAndTheNextOneAnew() throws Exception {
    V1Device device = new V1RegionDevice(source.region(9), source::reset, 1 << 20);
    device.writeDeviceState(V1State.STOP_COPY.bits());
    byte[] stream = ToyDevice.stream(from.content);
    for (int chunk = 0; chunk < 2; chunk++) {
      device.readPendingBytes();
      long offset = device.readDataOffset();
      device.readDataSize();
      for (int at : new int[] {1010, 50_000, 0, 99_000, 10}) {
        byte[] piece = new byte[1000];
        device.readData(offset + at, ByteBuffer.wrap(piece));
        int from = chunk * WINDOW_BYTES + at;
        assertThat(piece).isEqualTo(Arrays.copyOfRange(stream, from, from + 1000));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void resetsADeviceThatIsStopped(boolean resuming) throws Exception {
    MigratableDevice device = driver.attach(destination);
    device.perform(Arc.RUNNING_TO_STOP);
    if (resuming) {
      device.perform(Arc.STOP_TO_RESUMING);
    }
    assertThat(destination.resets).isZero();
    device.reset();
    assertThat(destination.resets).isEqualTo(1);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    assertThat(to.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void saysThatADeviceNeitherIsResetNorRuns() throws Exception {
    MigratableDevice device = driver.attach(destination);
    device.perform(Arc.RUNNING_TO_STOP);
    destination.neverRuns = true;
    MigrationException failure = catchThrowableOfType(MigrationException.class, device::reset);
    assertThat(failure.code()).isEqualTo(DeviceError.RESET_FAILED);
    assertThat(failure).hasMessageContaining("start its server anew");
    assertThat(failure.getCause()).hasMessageContaining("does not run");
    assertThat(failure.getCause().getSuppressed()[0]).hasMessageContaining("it is stopped");
  }
}
