package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MigratingPageTest {

  /**
   * To write the page anew: mvn -pl compat-v1 -am test -Dtest=MigratingPageTest -Dvferry.docs=write
   */
  @Test
  void theManualShowsTheseTables() throws IOException {
    Path page = Path.of("..", "docs", "migrating-from-v1.md");
    String text = MigratingPage.withTables(Files.readString(page));
    if ("write".equals(System.getProperty("vferry.docs"))) {
      Files.writeString(page, text);
    }
    assertThat(page).hasContent(text);
  }
}
