package io.vferry.spi.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceAddressTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vfio:0000:3b:00.2",
        "vfio:83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
        "vfio-user:/run/dev.sock",
        "sim:mlx5?state=64MiB",
        "sim:mlx5?state=64MiB&dirty=1GiB/s&p2p=",
        "sim:a b?x=y=z?&q=ü",
        "s:::"
      })
  void isPrintedAsItWasRead(String text) {
    assertThat(DeviceAddress.parse(text)).hasToString(text);
  }

  @Test
  void hasParts() {
    DeviceAddress address = DeviceAddress.parse("sim:mlx5?b=2&a=1");
    assertThat(address.scheme()).isEqualTo("sim");
    assertThat(address.path()).isEqualTo("mlx5");
    assertThat(address.parameters()).containsExactly(Map.entry("b", "2"), Map.entry("a", "1"));
    assertThatThrownBy(() -> address.parameters().put("c", "3"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        "vfio",
        "vfio:",
        "vfio:?a=1",
        ":path",
        "Vfio:x",
        "1a:x",
        "-a:x",
        "v fio:x",
        "a?b:c",
        "sim:x?",
        "sim:x?a",
        "sim:x?=1",
        "sim:x?a=1&",
        "sim:x?a=1&&b=2",
        "sim:x?a=1&a=2",
        "sim:x\ny",
        "sim:x\u0000",
        "sim:x?a\n=1",
        "sim:x?a=1\u001b[2J",
        "sim:x\u0085"
      })
  void refusesWhatIsNone(String text) {
    assertThatThrownBy(() -> DeviceAddress.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'");
  }

  @Test
  void onlyWhatCanBePrintedCanBeMade() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int made = 0;
    for (int round = 0; round < 20_000; round++) {
      Map<String, String> parameters = new LinkedHashMap<>();
      for (int n = random.nextInt(3); n > 0; n--) {
        parameters.put(word(random), word(random));
      }
      DeviceAddress address;
      try {
        address = new DeviceAddress("sim", word(random), parameters);
      } catch (IllegalArgumentException e) {
        continue;
      }
      made++;
      DeviceAddress again = DeviceAddress.parse(address.toString());
      assertThat(again).as("seed %d", seed).isEqualTo(address);
      assertThat(again.parameters().toString()).isEqualTo(address.parameters().toString());
    }
    assertThat(made).isGreaterThan(1000);
  }

  private static String word(Random random) {
    StringBuilder word = new StringBuilder();
    for (int n = random.nextInt(4); n > 0; n--) {
      word.append("ab:=&?\n/ ".charAt(random.nextInt(9)));
    }
    return word.toString();
  }
}
