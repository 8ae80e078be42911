package io.vferry.spi.access;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.state.DeviceState;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AccessPolicyTest {

  @Test
  void eachCellIsWhatTheSourcesSay() throws IOException {
    List<String> lines = golden();
    List<DeviceState> states =
        Arrays.stream(lines.get(0).split(" +")).skip(1).map(DeviceState::valueOf).toList();
    assertThat(states).containsExactlyInAnyOrder(DeviceState.values());
    Set<Access> seen = new HashSet<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(" +");
      Access access = Access.valueOf(cells[0]);
      assertThat(cells).hasSize(states.size() + 1);
      for (int i = 0; i < states.size(); i++) {
        assertThat(AccessTable.word(AccessPolicy.permission(access, states.get(i))))
            .as("%s in %s", access, states.get(i))
            .isEqualTo(cells[i + 1]);
      }
      seen.add(access);
    }
    assertThat(seen).containsExactlyInAnyOrder(Access.values());
  }

  /** To write the page anew: mvn -pl spi -am test -Dtest='AccessPolicyTest' -Dvferry.docs=write */
  @Test
  void theManualShowsThisTable() throws IOException {
    Path page = Path.of("..", "docs", "reference", "access.md");
    if ("write".equals(System.getProperty("vferry.docs"))) {
      Files.createDirectories(page.getParent());
      Files.writeString(page, AccessTable.markdown());
    }
    assertThat(page).hasContent(AccessTable.markdown());
  }

  private static List<String> golden() throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                AccessPolicyTest.class.getResourceAsStream("access.golden.txt"), UTF_8))) {
      return reader.lines().filter(line -> !line.startsWith("#")).toList();
    }
  }
}
