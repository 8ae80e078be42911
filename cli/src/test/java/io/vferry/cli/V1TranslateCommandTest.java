package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class V1TranslateCommandTest {

  @TempDir private Path directory;

  private String trace(String... lines) throws Exception {
    return Files.writeString(directory.resolve("trace"), String.join("\n", lines)).toString();
  }

  @Test
  void explainsEachAccess() throws Exception {
    CommandRun run =
        CommandRun.of(
            "v1",
            "translate",
            trace(
                "# QEMU gives up a migration",
                "write device_state 3   # pre-copy",
                "",
                "read pending_bytes = 100",
                "write device_state 1",
                "write device_state 7 ! 22"));

    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .isEqualTo(
            """
               2  write device_state 3   # pre-copy
                  means  go from RUNNING (1) to PRE_COPY (3)
                  v2     SET MIG_DEVICE_STATE PRE_COPY: RUNNING -> PRE_COPY
                  v2     keep the new data_fd for read()
               4  read pending_bytes = 100
                  means  acknowledge the last chunk and ask for the next
                  v2     VFIO_MIG_GET_PRECOPY_INFO, which also makes some drivers give new data
                  v2     read(data_fd): ENOMSG or 0 means nothing now
               5  write device_state 1
                  means  go from PRE_COPY (3) to RUNNING (1)
                  v2     SET MIG_DEVICE_STATE RUNNING: PRE_COPY -> RUNNING
                  v2     close(data_fd)
                  only worked by luck
                         The text of v1 does not name this change; drivers took it because QEMU makes it.
               6  write device_state 7 ! 22
                  means  ask for what is no state
                  v2     it failed with errno 22; after a failed SET, GET MIG_DEVICE_STATE says where the device is, for v2 does not go back by itself
                  illegal
                         7 is no state; a driver answers EINVAL.

            4 accesses: 2 legal, 1 only worked by luck, 1 illegal
            """);
    assertThat(run.exitCode()).isZero();
  }

  @Test
  void takesTheFeaturesOfTheDevice() throws Exception {
    CommandRun run =
        CommandRun.of("v1", "translate", trace("write device_state 3"), "--features", "none");
    assertThat(run.out()).contains("this device has no pre-copy and goes on running");
  }

  @Test
  void printsALineOfJsonForEachAccess() throws Exception {
    CommandRun run =
        CommandRun.of(
            "v1", "translate", trace("read device_state = 1", "write data 0 4"), "-o", "json");
    assertThat(run.out().lines()).hasSize(2);
    Map<String, Object> first = JsonValue.parseObject(run.out().lines().findFirst().orElseThrow());
    assertThat(first).containsKeys("line", "access", "meaning", "v2", "verdict", "remarks");
    assertThat(run.out()).contains("\"verdict\":\"legal\"").contains("\"verdict\":\"illegal\"");
  }

  @Test
  void namesTheLineThatIsWrong() throws Exception {
    String file = trace("read device_state = 1", "write devcie_state 3");
    CommandRun run = CommandRun.of("v1", "translate", file);
    assertThat(run.err())
        .isEqualTo(
            file
                + ":2: 'devcie_state' is no field; they are device_state, pending_bytes,"
                + " data_offset and data_size\n");
    assertThat(run.exitCode()).isEqualTo(2);
  }

  @Test
  void saysThatThereIsNoSuchFile() {
    CommandRun run = CommandRun.of("v1", "translate", directory.resolve("none").toString());
    assertThat(run.err()).startsWith("vferry v1 translate: cannot read ");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(CommandRun.of("v1").exitCode()).isEqualTo(2);
    assertThat(CommandRun.of("v1", "translate").exitCode()).isEqualTo(2);
  }
}
