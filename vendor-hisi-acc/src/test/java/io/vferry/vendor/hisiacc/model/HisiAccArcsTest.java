package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What arcs leave behind that fail between two accesses, and what two drivers of one see. */
final class HisiAccArcsTest {

  private final HisiAccTestClock clock = new HisiAccTestClock();

  private HisiAccSide working() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=4&depth=8");
    side.boot();
    side.guest.submit(20);
    side.run(2);
    return side;
  }

  /** A region in which one write to an offset, counted from 1, does not get through. */
  private static final class Failing implements Region {

    private final Region region;
    private final long offset;
    private int left;

    Failing(Region region, long offset, int number) {
      this.region = region;
      this.offset = offset;
      this.left = number;
    }

    @Override
    public RegionInfo info() {
      return region.info();
    }

    @Override
    public void read(long at, ByteBuffer into) throws MigrationException {
      region.read(at, into);
    }

    @Override
    public void write(long at, ByteBuffer from) throws MigrationException {
      if (at == offset && --left == 0) {
        throw new MigrationException(DeviceError.IO_FAILED, "the write did not get through");
      }
      region.write(at, from);
    }

    @Override
    public Optional<ByteBuffer> map(long at, int lengthBytes) throws MigrationException {
      return region.map(at, lengthBytes);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aStartThatFailsHalfwayPausesTheFunctionAgain(int kick) throws MigrationException {
    HisiAccSide side = working();
    MigratableDevice device = new HisiAccMigrationDriver().attach(failingKick(side, kick));
    device.perform(Arc.RUNNING_TO_STOP);
    assertThatThrownBy(() -> device.perform(Arc.STOP_TO_RUNNING))
        .hasMessageContaining("did not get through")
        .hasMessageContaining("STOP and is usable");
    assertThat(side.function.paused()).isTrue();
    assertThat(device.state()).isEqualTo(DeviceState.STOP);
    SaveStream stream = ((ArcOutcome.Saving) device.perform(Arc.STOP_TO_STOP_COPY)).stream();
    assertThat(HisiAccSide.drain(stream, 176)).hasSize(176);
    device.perform(Arc.STOP_COPY_TO_STOP);
    device.perform(Arc.STOP_TO_RUNNING);
    side.finish();
  }

  @Test
  void aStartThatFailsAndCannotBeTakenBackIsAnError() throws MigrationException {
    HisiAccSide side = working();
    MigratableDevice device = new HisiAccMigrationDriver().attach(failingKick(side, 3));
    device.perform(Arc.RUNNING_TO_STOP);
    side.quirks.drainNeverEnds = true;
    assertThatThrownBy(() -> device.perform(Arc.STOP_TO_RUNNING))
        .hasMessageContaining("may have started in part, and cannot be paused")
        .hasMessageContaining("ERROR and needs a reset");
    assertThat(device.state()).isEqualTo(DeviceState.ERROR);
    side.quirks.drainNeverEnds = false;
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  private static HisiAccAlteredDevice failingKick(HisiAccSide side, int number)
      throws MigrationException {
    Region failing = new Failing(side.host.region(2), 0x1000, number);
    return new HisiAccAlteredDevice(side.host).withRegion(2, region -> failing);
  }

  @Test
  void twoDriversOfOneFunctionSeeOneState() throws MigrationException {
    HisiAccSide side = working();
    side.perform(Arc.RUNNING_TO_STOP);
    MigratableDevice second = new HisiAccMigrationDriver().attach(side.host);
    assertThat(second.state()).isEqualTo(DeviceState.STOP);
    SaveStream stream = ((ArcOutcome.Saving) second.perform(Arc.STOP_TO_STOP_COPY)).stream();
    assertThat(side.device.state()).isEqualTo(DeviceState.STOP_COPY);
    // Whoever lets go ends the streams that he opened, and no others.
    second.close();
    assertThatThrownBy(() -> stream.read(ByteBuffer.allocate(1))).hasMessageContaining("VF-1007");
    side.perform(Arc.STOP_COPY_TO_STOP);
    SaveStream own = side.save(Arc.STOP_TO_STOP_COPY);
    new HisiAccMigrationDriver().attach(side.host).close();
    assertThat(HisiAccSide.drain(own, 176)).hasSize(176);
    side.perform(Arc.STOP_COPY_TO_STOP);
    side.perform(Arc.STOP_TO_RUNNING);
    side.finish();
  }

  @Test
  void anotherFunctionOfTheChipHasAStateOfItsOwn() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.SEC, "vfs=2");
    HisiAccSide first = new HisiAccSide(clock, chip, 1);
    HisiAccSide second = new HisiAccSide(clock, chip, 2);
    first.perform(Arc.RUNNING_TO_STOP);
    assertThat(second.device.state()).isEqualTo(DeviceState.RUNNING);
  }
}
