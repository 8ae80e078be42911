package io.vferry.spi.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceParametersTest {

  private enum Mode {
    FAST_PATH,
    SLOW
  }

  private static DeviceParameters with(String value) {
    return new DeviceParameters("nic0", Map.of("key", value));
  }

  private static void refused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String text) {
    assertThatThrownBy(call)
        .hasMessageContaining(text)
        .isInstanceOfSatisfying(
            MigrationException.class, e -> assertThat(e.code()).isEqualTo(DeviceError.BAD_REQUEST));
  }

  @Test
  void whatIsNotThereIsTheFallback() throws MigrationException {
    DeviceParameters none = new DeviceParameters("nic0", Map.of());
    assertThat(none.has("a")).isFalse();
    assertThat(none.text("b")).isEmpty();
    assertThat(none.number("c", -7, 0, 1)).isEqualTo(-7);
    assertThat(none.bytes("d", -1, 0, 1)).isEqualTo(-1);
    assertThat(none.nanos("e", 9, 0, 1)).isEqualTo(9);
    assertThat(none.flag("f", true)).isTrue();
    assertThat(none.choice("g", Mode.SLOW)).isEqualTo(Mode.SLOW);
    assertThat(none.known()).containsExactlyInAnyOrder("a", "b", "c", "d", "e", "f", "g");
    none.finish();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "17, 17",
    "3B, 3",
    "2KiB, 2048",
    "64MiB, 67108864",
    "1GiB/s, 1073741824",
    "4TiB, 4398046511104"
  })
  void readsSizes(String text, long bytes) throws MigrationException {
    assertThat(with(text).bytes("key", 0, 0, Long.MAX_VALUE)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @CsvSource({"5QiB", "-1", "1.5MiB", "99999999999GiB", "9999999999999999", "''", "MiB", "1 MiB"})
  void refusesWhatIsNoSize(String text) {
    refused(
        () -> with(text).bytes("key", 0, 0, Long.MAX_VALUE),
        "parameter key of nic0 is '" + text + "', but must be a size from 0 to");
  }

  @Test
  void refusesWhatIsOutOfRange() {
    refused(() -> with("4KiB").bytes("key", 0, 0, 4095), "from 0 to 4095 bytes");
    refused(() -> with("3").number("key", 0, 4, 5), "a number from 4 to 5");
    refused(() -> with("9999999999999999999").number("key", 0, 0, 5), "a number from 0 to 5");
    refused(() -> with("1us").nanos("key", 0, 1001, 2000), "a time from 1001 to 2000 ns");
  }

  @ParameterizedTest
  @CsvSource({"7, 7", "7ns, 7", "500us, 500000", "3ms, 3000000", "2s, 2000000000"})
  void readsTimes(String text, long nanos) throws MigrationException {
    assertThat(with(text).nanos("key", 0, 0, Long.MAX_VALUE)).isEqualTo(nanos);
    assertThat(DeviceParameters.parseNanos(text)).isEqualTo(OptionalLong.of(nanos));
  }

  @ParameterizedTest
  @CsvSource({"1h", "-1", "999999999999999s", "0.5s", "''"})
  void knowsWhatIsNoTime(String text) {
    assertThat(DeviceParameters.parseNanos(text)).isEmpty();
    refused(() -> with(text).nanos("key", 0, 0, Long.MAX_VALUE), "for example 500us");
  }

  @ParameterizedTest
  @CsvSource({"on, true", "true, true", "off, false", "false, false"})
  void readsSwitches(String text, boolean value) throws MigrationException {
    assertThat(with(text).flag("key", !value)).isEqualTo(value);
  }

  @Test
  void readsChoices() throws MigrationException {
    assertThat(with("fast-path").choice("key", Mode.SLOW)).isEqualTo(Mode.FAST_PATH);
    assertThat(with("FAST_PATH").choice("key", Mode.SLOW)).isEqualTo(Mode.FAST_PATH);
    refused(() -> with("faster").choice("key", Mode.SLOW), "one of fast-path, slow");
    refused(() -> with("maybe").flag("key", true), "on or off");
  }

  @Test
  void refusesWhatNobodyAskedForAndListsWhatThereIs() {
    DeviceParameters parameters = new DeviceParameters("nic0", Map.of("stat", "1"));
    refused(parameters::finish, "nic0 has no parameter 'stat'; it has none");
    for (String key : new String[] {"time.STOP", "state", "time.RUNNING", "time"}) {
      assertThat(parameters.has(key)).isFalse();
    }
    refused(parameters::finish, "nic0 has no parameter 'stat'; it has state, time, time.NAME");
  }
}
