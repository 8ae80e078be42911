package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The commands of each arc, as the firmware records them, against those of the kernel's driver
 * (Linux 6.12, {@code drivers/vfio/pci/mlx5/main.c}).
 */
class Mlx5ArcCommandsTest {

  private static final String QUERY = "QUERY_VHCA_MIGRATION_STATE(0) vhca=5 ";
  private static final String SAVE = "SAVE_VHCA_STATE(0) vhca=5 ";

  /** States of 1 MiB of content; one page more than that with the header of its image. */
  private static final String SMALL = "state=1MiB&chunks=";

  static Stream<Arguments> arcsWithoutData() {
    return Stream.of(
        Arguments.of(Arc.RUNNING_TO_RUNNING_P2P, List.of("SUSPEND_VHCA(0) vhca=5")),
        Arguments.of(Arc.RUNNING_P2P_TO_RUNNING, List.of("RESUME_VHCA(1) vhca=5")),
        Arguments.of(Arc.RUNNING_P2P_TO_STOP, List.of("SUSPEND_VHCA(1) vhca=5")),
        Arguments.of(Arc.STOP_TO_RUNNING_P2P, List.of("RESUME_VHCA(0) vhca=5")),
        Arguments.of(Arc.PRE_COPY_TO_PRE_COPY_P2P, List.of("SUSPEND_VHCA(0) vhca=5")),
        Arguments.of(Arc.PRE_COPY_P2P_TO_PRE_COPY, List.of("RESUME_VHCA(1) vhca=5")),
        Arguments.of(Arc.STOP_TO_RESUMING, List.of("ALLOC_PD(0)")));
  }

  @ParameterizedTest
  @MethodSource("arcsWithoutData")
  void anArcWithoutDataIsOneCommand(Arc arc, List<String> commands) throws Exception {
    try (Mlx5Side side = Mlx5Side.open(SMALL + "on")) {
      side.to(arc.from());
      side.bench.forgetCommands();

      side.perform(arc);

      assertThat(side.commands()).isEqualTo(commands);
      assertThat(side.device.state()).isEqualTo(arc.to());
    }
  }

  static Stream<Arguments> arcsThatOpenASaveStream() {
    return Stream.of(
        Arguments.of(
            "off",
            Arc.STOP_TO_STOP_COPY,
            List.of("ALLOC_PD(0)", QUERY + "inc=0 chunk=0", "CREATE_MKEY(0)"),
            "inc=0 track=0"),
        Arguments.of(
            "on",
            Arc.STOP_TO_STOP_COPY,
            List.of("ALLOC_PD(0)", QUERY + "inc=0 chunk=1", "CREATE_MKEY(0)", "CREATE_MKEY(0)"),
            "inc=0 track=0"),
        Arguments.of(
            "off",
            Arc.RUNNING_TO_PRE_COPY,
            List.of("ALLOC_PD(0)", QUERY + "inc=0 chunk=0", "CREATE_MKEY(0)", "CREATE_MKEY(0)"),
            "inc=0 track=1"),
        Arguments.of(
            "on",
            Arc.RUNNING_P2P_TO_PRE_COPY_P2P,
            List.of(
                "ALLOC_PD(0)",
                QUERY + "inc=0 chunk=1",
                "CREATE_MKEY(0)",
                "CREATE_MKEY(0)",
                "CREATE_MKEY(0)"),
            "inc=0 track=1"));
  }

  @ParameterizedTest
  @MethodSource("arcsThatOpenASaveStream")
  void anArcThatOpensASaveStreamAsksThenSaves(
      String chunks, Arc arc, List<String> before, String save) throws Exception {
    try (Mlx5Side side = Mlx5Side.open(SMALL + chunks)) {
      side.to(arc.from());
      side.bench.forgetCommands();

      side.perform(arc);

      List<String> commands = side.commands();
      assertThat(commands.subList(0, commands.size() - 1)).isEqualTo(before);
      assertThat(commands.get(commands.size() - 1)).startsWith(SAVE + save);
      assertThat(side.device.state()).isEqualTo(arc.to());
    }
  }

