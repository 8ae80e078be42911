package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The second mode: the kernel performs the arcs, the driver looks into the streams. */
class Mlx5KernelDeviceTest {

  private static final byte[] STREAM =
      ByteBuffer.allocate(24 + 16 + 100)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putLong(8)
          .putInt(1)
          .putInt(1)
          .putLong(4096)
          .putLong(100)
          .putLong(0)
          .array();

  private static MigratableDevice attach(LenientKernel kernel) throws MigrationException {
    return new Mlx5MigrationDriver().attach(kernel);
  }

  private static LoadStream resume(MigratableDevice device) throws MigrationException {
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    device.perform(Arc.RUNNING_P2P_TO_STOP);
    return ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
  }

  @Test
  void handsAWholeStreamThrough() throws Exception {
    MigratableDevice source = attach(new LenientKernel(STREAM, Map.of()));
    LenientKernel kernel = new LenientKernel(new byte[0], Map.of());
    MigratableDevice destination = attach(kernel);
    LoadStream in = resume(destination);
    SaveStream out = ((ArcOutcome.Saving) source.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    PrecopyProgress progress = source.capability(PrecopyProgress.class).orElseThrow();
    assertThat(progress.remaining().initialBytes()).isEqualTo(STREAM.length);
    ByteBuffer buffer = ByteBuffer.allocate(50);
    while (out.read(buffer.clear()) == SaveStream.Status.DATA) {
      in.write(buffer.flip());
    }
    assertThat(out.read(buffer.clear())).isEqualTo(SaveStream.Status.NOTHING_NOW);
    source.perform(Arc.PRE_COPY_TO_PRE_COPY_P2P);
    source.perform(Arc.PRE_COPY_P2P_TO_STOP_COPY);
    assertThat(out.read(buffer.clear())).isEqualTo(SaveStream.Status.END);

    destination.perform(Arc.RESUMING_TO_STOP);

    assertThat(kernel.written.toByteArray()).isEqualTo(STREAM);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 24, 30, 40, 139})
  void doesNotLeaveResumingWithATruncatedStreamThatTheKernelWouldTake(int length) throws Exception {
    MigratableDevice device = attach(new LenientKernel(new byte[0], Map.of()));
    resume(device).write(ByteBuffer.wrap(STREAM, 0, length));

    MigrationException failure =
        catchThrowableOfType(MigrationException.class, () -> device.perform(Arc.RESUMING_TO_STOP));

    assertThat(failure.code()).isEqualTo(DeviceError.DATA_CORRUPT);
    assertThat(device.state()).isEqualTo(DeviceState.RESUMING);
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void refusesABadRecordBeforeTheKernelGetsIt() throws Exception {
    LenientKernel kernel = new LenientKernel(new byte[0], Map.of());
    MigratableDevice device = attach(kernel);
    LoadStream in = resume(device);
    byte[] bad = STREAM.clone();
    bad[36] = 7;

    assertThat(
            catchThrowableOfType(MigrationException.class, () -> in.write(ByteBuffer.wrap(bad)))
                .code())
        .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThat(kernel.written.size()).isZero();
  }

  @Test
  void doesNotCallATruncatedStreamOfTheKernelEnded() throws Exception {
    MigratableDevice device = attach(new LenientKernel(Arrays.copyOf(STREAM, 60), Map.of()));
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    device.perform(Arc.RUNNING_P2P_TO_STOP);
    SaveStream out = ((ArcOutcome.Saving) device.perform(Arc.STOP_TO_STOP_COPY)).stream();
    MigrationException failure =
        catchThrowableOfType(
            MigrationException.class,
            () -> {
              while (out.read(ByteBuffer.allocate(50)) == SaveStream.Status.DATA) {
                // All of it.
              }
            });

    assertThat(failure.code()).isEqualTo(DeviceError.DATA_CORRUPT);
  }

  @Test
  void comparesFirmwareAndBoardBeforeAnythingMoves() throws Exception {
    Map<String, String> here = Map.of("firmware", "28.41.1000", "psid", "MT_0000000838");
    Compatibility source =
        attach(new LenientKernel(new byte[0], here)).capability(Compatibility.class).orElseThrow();
    Compatibility same =
        attach(new LenientKernel(new byte[0], here)).capability(Compatibility.class).orElseThrow();
    Compatibility other =
        attach(new LenientKernel(new byte[0], Map.of("firmware", "28.43.2026")))
            .capability(Compatibility.class)
            .orElseThrow();

    assertThat(same.compare(source.describe())).isEmpty();
    assertThat(other.compare(source.describe()))
        .containsExactly(new Compatibility.Difference("firmware", "28.41.1000", "28.43.2026"));
    assertThat(
            catchThrowableOfType(MigrationException.class, () -> same.compare(Map.of("x", "y")))
                .code())
        .isEqualTo(DeviceError.DATA_CORRUPT);
  }
}
