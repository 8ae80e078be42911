package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever does not come back is given up, in both directions. */
@Timeout(60)
class V1WaitsTest {

  private static final long SHORT_NANOS = 1_000_000;
  private static final long LONG_NANOS = 3_600_000_000_000L;

  private final SystemHostClock clock = new SystemHostClock(Thread::new);
  private final ScriptedDevice v1 = new ScriptedDevice(1000);

  private V1DeviceAdapter adapter(long waitNanos) throws MigrationException {
    return V1DeviceAdapter.attach(
        v1,
        new V1AdapterSettings(
            "scripted",
            V1Stopping.AT_ONCE,
            V1Loading.WHEN_LEFT,
            false,
            false,
            false,
            waitNanos,
            1 << 20,
            clock));
  }

  private static MigrationException error(ThrowingCallable call) {
    return catchThrowableOfType(MigrationException.class, call);
  }

  @AfterEach
  void endClock() {
    clock.close();
  }

  /** An interrupt that was for a wait must not hit what its thread does next. */
  @AfterEach
  void noInterruptIsLeft() {
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void anArcThatHangsInAV1DriverIsGivenUp() throws MigrationException {
    V1DeviceAdapter device = adapter(SHORT_NANOS);
    v1.hanging = "writeDeviceState";
    MigrationException failure = error(() -> device.perform(Arc.RUNNING_TO_STOP));
    assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(failure.errno()).hasValue(110);
    assertThat(failure.detail()).contains("write of device_state 0", "scripted", "1 ms");
    assertThat(failure.arc()).contains(Arc.RUNNING_TO_STOP);
    assertThat(failure.state()).contains(DeviceState.RUNNING);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
    v1.hanging = "";
    device.perform(Arc.RUNNING_TO_STOP);
    assertThat(device.state()).isEqualTo(DeviceState.STOP);
  }

  @Test
  void aHangIsNoRefusalToResume() throws MigrationException {
    V1DeviceAdapter device = adapter(SHORT_NANOS);
    device.perform(Arc.RUNNING_TO_STOP);
    v1.hanging = "writeDeviceState";
    assertThat(error(() -> device.perform(Arc.STOP_TO_RESUMING)).code())
        .isEqualTo(DeviceError.TIMEOUT);
    assertThat(v1.resets).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"readPendingBytes", "readDataOffset", "readDataSize", "readData"})
  void aReadThatHangsInAV1DriverIsGivenUpAndTheSourceRunsOn(String method)
      throws MigrationException {
    V1DeviceAdapter device = adapter(SHORT_NANOS);
    v1.stopCopy.add(new byte[10]);
    device.perform(Arc.RUNNING_TO_STOP);
    SaveStream stream = ((ArcOutcome.Saving) device.perform(Arc.STOP_TO_STOP_COPY)).stream();
    v1.hanging = method;
    ByteBuffer into = ByteBuffer.allocate(16);
    MigrationException failure =
        error(
            () -> {
              while (stream.read(into.clear()) == SaveStream.Status.DATA) {
                assertThat(into.position()).isPositive();
              }
            });
    assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(failure.errno()).hasValue(110);
    v1.hanging = "";
    device.perform(Arc.STOP_COPY_TO_STOP);
    device.perform(Arc.STOP_TO_RUNNING);
    assertThat(v1.state).isEqualTo(1);
  }

  @Test
  void aQuestionAboutProgressThatHangsIsGivenUp() throws MigrationException {
    V1DeviceAdapter device = adapter(SHORT_NANOS);
    device.perform(Arc.RUNNING_TO_PRE_COPY);
    v1.hanging = "readPendingBytes";
    PrecopyProgress progress = device.capability(PrecopyProgress.class).orElseThrow();
    assertThat(error(progress::remaining).errno()).hasValue(110);
  }

  @ParameterizedTest
  @ValueSource(strings = {"readDataOffset", "writeData", "writeDataSize"})
  void aWriteThatHangsInAV1DriverIsGivenUp(String method) throws MigrationException {
    V1DeviceAdapter device = adapter(SHORT_NANOS);
    device.perform(Arc.RUNNING_TO_STOP);
    LoadStream stream = ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
    ByteBuffer data = V1StreamFormat.buffer(100);
    data.put(V1StreamFormat.start(false, Map.of("v1-driver", "scripted")));
    V1StreamFormat.putRecord(data, V1StreamFormat.CHUNK, 10);
    data.position(data.position() + 10).flip();
    v1.hanging = method;
    assertThat(error(() -> stream.write(data)).code()).isEqualTo(DeviceError.TIMEOUT);
    // What was half written never becomes the device's state.
    v1.hanging = "";
    assertThat(error(() -> device.perform(Arc.RESUMING_TO_STOP)).code())
        .isEqualTo(DeviceError.TIMEOUT);
    assertThat(device.state()).isEqualTo(DeviceState.RESUMING);
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  enum Ending {
    CLOSE,
    RESET
  }

  @ParameterizedTest
  @EnumSource(Ending.class)
  void aReadThatWaitsIsEndedFromAnotherThread(Ending ending) throws Exception {
    V1DeviceAdapter device = adapter(LONG_NANOS);
    device.perform(Arc.RUNNING_TO_STOP);
    SaveStream stream = ((ArcOutcome.Saving) device.perform(Arc.STOP_TO_STOP_COPY)).stream();
    int start = V1StreamFormat.start(false, Map.of("v1-driver", "scripted")).remaining();
    stream.read(ByteBuffer.allocate(start));
    v1.hanging = "readPendingBytes";
    Thread other =
        new Thread(
            () -> {
              try {
                v1.hangs.await();
                if (ending == Ending.CLOSE) {
                  stream.close();
                } else {
                  device.reset();
                }
              } catch (InterruptedException | MigrationException e) {
                throw new IllegalStateException(e);
              }
            });
    other.start();
    assertThat(error(() -> stream.read(ByteBuffer.allocate(16))).code())
        .isEqualTo(DeviceError.SESSION_CLOSED);
    other.join();
    assertThat(device.state())
        .isEqualTo(ending == Ending.CLOSE ? DeviceState.STOP_COPY : DeviceState.RUNNING);
  }

  @Test
  void anArcThatHangsInAV2DriverIsGivenUpAndTheOldStateKept() throws MigrationException {
    ToyDevice device = new ToyDevice(FeatureSet.STOP_COPY_P2P_PRE_COPY, 100, 1);
    V1Client client =
        V1Client.of(
            new V1MigrationRegion(
                device, new V1RegionSettings(9, 4096, false, SHORT_NANOS, clock)));
    device.hanging = Arc.RUNNING_P2P_TO_STOP;
    assertThat(Errnos.of(() -> client.state(0))).isEqualTo(110);
    assertThat(client.state()).isEqualTo(1);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    device.hanging = null;
    client.state(2);
    assertThat(V1Client.join(client.drain())).isEqualTo(ToyDevice.stream(device.content));
  }
}
