package io.vferry.cli.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.plan.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page about manifests is true: its table is printed from the code, its example is read. */
class ManifestPageTest {

  private static final Path PAGE = Path.of("..", "docs", "reference", "manifest.md");
  private static final String BEGIN = "<!-- settings: printed by ManifestPageTest -->\n";
  private static final String END = "<!-- end of settings -->\n";

  /** To write the table anew: mvn -pl cli -am test -Dtest='ManifestPageTest' -Dvferry.docs=write */
  @Test
  void theTableShowsEachSettingWithItsDefault() throws IOException {
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    assertThat(begin).isBetween(BEGIN.length(), end);
    String printed = page.substring(0, begin) + table() + page.substring(end);
    if ("write".equals(System.getProperty("vferry.docs"))) {
      Files.writeString(PAGE, printed);
    }
    assertThat(PAGE).hasContent(printed);
  }

  @Test
  void theExampleIsAManifestThatNamesEachSetting(@TempDir Path directory) throws Exception {
    Matcher yaml = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL).matcher(page());
    assertThat(yaml.find()).isTrue();
    Path file = Files.writeString(directory.resolve("vm.yaml"), yaml.group(1));

    assertThat(ManifestReader.read(file).manifest().devices()).hasSize(2);
    for (Setting setting : Setting.values()) {
      assertThat(yaml.group(1)).contains("\n  " + setting.key() + ": ");
    }
  }

  private static String page() throws IOException {
    return Files.readString(PAGE);
  }

  private static String table() {
    StringBuilder table = new StringBuilder("| key | default | meaning |\n|---|---|---|\n");
    for (Setting setting : Setting.values()) {
      table.append(
          "| `%s` | `%s` | %s |\n".formatted(setting.key(), text(setting), setting.meaning()));
    }
    return table.toString();
  }

  private static String text(Setting setting) {
    Object value = setting.in(Settings.defaults());
    String key = setting.key();
    if (key.endsWith("-deadline") || key.endsWith("-limit")) {
      long millis = (long) value;
      return millis % 1000 == 0 ? millis / 1000 + "s" : millis + "ms";
    }
    if (key.equals("receive-window")) {
      return ((long) value >> 20) + "MiB";
    }
    return value.toString().toLowerCase(Locale.ROOT);
  }
}
