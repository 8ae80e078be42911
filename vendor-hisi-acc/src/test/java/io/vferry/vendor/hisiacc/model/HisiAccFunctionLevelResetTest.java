package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a guest does to a function by Initiate Function Level Reset, and not to its neighbours. */
final class HisiAccFunctionLevelResetTest {

  private static final int CONTROL = HisiAccConfigSpace.EXPRESS + 8;
  private static final int STATUS = HisiAccConfigSpace.EXPRESS + 10;
  private static final int PENDING = 0x20;

  private final HisiAccTestClock clock = new HisiAccTestClock();

  /** As Linux does it: reads the control register and writes it back with one bit more. */
  private static void reset(HostDevice function) throws MigrationException {
    Region config = function.region(RegionInfo.PCI_CONFIG);
    ByteBuffer control = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    config.read(CONTROL, control);
    config.write(CONTROL, control.putShort(0, (short) (control.getShort(0) | 0x8000)).rewind());
  }

  private static boolean pending(HostDevice function) throws MigrationException {
    ByteBuffer status = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    function.region(RegionInfo.PCI_CONFIG).read(STATUS, status);
    return (status.getShort(0) & PENDING) != 0;
  }

  private static long resets(HostDevice function) {
    return function.capability(ResetCount.class).orElseThrow().resets();
  }

  private HisiAccSide working(HisiAccChip chip, int number) throws MigrationException {
    HisiAccSide side = new HisiAccSide(clock, chip, number);
    side.boot();
    side.guest.submit(20);
    side.run(2);
    return side;
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      names = {"RUNNING", "STOP", "PRE_COPY", "STOP_COPY", "RESUMING"})
  void inEachStateItEndsTheSessionOfThisFunctionAlone(DeviceState state) throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=2&queues=4&depth=8");
    HisiAccSide side = working(chip, 1);
    HisiAccSide other = working(chip, 2);
    SaveStream saving = null;
    LoadStream loading = null;
    switch (state) {
      case PRE_COPY -> saving = side.save(Arc.RUNNING_TO_PRE_COPY);
      case STOP -> side.perform(Arc.RUNNING_TO_STOP);
      case STOP_COPY -> {
        side.perform(Arc.RUNNING_TO_STOP);
        saving = side.save(Arc.STOP_TO_STOP_COPY);
      }
      case RESUMING -> {
        side.perform(Arc.RUNNING_TO_STOP);
        loading = side.load();
      }
      default -> {}
    }
    SaveStream undisturbed = other.save(Arc.RUNNING_TO_PRE_COPY);
    reset(side.host);
    side.guard.at(side.device.state());

    assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
    assertThat(resets(side.host)).isOne();
    assertThat(resets(other.host)).isZero();
    assertThat(side.function.paused()).isFalse();
    assertThat(side.register(HisiAccVfRegister.VF_STATE)).isOne();
    assertThat(side.function.sqcArray()).isZero();
    assertThat(side.function.inFlight()).isZero();
    if (saving != null) {
      SaveStream dead = saving;
      assertThatThrownBy(() -> dead.read(ByteBuffer.allocate(8))).hasMessageContaining("VF-1007");
    }
    if (loading != null) {
      LoadStream dead = loading;
      assertThatThrownBy(() -> dead.write(ByteBuffer.allocate(8))).hasMessageContaining("VF-1007");
    }
    side.run(1);
    side.guest.submit(9);
    side.finish();
    assertThat(side.guest.state().resets).isOne();

    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    target.perform(Arc.RUNNING_TO_STOP);
    LoadStream in = target.load();
    other.perform(Arc.PRE_COPY_TO_STOP_COPY);
    HisiAccSide.feed(in, HisiAccSide.drain(undisturbed, 176), 176);
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(other);
    HisiAccMove.finish(target);
    assertThat(other.guest.state().resets).isZero();
  }

  @Test
  void inTheMiddleOfAnArcItEndsIt() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "queues=4&depth=8");
    HisiAccSide side = working(chip, 1);
    side.quirks.commandNanos.put(HisiAccNumbers.COMMAND_PAUSE, 5_000_000L);
    clock.schedule(
        1_000_000,
        () -> {
          try {
            reset(side.host);
          } catch (MigrationException e) {
            throw new AssertionError(e);
          }
        });
    MigrationException failure =
        catchThrowableOfType(MigrationException.class, () -> side.perform(Arc.RUNNING_TO_STOP));
    assertThat(failure.detail()).contains("was reset in the middle of the arc");
    assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
    side.quirks.commandNanos.clear();
    side.guest.tick(0);
    side.guest.submit(9);
    side.finish();
  }

  @Test
  void oneOfThePhysicalFunctionResetsAllOfTheChip() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.SEC, "vfs=2&queues=4&qm=4&windows=true");
    HisiAccSide first = working(chip, 1);
    HisiAccSide second = working(chip, 2);
    HostDevice pf = first.host.companion("pf").orElseThrow();
    Region config = second.host.region(RegionInfo.PCI_CONFIG);
    config.write(4, ByteBuffer.wrap(new byte[] {6, 0}));
    first.perform(Arc.RUNNING_TO_STOP);
    chip.locked(
        () -> {
          chip.busError(2, true);
          return true;
        });
    reset(pf);
    first.guard.at(first.device.state());

    assertThat(resets(pf)).isOne();
    assertThat(resets(first.host)).isOne();
    assertThat(resets(second.host)).isOne();
    assertThat(first.device.state()).isEqualTo(DeviceState.RUNNING);
    ByteBuffer command = ByteBuffer.allocate(2);
    config.read(4, command);
    assertThat(command.getShort(0)).isZero();
    // The bus error is forgotten, and the windows are where they were.
    for (HisiAccSide side : new HisiAccSide[] {first, second}) {
      side.run(1);
      side.guest.submit(9);
      side.perform(Arc.RUNNING_TO_STOP);
      assertThat(HisiAccSide.drain(side.save(Arc.STOP_TO_STOP_COPY), 176)).hasSize(176);
      side.perform(Arc.STOP_COPY_TO_STOP);
      side.perform(Arc.STOP_TO_RUNNING);
      side.finish();
      assertThat(side.guest.state().resets).isOne();
    }
  }

  @Test
  void tasksAtWorkAreTransactionsPending() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=2&queues=4");
    HisiAccSide side = working(chip, 1);
    HisiAccSide idle = new HisiAccSide(clock, chip, 2);
    assertThat(pending(side.host)).isTrue();
    assertThat(pending(idle.host)).isFalse();
    assertThat(pending(side.host.companion("pf").orElseThrow())).isFalse();
    reset(side.host);
    assertThat(pending(side.host)).isFalse();
  }
}
