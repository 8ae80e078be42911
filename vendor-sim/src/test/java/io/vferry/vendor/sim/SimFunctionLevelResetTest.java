package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a guest does to a device by Initiate Function Level Reset, and not to its neighbour. */
class SimFunctionLevelResetTest {

  private static final int CONTROL = SimConfigSpace.EXPRESS_CAPABILITY + 8;
  private static final int STATUS = SimConfigSpace.EXPRESS_CAPABILITY + 10;
  private static final int PENDING = 0x20;

  private final SimClock clock = new SimClock(61);

  /** As Linux does it: reads the control register and writes it back with one bit more. */
  private static void reset(HostDevice device) throws MigrationException {
    Region config = device.region(RegionInfo.PCI_CONFIG);
    ByteBuffer control = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    config.read(CONTROL, control);
    config.write(CONTROL, control.putShort(0, (short) (control.getShort(0) | 0x8000)).rewind());
  }

  private static int status(HostDevice device) throws MigrationException {
    ByteBuffer status = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    device.region(RegionInfo.PCI_CONFIG).read(STATUS, status);
    return status.getShort(0);
  }

  private SimSide working(String parameters) throws MigrationException {
    String address = "sim:mlx5?state=64KiB&local-memory=4KiB" + parameters;
    SimSide side =
        new SimSide(clock, false, SimMoveTest.TALK, List.of(address, address + "&seed=9"));
    side.vm.resume();
    clock.advance(30_000_000);
    return side;
  }

  @Test
  void theGuestSetsItUpAnewAndTheOtherDeviceGoesOn() throws MigrationException {
    SimSide side = working("");
    SimDeviceTruth other = side.device("nic0").truth();
    reset(side.device("nic1").host());

    SimDeviceTruth fresh = side.device("nic1").truth();
    assertThat(fresh.doorbell()).isZero();
    assertThat(fresh.tag()).isZero();
    assertThat(fresh.irqPending()).isZero();
    assertThat(fresh.inFlight()).isZero();
    assertThat(side.device("nic1").host().hardware().localMemory().orElseThrow().content())
        .containsOnly(0);

    clock.advance(30_000_000);
    side.vm.pause();
    side.stopDevices();
    assertThat(side.violations()).isEmpty();
    assertThat(side.audit().counts()).containsEntry("device-resets", 1L);
    assertThat(side.device("nic1").truth().tasksDone()).isPositive();
    assertThat(side.device("nic0").truth().tasksDone()).isGreaterThan(other.tasksDone());
    assertThat(side.device("nic0").truth().dmaWrites()).isGreaterThan(other.dmaWrites());
  }

  @Test
  void whatWasPendingIsNotToldAfterwards() throws MigrationException {
    SimSide side = working("");
    SimSide.Device device = side.device("nic0");
    side.vm.pause();
    clock.advance(5_000_000);
    device.to(DeviceState.STOP);
    device.host().hardware().raise(SimRegisters.VECTOR_MAIL);
    reset(device.host());

    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    assertThat(device.truth().irqPending()).isZero();
    long writes = device.truth().dmaWrites();
    clock.advance(100_000_000);
    assertThat(device.truth().dmaWrites()).as("without bus master").isEqualTo(writes).isZero();
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ERROR"})
  void inEachStateItEndsTheSessionAndTheNextOneIsWhole(DeviceState state)
      throws MigrationException {
    SimHostDevice host = SimSide.open(clock, "nic", "sim:mlx5?state=64KiB&work=off");
    MigratableDevice device = new SimMigrationDriver().attach(host);
    AccessGuard guard = new AccessGuard("nic", AccessPolicy.Mode.OFF, (id, access, at) -> {});
    SimSide.Device driven = new SimSide.Device("nic", host, device, guard);
    ArcOutcome reached = driven.to(state);
    long before = host.capability(ResetCount.class).orElseThrow().resets();
    reset(host);

    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    assertThat(host.capability(ResetCount.class).orElseThrow().resets()).isEqualTo(before + 1);
    ByteBuffer piece = ByteBuffer.allocate(64);
    if (reached instanceof ArcOutcome.Saving old) {
      ended(() -> old.stream().read(piece));
    } else if (reached instanceof ArcOutcome.Loading old) {
      ended(() -> old.stream().write(piece));
    }
    SaveStream out = ((ArcOutcome.Saving) driven.to(DeviceState.STOP_COPY)).stream();
    if (reached instanceof ArcOutcome.Saving old) {
      ended(() -> old.stream().read(piece.clear()));
    }
    SimHostDevice target = SimSide.open(clock, "to", "sim:mlx5?state=64KiB&work=off&seed=4");
    MigratableDevice loaded = new SimMigrationDriver().attach(target);
    SimSide.Device destination = new SimSide.Device("to", target, loaded, guard);
    LoadStream in = ((ArcOutcome.Loading) destination.to(DeviceState.RESUMING)).stream();
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    while (out.read(buffer.clear()) == SaveStream.Status.DATA) {
      in.write(buffer.flip());
    }
    destination.to(DeviceState.RUNNING);
    host.close();
    target.close();
  }

  private interface Call {
    void run() throws MigrationException;
  }

  private static void ended(Call call) {
    MigrationException refusal = catchThrowableOfType(MigrationException.class, call::run);
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).isEqualTo(DeviceError.SESSION_CLOSED);
  }

  @Test
  void anArcUnderWayEnds() throws MigrationException {
    SimHostDevice host =
        SimSide.open(clock, "nic", "sim:mlx5?state=64KiB&service-time.RUNNING_P2P_TO_STOP=5s");
    MigratableDevice device = new SimMigrationDriver().attach(host);
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    clock.schedule(
        1_000_000_000,
        () -> {
          try {
            reset(host);
          } catch (MigrationException e) {
            throw new AssertionError(e);
          }
        });
    MigrationException failure =
        catchThrowableOfType(
            MigrationException.class, () -> device.perform(Arc.RUNNING_P2P_TO_STOP));
    assertThat(failure).hasMessageContaining("was reset or closed in the arc");
    assertThat(failure.state()).contains(DeviceState.RUNNING);
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void messagesOnTheWayAreTransactionsPending() throws MigrationException {
    SimSide side = working("&p2p-latency=5ms");
    SimHostDevice host = side.device("nic0").host();
    assertThat(side.device("nic0").truth().outstanding()).isPositive();
    assertThat(status(host) & PENDING).isNotZero();
    long arrived = side.device("nic1").truth().messagesReceived();
    side.vm.pause();
    reset(host);
    assertThat(status(host) & PENDING).isZero();
    clock.advance(20_000_000);
    assertThat(side.device("nic1").truth().messagesReceived())
        .as("what was on its way never arrives")
        .isEqualTo(arrived);
  }

  @Test
  void aResetThatFailsShowsInTheState() throws MigrationException {
    SimHostDevice host = SimSide.open(clock, "nic", "sim:mlx5?state=64KiB&fail-reset=on");
    MigratableDevice device = new SimMigrationDriver().attach(host);
    reset(host);
    assertThat(device.state()).isEqualTo(DeviceState.ERROR);
    assertThat(host.capability(ResetCount.class).orElseThrow().resets()).isZero();
  }
}