  static Stream<Arguments> chunkModes() {
    return Stream.of(Arguments.of("on", "chunk=1"), Arguments.of("off", "chunk=0"));
  }

  @ParameterizedTest
  @MethodSource("chunkModes")
  void stoppingAfterPreCopyFreezesThenAsksThenSavesTheRest(String chunks, String flag)
      throws Exception {
    try (Mlx5Side side = Mlx5Side.open(SMALL + chunks)) {
      side.to(DeviceState.PRE_COPY);
      side.readAll();
      side.bench.change(0, 3);
      side.to(DeviceState.PRE_COPY_P2P);
      side.bench.forgetCommands();

      side.perform(Arc.PRE_COPY_P2P_TO_STOP_COPY);

      assertThat(side.commands()).hasSize(3);
      assertThat(side.commands().subList(0, 2))
          .containsExactly("SUSPEND_VHCA(1) vhca=5", QUERY + "inc=1 " + flag);
      assertThat(side.commands().get(2)).startsWith(SAVE + "inc=1 track=0");
    }
  }

  @Test
  void endingAStreamSendsNoMigrationCommand() throws Exception {
    try (Mlx5Side side = Mlx5Side.open(SMALL + "on")) {
      side.to(DeviceState.STOP_COPY);
      byte[] stream = side.readAll();
      side.bench.forgetCommands();
      side.perform(Arc.STOP_COPY_TO_STOP);
      assertThat(side.commands())
          .containsExactly("DESTROY_MKEY(0)", "DESTROY_MKEY(0)", "DEALLOC_PD(0)");

      side.to(DeviceState.RESUMING);
      side.in().write(java.nio.ByteBuffer.wrap(stream));
      side.bench.forgetCommands();
      side.perform(Arc.RESUMING_TO_STOP);
      assertThat(side.commands()).containsExactly("DESTROY_MKEY(0)", "DEALLOC_PD(0)");
    }
  }

  @Test
  void anImageIsLoadedByTheWriteThatBringsItsLastByte() throws Exception {
    try (Mlx5Side source = Mlx5Side.open(SMALL + "off");
        Mlx5Side destination = Mlx5Side.open(SMALL + "off")) {
      source.to(DeviceState.STOP_COPY);
      byte[] stream = source.readAll();
      destination.to(DeviceState.RESUMING);
      destination.in().write(java.nio.ByteBuffer.wrap(stream, 0, stream.length - 1));
      destination.bench.forgetCommands();

      destination.in().write(java.nio.ByteBuffer.wrap(stream, stream.length - 1, 1));

      assertThat(destination.commands()).hasSize(1);
      assertThat(destination.commands().get(0)).startsWith("LOAD_VHCA_STATE(0) vhca=5 size=0x");
    }
  }

  @ParameterizedTest
  @MethodSource("chunkModes")
  void cancelOfPreCopyAsksAndSavesOnceMoreAndLeavesTrackingOff(String chunks, String flag)
      throws Exception {
    for (DeviceState from : List.of(DeviceState.PRE_COPY, DeviceState.PRE_COPY_P2P)) {
      try (Mlx5Side side = Mlx5Side.open(SMALL + chunks)) {
        side.to(from);
        side.readAll();
        assertThat(side.bench.tracked(0)).isTrue();
        side.bench.forgetCommands();

        side.to(from == DeviceState.PRE_COPY ? DeviceState.RUNNING : DeviceState.RUNNING_P2P);

        List<String> commands = side.commands();
        assertThat(commands.get(0)).isEqualTo(QUERY + "inc=1 " + flag);
        assertThat(commands.get(1)).startsWith(SAVE + "inc=0 track=0");
        assertThat(commands.subList(2, commands.size() - 1)).containsOnly("DESTROY_MKEY(0)");
        assertThat(commands.get(commands.size() - 1)).isEqualTo("DEALLOC_PD(0)");
        assertThat(side.bench.tracked(0)).isFalse();
      }
    }
  }

