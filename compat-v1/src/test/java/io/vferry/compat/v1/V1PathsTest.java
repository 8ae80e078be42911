package io.vferry.compat.v1;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each bit pattern from each bit pattern, on devices of each kind. */
class V1PathsTest {

  private static final List<FeatureSet> COLUMNS =
      List.of(
          FeatureSet.STOP_COPY_P2P_PRE_COPY,
          FeatureSet.STOP_COPY_PRE_COPY,
          FeatureSet.STOP_COPY_P2P,
          FeatureSet.STOP_COPY);

  record Pair(int from, int to, FeatureSet features, String expected) {}

  static List<Pair> pairs() throws IOException {
    List<Pair> pairs = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                V1PathsTest.class.getResourceAsStream("paths.golden.txt"), UTF_8))) {
      for (String line : reader.lines().filter(text -> !text.startsWith("#")).toList()) {
        String[] cells = line.split(" : ");
        String[] ends = cells[0].split(" ");
        for (int i = 0; i < COLUMNS.size(); i++) {
          pairs.add(
              new Pair(
                  Integer.parseInt(ends[0]),
                  Integer.parseInt(ends[1]),
                  COLUMNS.get(i),
                  cells[i + 1]));
        }
      }
    }
    return pairs;
  }

  @Test
  void theTableIsWhole() throws IOException {
    assertThat(pairs()).hasSize(8 * 8 * 4);
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void takesThePathOfTheTable(Pair pair) throws MigrationException {
    ToyDevice device = new ToyDevice(pair.features(), 1000, 7);
    V1MigrationRegion region = new V1MigrationRegion(device, Regions.trapped(4096));
    V1Client client = V1Client.of(region);
    if (pair.expected().equals("unreachable")) {
      assertThat(Errnos.of(() -> client.state(pair.from()))).isEqualTo(22);
      assertThat(client.state()).isEqualTo(1);
      assertThat(device.path).isEmpty();
      return;
    }
    bring(device, client, pair.from());
    assertThat(client.state()).isEqualTo(pair.from());
    DeviceState before = device.state();
    device.path.clear();

    // Reserved bits are ignored, and read 0.
    int errno = Errnos.of(() -> client.state(pair.to() | 0x5a5a_5a50));

    if (pair.expected().equals("EINVAL")) {
      assertThat(errno).isEqualTo(22);
      assertThat(device.path).isEmpty();
      assertThat(client.state()).isEqualTo(pair.from());
      return;
    }
    assertThat(errno).isZero();
    String path =
        Stream.concat(Stream.of(before), device.path.stream())
            .map(Enum::name)
            .collect(Collectors.joining(">"));
    assertThat(device.path.isEmpty() ? "none" : path).isEqualTo(pair.expected());
    assertThat(client.state()).isEqualTo(pair.to());
  }

  private static void bring(ToyDevice device, V1Client client, int bits) throws MigrationException {
    switch (bits) {
      case 1 -> {}
      case 4 -> {
        client.state(4);
        client.load(ToyDevice.stream(device.content));
      }
      case 6 -> {
        Arc stop = device.features().p2p() ? Arc.RUNNING_TO_RUNNING_P2P : Arc.RUNNING_TO_STOP;
        device.fail(stop, DeviceState.ERROR);
        assertThat(Errnos.of(() -> client.state(0))).isEqualTo(5);
        device.repair();
      }
      default -> client.state(bits);
    }
  }
}
