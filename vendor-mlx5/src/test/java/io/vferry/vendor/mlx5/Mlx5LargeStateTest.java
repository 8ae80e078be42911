package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.mlx5.command.QueryVhcaMigrationState.Sizes;
import io.vferry.vendor.mlx5.queue.CommandException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** States beyond 4 GiB, which one command cannot name. */
class Mlx5LargeStateTest {

  private static final String STATE = "state=5GiB&chunks=";

  @Test
  void moreThan4GibIsSavedInChunksOf8Mib() throws Exception {
    try (Mlx5Side side = Mlx5Side.open(STATE + "on")) {
      StopCopyEstimate estimate = side.device.capability(StopCopyEstimate.class).orElseThrow();
      assertThat(estimate.stopCopyBytes().orElseThrow()).isGreaterThan(5L << 30);

      side.to(DeviceState.STOP_COPY);

      ByteBuffer begin = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
      side.out().read(begin);
      assertThat(begin.getLong(16)).as("announced buffer").isEqualTo(8 << 20);
      assertThat(begin.getLong(24)).as("first image").isBetween(7L << 20, 8L << 20);
      ByteBuffer piece = ByteBuffer.allocateDirect(1 << 20);
      for (int megabyte = 0; megabyte < 40; megabyte++) {
        side.out().read(piece.clear());
      }
      assertThat(side.commands())
          .filteredOn(command -> command.startsWith("SAVE"))
          .hasSizeBetween(5, 7)
          .allSatisfy(command -> assertThat(command).endsWith("size=0x800000"));
      side.to(DeviceState.RUNNING);
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"STOP_TO_STOP_COPY", "RUNNING_TO_PRE_COPY"})
  void moreThan4GibWithoutChunksIsRefusedBeforeAnythingIsAllocated(Arc arc) throws Exception {
    try (Mlx5Side side = Mlx5Side.open(STATE + "off")) {
      side.to(arc.from());
      side.bench.forgetCommands();

      assertThatThrownBy(() -> side.perform(arc))
          .isInstanceOfSatisfying(
              MigrationException.class,
              e -> {
                assertThat(e.code()).isEqualTo(DeviceError.OUT_OF_RESOURCES);
                assertThat(e.condition()).isEqualTo(DeviceCondition.USABLE);
                assertThat(e).hasMessageContaining("a SAVE takes at most 4294963200");
              });

      assertThat(side.commands())
          .noneMatch(command -> command.startsWith("CREATE_MKEY") || command.startsWith("SAVE"));
      assertThat(side.device.state()).isEqualTo(arc.from());
      side.to(DeviceState.RUNNING);
    }
  }

  @ParameterizedTest
  @CsvSource({
    // what is needed, what is left in all, chunks, running: the buffer and how many of them
    "0x801000, 0x801000, false, false, 0x801000, 1",
    "0x800001, 0x801000, false, false, 0x801000, 1",
    "0xa00000, 0xa00000, false, true, 0xb00000, 1",
    "0xfffff000, 0xfffff000, false, false, 0xfffff000, 1",
    "0xffffe001, 0xffffe001, false, true, 0xfffff000, 1",
    "0x1000, 0x140000000, true, true, 0x800000, 2",
    "0x900000, 0x140000000, true, false, 0x900000, 2",
    "0x1000, 0x5000, true, false, 0x5000, 2",
    "0, 0, true, false, 0x1000, 2",
  })
  void buffersAreAsLargeAsTheKernelMakesThem(
      String needed, String left, boolean chunks, boolean running, String buffer, int count)
      throws Exception {
    Sizes asked = new Sizes(0, Long.decode(needed), Long.decode(left));

    assertThat(SaveSizes.of(asked, chunks, running))
        .isEqualTo(new SaveSizes(Long.decode(buffer), count));
  }

  @Test
  void aBufferBeyond4GibLessAPageIsNoBuffer() {
    assertThatThrownBy(() -> SaveSizes.room(new Sizes(0, 0xffff_f001L, 0)))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("4294963201 bytes");
  }
}
