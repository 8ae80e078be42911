package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.client.LibvfioUser.Answer;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What comes out when both sides have said what they can. */
@EnabledOnOs(OS.LINUX)
class AgreementTest {

  private static final int VERSION = 1;

  /** What the server sends along with its version. */
  private final List<Fd> files = new ArrayList<>();

  private final LibvfioUser server = new LibvfioUser(Version.JUNE, 64);
  private String proposed = "";

  private Agreement reach(String parameters, String granted) throws Exception {
    server.versionJson = "{\"capabilities\":{%s}}".formatted(granted);
    server.on(
        VERSION,
        (message, got, usual) -> {
          proposed = new String(LibvfioUser.body(message), StandardCharsets.UTF_8);
          return List.of(new Answer(usual.get().get(0).bytes(), files));
        });
    ClientChannel channel =
        new ClientChannel(
            "/run/test.sock",
            Conversation.over(
                "/run/test.sock", server.connection(), (header, command, in, answers) -> {}),
            1_000_000_000,
            () -> 0);
    return Agreement.reach(
        channel, ClientParameters.of(DeviceAddress.parse("vfio-user:/run/test.sock" + parameters)));
  }

  private MigrationException refused(String parameters, String granted) {
    return catchThrowableOfType(MigrationException.class, () -> reach(parameters, granted));
  }

  private Fd file() throws Exception {
    Fd file;
    try (EventFd event = new EventFd()) {
      file = new Fd(event.fd().duplicate());
    }
    files.add(file);
    return file;
  }

  private static boolean open(Fd file) {
    if (file.claim() < 0) {
      return false;
    }
    file.release();
    return true;
  }

  @AfterEach
  void closeFiles() {
    files.forEach(Fd::close);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // Parameters, what the server says, then most to read and most to write at once.
        "                                  |                                  | 1048576 | 32768",
        "                                  | \"reassembly\":true              | 1048576 | 1048576",
        "?transfer=8KiB                    |                                  | 8192    | 8192",
        "?transfer=8KiB                    | \"max_data_xfer_size\":65536     | 8192    | 8192",
        "                                  | \"max_data_xfer_size\":4096      | 4096    | 4096",
        "?write-chunk=64KiB                | \"max_data_xfer_size\":16384     | 16384   | 16384",
        "?write-chunk=64KiB                | \"max_data_xfer_size\":1048576   | 1048576 | 65536",
        "                                  | \"max_data_xfer_size\":4294971392 | 1048576 | 32768",
      })
  void neitherSideGetsMoreAtOnceThanItTakes(
      String parameters, String granted, int readBytes, int writeBytes) throws Exception {
    Agreement agreement =
        reach(parameters == null ? "" : parameters, granted == null ? "" : granted);
    assertThat(agreement.readBytes()).isEqualTo(readBytes);
    assertThat(agreement.writeBytes()).isEqualTo(writeBytes);
  }

  @Test
  void filesOfAMessageAreWhatTheServerAndTheKernelTake() throws Exception {
    assertThat(reach("", "").files()).isEqualTo(1);
    assertThat(reach("", "\"max_msg_fds\":0").files()).isZero();
    assertThat(reach("", "\"max_msg_fds\":100000").files()).isEqualTo(253);
  }

  @Test
  void mappingsAreInTheSmallestPagesThatTheServerTakes() throws Exception {
    assertThat(reach("", "").pageBytes()).isEqualTo(4096);
    assertThat(reach("", "\"pgsizes\":2162688").pageBytes()).isEqualTo(65536);
    assertThat(refused("", "\"pgsizes\":6144"))
        .hasMessageContaining("its page sizes, 0x1800, are no multiples of 4096");
  }

  @Test
  void aSecondSocketIsTakenOnlyIfItWasProposed() throws Exception {
    Fd twin = file();
    String granted = "\"twin_socket\":{\"supported\":true,\"fd_index\":0}";
    assertThat(reach("", granted).twin()).containsSame(twin);
    assertThat(proposed).contains("\"twin_socket\":{\"supported\":true}");
    MigrationException e = refused("?twin-socket=off", granted);
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(e).hasMessageContaining("a second socket, which was not proposed");
    assertThat(proposed).doesNotContain("twin_socket");
    assertThat(open(twin)).as("what came with a refused version").isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"twin_socket\":{\"supported\":false,\"fd_index\":0}",
        "\"twin_socket\":{\"supported\":true,\"fd_index\":2}",
        "\"twin_socket\":{\"supported\":true}",
        ""
      })
  void whatIsNoSecondSocketIsClosed(String granted) throws Exception {
    Fd first = file();
    Fd second = file();
    assertThat(reach("", granted).twin()).isEmpty();
    assertThat(open(first)).isFalse();
    assertThat(open(second)).isFalse();
  }

  @Test
  void ofSeveralFilesTheSecondSocketIsKept() throws Exception {
    Fd first = file();
    Fd second = file();
    assertThat(reach("", "\"twin_socket\":{\"supported\":true,\"fd_index\":1}").twin())
        .containsSame(second);
    assertThat(open(first)).isFalse();
    assertThat(open(second)).isTrue();
  }
}
