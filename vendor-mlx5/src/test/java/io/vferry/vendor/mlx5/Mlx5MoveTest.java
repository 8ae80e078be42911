package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.driver.PrecopyProgress.Remaining;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.mlx5.model.Mlx5Assumption;
import io.vferry.vendor.mlx5.model.Mlx5TestClock;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Moves whole functions between modelled cards; their content proves that nothing was lost. */
class Mlx5MoveTest {

  private static final int CHUNKS_OF_8_MIB = 8 << 20;

  /** Moves with pre-copy while the state changes. */
  private static void move(Mlx5Side source, Mlx5Side destination, long seed)
      throws MigrationException {
    SplittableRandom random = new SplittableRandom(seed);
    destination.to(DeviceState.RESUMING);
    source.to(DeviceState.PRE_COPY);
    for (int round = 0; round < 3; round++) {
      pump(source, destination);
      source.bench.change(source.vf, random.nextInt(1, 40));
      source.remaining();
    }
    source.to(DeviceState.STOP_COPY);
    pump(source, destination);
    destination.to(DeviceState.STOP);
    assertThat(destination.fingerprint()).as("seed %d", seed).isEqualTo(source.fingerprint());
    source.to(DeviceState.STOP);
    destination.to(DeviceState.RUNNING);
  }

