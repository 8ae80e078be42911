package io.vferry.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProgressViewTest {

  private static final long MIB = 1 << 20;

  private static final MigrationStatus STATUS =
      new MigrationStatus(
          Phase.PRECOPY,
          3217,
          Optional.of(new ExpectedDowntime(412, 305, 690)),
          new MigrationStatus.Ram(256 * MIB, 310 * MIB, 64 * MIB, 3, 42 * MIB, 812 * MIB),
          List.of(
              new MigrationStatus.Device("nic0", DeviceState.PRE_COPY, 48 * MIB, 16 * MIB, false),
              new MigrationStatus.Device(
                  "a-device-with-a-long-name", DeviceState.PRE_COPY_P2P, 64 * MIB, 0, true),
              new MigrationStatus.Device("gpu0", DeviceState.RUNNING, 0, 256 * MIB, false)));

  @Test
  void printsALiveView() {
    assertThat(String.join("\n", view(80, 10, false, false).lines(STATUS)))
        .isEqualTo(
            """
            mixed-vm  3.2 s  precopy  expected-downtime 412 ms, limit 300 ms
                                                                     sent       left
            memory          round 3       ###############-----  310.0 MiB   64.0 MiB
            nic0            PRE_COPY      ###############-----   48.0 MiB   16.0 MiB
            a-device-with-~ PRE_COPY_P2P  ####################   64.0 MiB       done
            gpu0            RUNNING       --------------------        0 B  256.0 MiB
            memory: 812.0 MiB/s sent, the guest dirties 42.0 MiB/s""");
  }

  @Test
  void usesColourAndBlocksWhereTheTerminalHasThem() {
    List<String> lines = view(80, 10, true, true).lines(STATUS);

    assertThat(lines.get(0))
        .isEqualTo(
            "\u001b[1mmixed-vm  3.2 s  \u001b[0m\u001b[32mprecopy\u001b[0m"
                + "\u001b[33m  expected-downtime 412 ms, limit 300 ms\u001b[0m");
    assertThat(lines.get(3)).contains("███████████████░░░░░");
    assertThat(lines.get(4)).startsWith("a-device-with-…").contains("\u001b[32m████");
  }

  @Test
  void neverUsesEscapesWithoutColour() {
    assertThat(String.join("", view(80, 10, false, true).lines(STATUS))).doesNotContain("\u001b");
  }

  @Test
  void staysInsideTheTerminal() {
    for (int columns = 20; columns <= 120; columns++) {
      int width = columns;
      assertThat(view(columns, 10, false, false).lines(STATUS))
          .allSatisfy(line -> assertThat(line.length()).isLessThan(width));
    }
  }

  @Test
  void showsDevicesThatAreNotDoneIfThereAreTooMany() {
    List<MigrationStatus.Device> devices = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      devices.add(new MigrationStatus.Device("d" + i, DeviceState.STOP_COPY, MIB, MIB, i < 60));
    }
    MigrationStatus status =
        new MigrationStatus(
            Phase.STOP_COPY,
            5000,
            Optional.empty(),
            new MigrationStatus.Ram(0, 0, 0, 0, 0, 0),
            devices);

    List<String> lines = view(80, 5, false, false).lines(status);

    assertThat(lines).hasSize(8);
    assertThat(lines.subList(2, 7))
        .extracting(line -> line.split(" ")[0])
        .containsExactly("d0", "d60", "d61", "d62", "d63");
    assertThat(lines.get(7)).isEqualTo("and 59 more devices");
  }

  @Test
  void printsOneLineForALog() {
    assertThat(view(80, 10, false, false).line(STATUS))
        .isEqualTo(
            "  3.2 s  precopy      memory round 3, 310.0 MiB sent, 64.0 MiB left"
                + "  devices 1 of 3 done, 112.0 MiB sent, 272.0 MiB left");
  }

  @Test
  void barIsFullOnlyAtTheEnd() {
    assertThat(TextBar.draw(0, 4, false)).isEqualTo("----");
    assertThat(TextBar.draw(0.001, 4, false)).isEqualTo("#---");
    assertThat(TextBar.draw(0.999, 4, false)).isEqualTo("###-");
    assertThat(TextBar.draw(1, 4, false)).isEqualTo("####");
    assertThat(TextBar.draw(7, 4, false)).isEqualTo("####");
    assertThat(TextBar.draw(Double.NaN, 4, false)).isEqualTo("----");
  }

  private static ProgressView view(int columns, int maxDevices, boolean colour, boolean unicode) {
    return new ProgressView("mixed-vm", 300, columns, maxDevices, colour, unicode);
  }
}
