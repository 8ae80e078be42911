package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import org.junit.jupiter.api.Test;

/** What is noticed of a physical function while nobody waits for it. */
class Mlx5HealthTest {

  private static final long SECOND = 1_000_000_000L;

  @Test
  void aDeathOfWhichNobodyAskedIsNoticedWithinThreeLooks() throws Exception {
    Mlx5Side side = Mlx5Side.open("state=1MiB");
    side.bench.inject("SUSPEND_VHCA:health-stuck");
    side.to(DeviceState.RUNNING_P2P);
    side.clock.advance(9 * SECOND);
    side.bench.forgetCommands();

    // A single look after the long silence could not tell a counter that stands still.
    assertThat(catchThrowableOfType(MigrationException.class, side.device::state).code())
        .isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(side.commands()).isEmpty();
    side.close();
  }

  @Test
  void pagesAreServedWithoutAnInterruptAndWithoutAWaiter() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&pf-vectors=0")) {
      int before = side.bench.pagesGiven();
      side.bench.requestPages(0, 7);
      assertThat(side.bench.pagesGiven()).isEqualTo(before);

      side.clock.advance(3 * SECOND);

      assertThat(side.bench.pagesGiven()).isEqualTo(before + 7);
    }
  }

  @Test
  void nobodyLooksAtAFunctionThatWasLetGo() throws Exception {
    Mlx5Side side = Mlx5Side.open("state=1MiB");
    side.close();

    assertThat(side.clock.pending()).isZero();
  }
}