  @Test
  void cancelWithNothingReadAndNothingDirtySavesIntoNothing() throws Exception {
    try (Mlx5Side side = Mlx5Side.open(SMALL + "on")) {
      side.to(DeviceState.PRE_COPY);
      side.bench.forgetCommands();

      side.to(DeviceState.RUNNING);

      assertThat(side.commands().get(1)).isEqualTo(SAVE + "inc=0 track=0 size=0x0");
      assertThat(side.bench.tracked(0)).isFalse();
    }
  }

  @Test
  void suspendAndResumeNumberTheirSidesTheOtherWayRound() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("")) {
      Map<DeviceState, String> conditions = new java.util.LinkedHashMap<>();
      for (DeviceState state :
          List.of(
              DeviceState.RUNNING,
              DeviceState.RUNNING_P2P,
              DeviceState.STOP,
              DeviceState.RUNNING_P2P,
              DeviceState.RUNNING)) {
        conditions.put(side.to(state).device.state(), side.bench.condition(0));
      }

      assertThat(conditions.get(DeviceState.RUNNING)).isEqualTo("running");
      assertThat(conditions.get(DeviceState.RUNNING_P2P)).isEqualTo("initiator-suspended");
      assertThat(conditions.get(DeviceState.STOP)).isNotEqualTo("initiator-suspended");
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @Test
  void progressOfAQuiescentDeviceSendsNoCommand() throws Exception {
    try (Mlx5Side side = Mlx5Side.open(SMALL + "on")) {
      side.to(DeviceState.PRE_COPY_P2P);
      side.readAll();
      side.bench.change(0, 5);
      side.bench.forgetCommands();

      assertThat(side.remaining().dirtyBytes()).isZero();
      assertThat(side.commands()).isEmpty();
    }
  }

  @Test
  void refusesAnArcThatDoesNotStartHereAndSendsNothing() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("")) {
      side.bench.forgetCommands();

      MigrationException refusal =
          org.assertj.core.api.Assertions.catchThrowableOfType(
              MigrationException.class, () -> side.perform(Arc.STOP_TO_STOP_COPY));

      assertThat(refusal.code()).isEqualTo(io.vferry.spi.error.DeviceError.WRONG_STATE);
      assertThat(side.commands()).isEmpty();
    }
  }

  @Test
  void aCardIsStartedInTheOrderOfRdmaCoreAndTornDownInTheOther() throws Exception {
    Mlx5Side side = Mlx5Side.open(SMALL + "on");
    assertThat(side.commands())
        .containsExactly(
            "ENABLE_HCA(0)",
            "QUERY_ISSI(0)",
            "SET_ISSI(0)",
            "QUERY_PAGES(1)",
            "MANAGE_PAGES(1)",
            "ACCESS_REG(0)",
            "QUERY_HCA_CAP(0)",
            "QUERY_HCA_CAP(1)",
            "SET_HCA_CAP(0)",
            "QUERY_PAGES(2)",
            "MANAGE_PAGES(1)",
            "INIT_HCA(0)",
            "ALLOC_UAR(0)",
            "CREATE_EQ(0)",
            // Then the virtual function is looked up and enabled.
            "QUERY_HCA_CAP(64)",
            "ENABLE_HCA(0)",
            "QUERY_HCA_CAP(64)",
            "QUERY_HCA_CAP(1)",
            "QUERY_HCA_CAP(77)");
    side.bench.forgetCommands();

    side.close();

    assertThat(side.commands())
        .containsExactly(
            "DISABLE_HCA(0)",
            "DESTROY_EQ(0)",
            "DEALLOC_UAR(0)",
            "TEARDOWN_HCA(0)",
            "MANAGE_PAGES(2)",
            "DISABLE_HCA(0)");
    assertThat(side.bench.pagesGiven()).isZero();
    assertThat(side.bench.violations()).isEmpty();
  }
}
