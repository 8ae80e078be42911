package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.compat.v1.Mlx5In2021.Posting;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
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
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The drivers that were posted for v1 in 2021, under a v1 client and under the adapter. */
class DriversOf2021Test {

  private static byte[] bytes(int length, long seed) {
    byte[] bytes = new byte[length];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  private static V1DeviceAdapter adapter(V1Device device, V1Loading loading, boolean maySaveNothing)
      throws MigrationException {
    return V1DeviceAdapter.attach(
        device,
        new V1AdapterSettings(
            "of2021",
            V1Stopping.AT_ONCE,
            loading,
            maySaveNothing,
            false,
            false,
            1_000_000_000,
            1 << 30,
            new TestClock()));
  }

  private static byte[] save(V1DeviceAdapter device) throws MigrationException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SaveStream stream = ((ArcOutcome.Saving) device.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    drain(stream, SaveStream.Status.NOTHING_NOW, out);
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    drain(stream, SaveStream.Status.END, out);
    device.perform(Arc.STOP_COPY_TO_STOP);
    return out.toByteArray();
  }

  private static void drain(SaveStream stream, SaveStream.Status end, ByteArrayOutputStream out)
      throws MigrationException {
    ByteBuffer buffer = ByteBuffer.allocate(100_000);
    SaveStream.Status status = stream.read(buffer);
    while (status == SaveStream.Status.DATA) {
      out.write(buffer.array(), 0, buffer.position());
      status = stream.read(buffer.clear());
    }
    assertThat(status).isEqualTo(end);
  }

  private static void load(V1DeviceAdapter device, byte[] stream) throws MigrationException {
    device.perform(Arc.RUNNING_TO_STOP);
    LoadStream load = ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
    load.write(ByteBuffer.wrap(stream));
    device.perform(Arc.RESUMING_TO_STOP);
    device.perform(Arc.STOP_TO_RUNNING);
  }

  /** QEMU's order: pre-copy, then stop-copy. */
  @ParameterizedTest
  @EnumSource(Posting.class)
  void mlx5GivesItsClientNothingAfterAPreCopyInV2(Posting posting) throws MigrationException {
    byte[] content = bytes(300_000, 1);
    Mlx5In2021 mlx5 = new Mlx5In2021(posting, content);
    V1Client client = new V1Client(mlx5);
    client.state(3);
    assertThat(client.drain()).isEmpty();
    client.state(2);
    byte[] saved = V1Client.join(client.drain());
    if (posting == Posting.V2) {
      assertThat(saved).isEmpty();
      assertThat(mlx5.commands).containsExactly("quiesce", "freeze");
    } else {
      assertThat(saved).isEqualTo(content);
      assertThat(mlx5.commands).containsExactly("quiesce", "freeze", "save");
    }
  }

  @Test
  void mlx5V2SavesWithoutAPreCopy() throws MigrationException {
    byte[] content = bytes(300_000, 1);
    Mlx5In2021 mlx5 = new Mlx5In2021(Posting.V2, content);
    V1Client client = new V1Client(mlx5);
    client.state(2);
    List<byte[]> chunks = client.drain();
    assertThat(chunks).extracting(chunk -> chunk.length).containsExactly(131072, 131072, 37856);
    assertThat(V1Client.join(chunks)).isEqualTo(content);
  }

  /** The same order of writes on the region over a v2 device gives all of the state. */
  @ParameterizedTest
  @EnumSource(FeatureSet.class)
  void theRegionOverAV2DeviceDoesNotRepeatTheDefect(FeatureSet features) throws MigrationException {
    ToyDevice device = new ToyDevice(features, 300_000, 4);
    V1Client client = V1Client.of(new V1MigrationRegion(device, Regions.trapped(1 << 17)));
    client.state(3);
    client.state(2);
    assertThat(V1Client.join(client.drain())).isEqualTo(ToyDevice.stream(device.content));
  }

  @Test
  void theAdapterRefusesTheEmptySaveOfMlx5V2AndTheSourceRunsOn() throws MigrationException {
    Mlx5In2021 mlx5 = new Mlx5In2021(Posting.V2, bytes(300_000, 1));
    V1DeviceAdapter device = adapter(mlx5, V1Loading.WHEN_LEFT, false);
    MigrationException failure = catchThrowableOfType(MigrationException.class, () -> save(device));
    assertThat(failure.code()).isEqualTo(DeviceError.DRIVER_BROKEN);
    device.perform(Arc.STOP_COPY_TO_STOP);
    device.perform(Arc.STOP_TO_RUNNING);
    assertThat(mlx5.commands).endsWith("unfreeze", "unquiesce");
  }

  @ParameterizedTest
  @EnumSource(V1Loading.class)
  void mlx5V3MovesUnderTheAdapter(V1Loading loading) throws MigrationException {
    byte[] content = bytes(300_000, 1);
    byte[] stream = save(adapter(new Mlx5In2021(Posting.V3, content), V1Loading.WHEN_LEFT, false));
    Mlx5In2021 destination = new Mlx5In2021(Posting.V3, bytes(10, 2));
    load(adapter(destination, loading, false), stream);
    assertThat(destination.content).isEqualTo(content);
    assertThat(destination.commands)
        .containsExactly("quiesce", "freeze", "load", "unfreeze", "unquiesce");
  }

  @Test
  void mlx5ThatCannotFreezeIsInErrorUntilReset() throws MigrationException {
    Mlx5In2021 mlx5 = new Mlx5In2021(Posting.V3, bytes(10, 2));
    V1DeviceAdapter device = adapter(mlx5, V1Loading.WHEN_LEFT, false);
    mlx5.freezeFails = true;
    assertThat(Errnos.of(() -> device.perform(Arc.RUNNING_TO_STOP))).isEqualTo(5);
    assertThat(device.state()).isEqualTo(DeviceState.ERROR);
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void hisiAccIsRestoredByTheChangeFromResumingToRunning() throws MigrationException {
    byte[] content = bytes(HisiAccIn2021.TOTAL_BYTES, 3);
    byte[] blank = content.clone();
    Arrays.fill(blank, HisiAccIn2021.MATCH_BYTES, blank.length, (byte) 0);
    byte[] stream = save(adapter(new HisiAccIn2021(content, true), V1Loading.AT_START, false));
    HisiAccIn2021 destination = new HisiAccIn2021(blank, true);
    load(adapter(destination, V1Loading.AT_START, false), stream);
    assertThat(destination.restored).isTrue();
    assertThat(destination.content).isEqualTo(content);

    // Declared wrongly, it would start without its data, and nobody would be told.
    HisiAccIn2021 silent = new HisiAccIn2021(blank, true);
    load(adapter(silent, V1Loading.WHEN_LEFT, false), stream);
    assertThat(silent.restored).isFalse();
  }

  @Test
  void hisiAccThatWasNeverSetUpSavesNothingAndMaySo() throws MigrationException {
    byte[] content = bytes(HisiAccIn2021.TOTAL_BYTES, 3);
    HisiAccIn2021 idle = new HisiAccIn2021(content, false);
    assertThat(
            catchThrowableOfType(
                MigrationException.class, () -> save(adapter(idle, V1Loading.AT_START, false))))
        .isNotNull();
    idle.reset();
    byte[] stream = save(adapter(idle, V1Loading.AT_START, true));
    HisiAccIn2021 destination = new HisiAccIn2021(content, false);
    load(adapter(destination, V1Loading.AT_START, true), stream);
    assertThat(destination.restored).isFalse();
  }

  @Test
  void hisiAccRefusesAnotherDevicesMatchData() throws MigrationException {
    byte[] stream =
        save(
            adapter(
                new HisiAccIn2021(bytes(HisiAccIn2021.TOTAL_BYTES, 3), true),
                V1Loading.AT_START,
                false));
    V1DeviceAdapter other =
        adapter(
            new HisiAccIn2021(bytes(HisiAccIn2021.TOTAL_BYTES, 4), true),
            V1Loading.AT_START,
            false);
    MigrationException failure =
        catchThrowableOfType(MigrationException.class, () -> load(other, stream));
    assertThat(failure.code()).isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThat(other.state()).isEqualTo(DeviceState.RESUMING);
  }
}
