package io.vferry.vendor.mlx5.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.mlx5.ScriptedFunction;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a physical function is not started for, and what is waited for before. */
class FunctionStartTest {

  private static final int INITIALISING = 1 << 31;
  private static final long SECOND = 1_000_000_000L;

  private final ScriptedFunction function = new ScriptedFunction();

  private String refusal() {
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> PhysicalFunction.start(function));
    assertThat(function.mappings()).as("memory left mapped").isZero();
    return e.getMessage();
  }

  @Test
  void anotherRevisionOfTheCommandInterfaceIsNotSpoken() {
    function.register(0x4, 6 << 16 | 1000);

    assertThat(refusal()).contains("speaks revision 6 of the command interface, not 5");
    assertThat(function.entries()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"6, 6", "0, 6", "5, 5", "5, 8"})
  void aQueueThatDoesNotFitIntoItsPageIsNotUsed(int logSlots, int logStride) {
    function.register(0x14, logSlots << 4 | logStride);

    assertThat(refusal()).contains("2^%d slots, 2^%d bytes apart".formatted(logSlots, logStride));
  }

  @Test
  void firmwareThatIsNotReadyIsWaitedForTwoMinutes() {
    function.register(0x1fc, INITIALISING);

    assertThat(refusal()).contains("is still initialising after 120000 ms");
    assertThat(function.nanos()).isBetween(120 * SECOND, 121 * SECOND);
    assertThat(function.register(0x10)).as("address of the queue").isZero();
  }

  @Test
  void theAddressIsWrittenOnceTheFirmwareIsReadyAndThenItGetsTwoSeconds() {
    function.register(0x1fc, INITIALISING);
    function.onPause(
        () -> {
          assertThat(function.register(0x14)).as("no address yet").isEqualTo(5 << 4 | 6);
          function.register(0x1fc, 0);
          function.onWrite(0x14, () -> function.register(0x1fc, INITIALISING));
        });

    assertThat(refusal()).contains("is still initialising after 2000 ms");
    assertThat(function.register(0x14) & 0xfff).as("low bits of the address").isZero();
  }

  @Test
  void aFunctionThatLeavesTheBusMeanwhileIsNotWaitedFor() {
    function.register(0x1fc, INITIALISING);
    function.onPause(function::remove);

    assertThat(refusal()).contains("off the bus");
    assertThat(function.nanos()).isLessThan(SECOND);
  }

  @Test
  void firmwareWithoutCommandFormat1IsNotUsed() {
    function.script(input -> Optional.of(new byte[0]));

    assertThat(refusal()).contains("does not know command format 1");
    assertThat(function.commands()).hasSize(2);
  }

  @Test
  void theTimeThatTheFirmwareAdvisesIsTheLimitOfEachCommand() {
    function.register(0xffc, 1);
    function.register(0xff8, 1 << 29 | 3);
    function.script(input -> Optional.empty());

    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> PhysicalFunction.start(function));

    assertThat(e.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(e).hasMessageContaining("ENABLE_HCA got no answer in 3000 ms");
  }
}