  private static void pump(Mlx5Side source, Mlx5Side destination) throws MigrationException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(300_000);
    while (source.out().read(buffer.clear()) == SaveStream.Status.DATA) {
      destination.in().write(buffer.flip());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"chunks=on", "chunks=off", "chunks=on&log-slots=1", "chunks=on&vf=0"})
  void arrivesWhole(String parameters) throws Exception {
    String card = "state=20MiB&" + parameters.replace("&vf=0", "");
    try (Mlx5Side source = Mlx5Side.open(card + "&seed=1");
        Mlx5Side destination = Mlx5Side.open(card + "&seed=2")) {
      assertThat(destination.fingerprint()).isNotEqualTo(source.fingerprint());

      move(source, destination, 11);

      assertThat(source.bench.violations()).isEmpty();
      assertThat(destination.bench.violations()).isEmpty();
      assertThat(destination.bench.condition(0)).isEqualTo("running");
    }
  }

  @Test
  void movesThereAndBackFiftyTimes() throws Exception {
    try (Mlx5Side first = Mlx5Side.open("state=1MiB&seed=1");
        Mlx5Side second = Mlx5Side.open("state=1MiB&seed=2")) {
      int objects = first.bench.objects();
      for (int trip = 0; trip < 50; trip++) {
        move(first, second, trip);
        first.device.reset();
        move(second, first, 1000 + trip);
        second.device.reset();
      }

      assertThat(first.bench.objects()).as("no object is left over").isEqualTo(objects);
      assertThat(first.bench.violations()).isEmpty();
      assertThat(second.bench.violations()).isEmpty();
    }
  }

  @Test
  void movesAFunctionThatItsGuestNeverStarted() throws Exception {
    try (Mlx5Side source = Mlx5Side.open("guest-boots=on&seed=1");
        Mlx5Side destination = Mlx5Side.open("guest-boots=on&seed=2")) {
      source.to(DeviceState.STOP_COPY);
      destination.load(source.readAll());

      assertThat(destination.fingerprint()).isEqualTo(source.fingerprint());
      destination.to(DeviceState.RUNNING);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void functionsOfOneCardMoveAtOnceWithoutWaitingForEachOther(int count) throws Exception {
    Mlx5TestClock clock = new Mlx5TestClock();
    SharedParts left = new SharedParts();
    SharedParts right = new SharedParts();
    List<Mlx5Side> sources = new ArrayList<>();
    List<Mlx5Side> destinations = new ArrayList<>();
    String card = "vfs=4&state=10MiB&chunks=off&save-time=100ms&load-time=0ms&seed=";
    try {
      for (int vf = 0; vf < count; vf++) {
        sources.add(Mlx5Side.open(card + vf, clock, left, vf));
        destinations.add(Mlx5Side.open(card + (vf + 10), clock, right, vf));
        destinations.get(vf).to(DeviceState.RESUMING);
      }
      for (Mlx5Side source : sources) {
        source.to(DeviceState.RUNNING_P2P);
      }
      for (Mlx5Side source : sources) {
        source.to(DeviceState.STOP);
      }
      long begin = clock.nanoTime();
      for (Mlx5Side source : sources) {
        source.perform(Arc.STOP_TO_STOP_COPY);
      }
      for (int vf = 0; vf < count; vf++) {
        pump(sources.get(vf), destinations.get(vf));
      }
      long millis = (clock.nanoTime() - begin) / 1_000_000;
      for (int vf = 0; vf < count; vf++) {
        destinations.get(vf).to(DeviceState.STOP);
        assertThat(destinations.get(vf).fingerprint()).isEqualTo(sources.get(vf).fingerprint());
      }

      assertThat(millis).as("%d saves of 100 ms at once", count).isBetween(100L, 110L);
    } finally {
      for (Mlx5Side side : sources) {
        side.close();
      }
      for (Mlx5Side side : destinations) {
        side.close();
      }
    }
  }

  @Test
  void chunkedStopCopyHoldsTheThirdSaveBackUntilABufferIsDrained() throws Exception {
    String card = "state=40MiB&chunks=on&chunk-size=8MiB&seed=";
    try (Mlx5Side source = Mlx5Side.open(card + 1);
        Mlx5Side destination = Mlx5Side.open(card + 2)) {
      source.to(DeviceState.STOP);
      source.bench.forgetCommands();
      source.perform(Arc.STOP_TO_STOP_COPY);
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      ByteBuffer small = ByteBuffer.allocate(1000);
      assertThat(source.out().read(small)).isEqualTo(SaveStream.Status.DATA);
      stream.write(small.array(), 0, small.position());
      for (int look = 0; look < 1000; look++) {
        assertThat(source.out().read(small.clear())).isEqualTo(SaveStream.Status.DATA);
        stream.write(small.array(), 0, small.position());
      }

      assertThat(saves(source)).as("after 1 MB of 8 MiB was read").hasSize(2);
      stream.writeBytes(source.readAll(CHUNKS_OF_8_MIB));
      assertThat(saves(source)).hasSizeGreaterThan(4);
      assertThat(saves(source).get(1)).contains("inc=1 track=0");
      List<StreamInspector.Field> fields =
          new Mlx5StreamInspector().inspect(ByteBuffer.wrap(stream.toByteArray()));
      assertThat(fields.stream().filter(field -> field.name().equals("firmware image")))
          .hasSameSizeAs(saves(source));
      destination.load(stream.toByteArray());
      assertThat(destination.fingerprint()).isEqualTo(source.fingerprint());
    }
  }

  private static List<String> saves(Mlx5Side side) {
    return side.commands().stream().filter(command -> command.startsWith("SAVE")).toList();
  }

  @Test
  void stateThatGrewSinceTheQueryIsSavedInFullAtTheEnd() throws Exception {
    String card = "state=2MiB&chunks=off&seed=";
    try (Mlx5Side source = Mlx5Side.open(card + 1);
        Mlx5Side destination = Mlx5Side.open(card + 2)) {
      source.bench.inject("SAVE_VHCA_STATE#2:status=0x9");
      source.to(DeviceState.PRE_COPY);
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      stream.writeBytes(source.readAll());
      source.bench.change(0, 20);
      assertThat(source.remaining().dirtyBytes()).isPositive();
      assertThat(source.readAll()).as("the second image failed").isEmpty();
      source.bench.forgetCommands();
      assertThat(source.remaining()).isEqualTo(new Remaining(0, 0, false));
      assertThat(source.commands()).as("nothing is asked after that").isEmpty();

      source.to(DeviceState.STOP_COPY);

      assertThat(source.commands().get(2)).endsWith("inc=0 chunk=0");
      assertThat(source.commands().get(3)).contains("inc=0 track=0");
      stream.writeBytes(source.readAll());
      destination.load(stream.toByteArray());
      assertThat(destination.fingerprint()).isEqualTo(source.fingerprint());
    }
  }

  @Test
  void sendsTheFirstImageAgainWhenTheFirmwareSaysSo() throws Exception {
    String card = "state=2MiB&migration-state=on&seed=";
    try (Mlx5Side source = Mlx5Side.open(card + 1);
        Mlx5Side destination = Mlx5Side.open(card + 2)) {
      source.to(DeviceState.PRE_COPY);
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      stream.writeBytes(source.readAll());
      source.bench.reconfigure(0);

      Remaining remaining = source.remaining();

      assertThat(remaining.reinitialised()).isTrue();
      assertThat(remaining.initialBytes()).isPositive();
      assertThat(remaining.dirtyBytes()).isZero();
      byte[] again = source.readAll();
      assertThat((long) again.length).isBetween(1L, remaining.initialBytes() + 4096);
      stream.writeBytes(again);
      assertThat(source.remaining().reinitialised()).isFalse();
      source.to(DeviceState.STOP_COPY);
      stream.writeBytes(source.readAll());
      destination.load(stream.toByteArray());
      assertThat(destination.fingerprint()).isEqualTo(source.fingerprint());
    }
  }

  @Test
  void initialBytesAreTheFirstImageWithItsHeaders() throws Exception {
    try (Mlx5Side source = Mlx5Side.open("state=2MiB&chunks=off")) {
      source.to(DeviceState.PRE_COPY);
      Remaining first = source.remaining();
      byte[] stream = source.readAll();

      assertThat(first.initialBytes()).isEqualTo(stream.length);
      assertThat(first.dirtyBytes()).isZero();
      assertThat(source.remaining()).isEqualTo(new Remaining(0, 0, false));
      long image = ByteBuffer.wrap(stream).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong(24);
      assertThat(first.initialBytes()).isEqualTo(24 + 16 + image);
    }
  }

  @Test
  void estimatesTheStopCopyInEachState() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=16MiB&chunks=on")) {
      StopCopyEstimate estimate = side.device.capability(StopCopyEstimate.class).orElseThrow();
      for (DeviceState state :
          List.of(
              DeviceState.RUNNING,
              DeviceState.PRE_COPY,
              DeviceState.STOP_COPY,
              DeviceState.STOP,
              DeviceState.RESUMING)) {
        side.to(state);
        assertThat(estimate.stopCopyBytes().orElseThrow()).as("in %s", state).isNotNegative();
      }
      side.to(DeviceState.RUNNING);
    } catch (MigrationException e) {
      // Leaving RESUMING with nothing loaded is refused, and has to be.
      assertThat(e.getMessage()).contains("holds no image");
    }
  }

  static Stream<Arguments> assumptions() {
    return Stream.of(Mlx5Assumption.values())
        .flatMap(
            assumption ->
                assumption.positions().stream()
                    .map(position -> Arguments.of(assumption, position)));
  }

  @ParameterizedTest
  @MethodSource("assumptions")
  void arrivesOrFailsHonestlyWhateverTheFirmwareDoesWhereNobodyKnows(
      Mlx5Assumption assumption, String position) throws Exception {
    String card =
        "state=4MiB&chunks=on&chunk-size=1MiB&" + assumption.key() + "=" + position + "&seed=";
    try (Mlx5Side source = Mlx5Side.open(card + 1);
        Mlx5Side destination = Mlx5Side.open(card + 2)) {
      move(source, destination, 5);
      // Entering pre-copy while quiescent is the one step of which nobody knows whether it works.
      source.device.reset();
      source.to(DeviceState.RUNNING_P2P);
      try {
        source.perform(Arc.RUNNING_P2P_TO_PRE_COPY_P2P);
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        stream.writeBytes(source.readAll());
        source.to(DeviceState.STOP_COPY);
        stream.writeBytes(source.readAll());
        destination.load(stream.toByteArray());
        assertThat(destination.fingerprint()).isEqualTo(source.fingerprint());
      } catch (MigrationException e) {
        if (assumption != Mlx5Assumption.SAVE_TRACKED_IN_P2P) {
          throw e;
        }
        assertThat(source.device.state()).isNotEqualTo(DeviceState.ERROR);
      }
      assertThat(source.bench.violations()).isEmpty();
    }
  }
}
