package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.mlx5.model.Mlx5TestClock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong, and what is true afterwards. */
class Mlx5FailureTest {

  private interface Step {
    void run() throws MigrationException;
  }

  private static MigrationException failure(Step step) {
    return catchThrowableOfType(MigrationException.class, step::run);
  }

  private static byte[] stream() throws MigrationException {
    try (Mlx5Side source = Mlx5Side.open("state=1MiB&seed=1")) {
      return source.to(DeviceState.STOP_COPY).readAll();
    }
  }

  private static byte[] record(long size, int flags, int tag, int present) {
    return ByteBuffer.allocate(16 + present)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(size)
        .putInt(flags)
        .putInt(tag)
        .array();
  }

  private static byte[] join(byte[]... parts) {
    ByteBuffer all = ByteBuffer.allocate(Arrays.stream(parts).mapToInt(p -> p.length).sum());
    for (byte[] part : parts) {
      all.put(part);
    }
    return all.array();
  }

  @ParameterizedTest
  @CsvSource({"1, IO_FAILED", "2, IO_FAILED", "8, IO_FAILED"})
  void aSaveThatFailsInPreCopyEndsTheSessionAndTheDeviceRunsOn(int status, DeviceError code)
      throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB")) {
      side.bench.inject("SAVE_VHCA_STATE#1:status=" + status);
      side.to(DeviceState.PRE_COPY);

      assertThat(failure(side::readAll).code()).isEqualTo(code);
      MigrationException stop = failure(() -> side.to(DeviceState.STOP_COPY));
      assertThat(stop.arc()).contains(Arc.PRE_COPY_P2P_TO_STOP_COPY);
      assertThat(side.device.state()).isEqualTo(DeviceState.PRE_COPY_P2P);
      assertThat(side.bench.condition(0)).as("nothing half done").isEqualTo("initiator-suspended");
      side.to(DeviceState.RUNNING);
      assertThat(side.bench.condition(0)).isEqualTo("running");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 9})
  void aSaveThatFailsInStopCopyLeavesAWayBack(int status) throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB")) {
      side.bench.inject("SAVE_VHCA_STATE#1:status=" + status);
      side.to(DeviceState.STOP_COPY);

      assertThat(failure(side::readAll).code()).isEqualTo(DeviceError.IO_FAILED);
      assertThat(side.device.state()).isEqualTo(DeviceState.STOP_COPY);
      side.to(DeviceState.RUNNING);
      assertThat(side.bench.condition(0)).isEqualTo("running");
    }
  }

  @Test
  void anArcThatFailsAfterItsFirstCommandEndsInError() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB")) {
      side.to(DeviceState.PRE_COPY);
      side.readAll();
      side.to(DeviceState.PRE_COPY_P2P);
      side.bench.inject("QUERY_VHCA_MIGRATION_STATE#1:status=1");

      MigrationException failure = failure(() -> side.to(DeviceState.STOP_COPY));

      assertThat(failure.state()).contains(DeviceState.ERROR);
      assertThat(failure.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
      assertThat(side.device.state()).isEqualTo(DeviceState.ERROR);
      side.device.reset();
      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      side.to(DeviceState.STOP_COPY).readAll();
      side.to(DeviceState.RUNNING);
    }
  }

  @Test
  void aRefusedCommandLeavesTheStateInWhichTheArcStarted() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("")) {
      side.bench.inject("SUSPEND_VHCA#2:status=1");

      MigrationException failure = failure(() -> side.to(DeviceState.STOP));

      assertThat(failure.code()).isEqualTo(DeviceError.ARC_FAILED);
      assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING_P2P);
      side.to(DeviceState.STOP);
    }
  }

  @Test
  void aCommandOfWhichNobodyKnowsWhetherItHappenedEndsInError() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("")) {
      side.bench.inject("SUSPEND_VHCA#1:delay=70s");

      MigrationException failure = failure(() -> side.to(DeviceState.RUNNING_P2P));

      assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
      assertThat(side.device.state()).isEqualTo(DeviceState.ERROR);
      // The answer comes when nobody waits for it any more.
      side.clock.advance(20_000_000_000L);
      side.device.reset();
      assertThat(side.to(DeviceState.RUNNING_P2P).bench.condition(0))
          .isEqualTo("initiator-suspended");
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @Test
  void anAnswerWithAWrongTokenIsNotBelieved() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("")) {
      side.bench.inject("SUSPEND_VHCA#1:wrong-token");

      failure(() -> side.to(DeviceState.RUNNING_P2P));

      assertThat(side.device.state()).isEqualTo(DeviceState.ERROR);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"*:lost-event", "*:duplicate-event"})
  void eventsTooManyOrTooFewDoNoHarm(String fault) throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&command-time=10us&save-time=5ms")) {
      side.bench.inject(fault);
      long begin = side.clock.nanoTime();
      side.to(DeviceState.STOP_COPY).readAll();
      side.to(DeviceState.RUNNING);

      assertThat(side.clock.nanoTime() - begin).as("no time-out passed").isLessThan(1_000_000_000L);
      assertThat(side.bench.condition(0)).isEqualTo("running");
    }
  }

  @Test
  void aSaveAnsweredLateKeepsItsMemoryUntilThen() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&chunks=off")) {
      side.bench.inject("SAVE_VHCA_STATE#1:delay=70s");
      side.to(DeviceState.STOP_COPY);

      assertThat(failure(side::readAll).code()).isEqualTo(DeviceError.TIMEOUT);
      side.to(DeviceState.STOP);
      side.clock.advance(20_000_000_000L);
      assertThat(side.bench.violations()).as("no DMA into the void").isEmpty();
      side.to(DeviceState.RUNNING);
      side.to(DeviceState.STOP_COPY).readAll();
    }
  }

  @Test
  void pagesAreGivenAndTakenWhileASaveIsUnderWay() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&save-time=10ms")) {
      int before = side.bench.pagesGiven();
      side.bench.inject("SAVE_VHCA_STATE#1:give-pages=37,SAVE_VHCA_STATE#2:take-pages=12");
      side.to(DeviceState.STOP_COPY).readAll();
      assertThat(side.bench.pagesGiven()).isEqualTo(before + 37);
      side.to(DeviceState.STOP);
      side.to(DeviceState.STOP_COPY).readAll();
      assertThat(side.bench.pagesGiven()).isEqualTo(before + 25);
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @Test
  void truncatedStreamsFailWhenResumingIsLeft() throws Exception {
    byte[] whole = stream();
    for (int length : new int[] {0, 7, 16, 24, 39, 40, 41, whole.length - 1}) {
      try (Mlx5Side side = Mlx5Side.open("state=1MiB&seed=2")) {
        side.to(DeviceState.RESUMING);
        side.in().write(ByteBuffer.wrap(whole, 0, length));

        MigrationException failure = failure(() -> side.to(DeviceState.STOP));

        assertThat(failure.code()).as("cut at %d", length).isEqualTo(DeviceError.DATA_CORRUPT);
        assertThat(side.device.state()).isEqualTo(DeviceState.RESUMING);
        side.device.reset();
        side.load(whole);
        side.to(DeviceState.RUNNING);
      }
    }
  }

  @Test
  void repeatedReorderedAndDamagedImagesAreRefused() throws Exception {
    byte[] stream;
    int first;
    try (Mlx5Side source = Mlx5Side.open("state=1MiB&chunks=off&seed=1")) {
      source.to(DeviceState.PRE_COPY);
      byte[] begin = source.readAll();
      source.bench.change(0, 3);
      source.to(DeviceState.STOP_COPY);
      stream = join(begin, source.readAll());
      first = begin.length;
    }
    byte[] head = Arrays.copyOf(stream, 24);
    byte[] one = Arrays.copyOfRange(stream, 24, first);
    byte[] two = Arrays.copyOfRange(stream, first, stream.length);
    byte[] damaged = stream.clone();
    damaged[first + 500] ^= 4;
    for (byte[] bad :
        List.of(join(head, one, one, two), join(head, two, one), damaged, join(head, two))) {
      try (Mlx5Side side = Mlx5Side.open("state=1MiB&chunks=off&seed=2")) {
        assertThat(failure(() -> side.load(bad)).code()).isEqualTo(DeviceError.DATA_CORRUPT);
        assertThat(failure(() -> side.in().write(ByteBuffer.wrap(two)))).isNotNull();
        assertThat(failure(() -> side.to(DeviceState.STOP))).isNotNull();
        side.device.reset();
        side.load(stream);
      }
    }
  }

  @Test
  void foreignRecordsAreSkippedOrRefusedAsTheirFlagSays() throws Exception {
    byte[] whole = stream();
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&seed=2")) {
      side.load(join(record(100, 1, 9, 100), whole, record(0, 1, 9, 0)));
      side.device.reset();
      assertThat(failure(() -> side.load(join(record(100, 0, 9, 100), whole))).code())
          .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
      side.device.reset();
      assertThat(failure(() -> side.load(record(1L << 32, 0, 0, 0))).code())
          .isEqualTo(DeviceError.DATA_TOO_LONG);
      side.device.reset();
      assertThat(failure(() -> side.load(record(7, 1, 1, 7))).code())
          .isEqualTo(DeviceError.DATA_CORRUPT);
      side.device.reset();
      assertThat(failure(() -> side.load(record(0, 0, 0, 0))).code())
          .isEqualTo(DeviceError.DATA_CORRUPT);
    }
  }

  @Test
  void anAnnouncedImageTakesMemoryOnlyAsItsBytesCome() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB")) {
      side.to(DeviceState.RESUMING);
      byte[] size = record(8, 1, 1, 8);
      Arrays.fill(size, 16, 24, (byte) 0x7f);

      side.in().write(ByteBuffer.wrap(join(size, record(0xffff_ffffL, 0, 0, 1 << 20))));

      assertThat(failure(() -> side.to(DeviceState.STOP)).code())
          .isEqualTo(DeviceError.DATA_CORRUPT);
    }
  }

  @Test
  void aLoadThatFailsEndsTheSessionAndAResetRecovers() throws Exception {
    byte[] whole = stream();
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&seed=2")) {
      side.bench.inject("LOAD_VHCA_STATE#1:status=1");

      assertThat(failure(() -> side.load(whole)).detail()).contains("did not take image 0");
      assertThat(failure(() -> side.in().write(ByteBuffer.allocate(1)))).isNotNull();
      MigrationException leaving = failure(() -> side.to(DeviceState.STOP));
      assertThat(leaving.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
      side.device.reset();
      assertThat(failure(() -> side.in().write(ByteBuffer.allocate(1))).code())
          .isEqualTo(DeviceError.SESSION_CLOSED);
      side.load(whole);
      assertThat(side.to(DeviceState.RUNNING).bench.violations()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ERROR"})
  void theLossOfThePhysicalFunctionIsToldInEachStateWithoutAWait(DeviceState state)
      throws Exception {
    Mlx5Side side = Mlx5Side.open("state=1MiB&save-time=50ms");
    side.to(state);
    long begin = side.clock.nanoTime();
    side.bench.removeCard();

    assertThat(failure(side.device::state).code()).isEqualTo(DeviceError.DEVICE_LOST);
    for (Arc arc : Arc.values()) {
      if (arc.from() == state && side.device.features().supports(arc)) {
        assertThat(failure(() -> side.device.perform(arc)).code())
            .as("%s", arc)
            .isEqualTo(DeviceError.DEVICE_LOST);
      }
    }
    if (state.saving()) {
      assertThat(failure(side::readAll)).isNotNull();
    }
    assertThat(failure(side.device::reset).condition()).isEqualTo(DeviceCondition.LOST);
    assertThat(side.clock.nanoTime() - begin).isLessThan(5_000_000_000L);
    side.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ERROR"})
  void aResetOfThePhysicalFunctionNeedsAResetOfTheVirtualOneAndNoMore(DeviceState state)
      throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&save-time=50ms")) {
      side.to(state);
      side.host.companion("pf").orElseThrow().reset();

      assertThat(failure(side.device::state).condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
      side.device.reset();

      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      side.to(DeviceState.STOP_COPY).readAll();
      side.to(DeviceState.RUNNING);
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceState.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"ERROR"})
  void aResetByTheGuestIsNoticedInEachState(DeviceState state) throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB&save-time=50ms")) {
      side.to(state);
      side.host.reset();

      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      side.to(DeviceState.STOP_COPY).readAll();
      side.to(DeviceState.RUNNING);
      assertThat(side.bench.condition(0)).isEqualTo("running");
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"int-err", "bad-res-state"})
  void aResetDuringASaveEndsTheSession(String answer) throws Exception {
    try (Mlx5Side side =
        Mlx5Side.open("state=1MiB&save-time=50ms&assume.reset-meanwhile=" + answer)) {
      side.to(DeviceState.STOP_COPY);
      side.device.reset();

      assertThat(failure(side::readAll).code()).isEqualTo(DeviceError.SESSION_CLOSED);
      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @Test
  void aResetByTheGuestEndsTheStreams() throws Exception {
    byte[] whole = stream();
    try (Mlx5Side side = Mlx5Side.open("state=1MiB")) {
      side.to(DeviceState.PRE_COPY);
      side.host.reset();
      assertThat(failure(side::readAll))
          .hasMessageContaining("was reset, which ended its save session");

      side.to(DeviceState.RESUMING);
      side.host.reset();
      assertThat(failure(() -> side.in().write(ByteBuffer.wrap(whole))))
          .hasMessageContaining("was reset, which ended its load session");
    }
  }

  @ParameterizedTest
  @CsvSource({"int-err, 1", "bad-res-state, 9"})
  void aSaveOfWhichTheFunctionWasResetDoesNotPassForOneThatOnlyGrew(String answer, int status)
      throws Exception {
    try (Mlx5Side side =
        Mlx5Side.open("state=1MiB&save-time=50ms&assume.reset-meanwhile=" + answer)) {
      side.bench.inject("SAVE_VHCA_STATE#1:reset-vf");
      side.to(DeviceState.PRE_COPY);
      assertThat(failure(side::readAll)).isNotNull();

      assertThat(side.bench.commands())
          .filteredOn(command -> command.name().equals("SAVE_VHCA_STATE"))
          .allMatch(
              command -> command.outcome().startsWith(status == 1 ? "INT_ERR" : "BAD_RES_STATE"));
      assertThat(side.device.state()).isEqualTo(DeviceState.RUNNING);
      side.to(DeviceState.STOP_COPY).readAll();
      side.to(DeviceState.RUNNING);
    }
  }

  @Test
  void aResetOfThePhysicalFunctionDuringASaveIsToldAtOnce() throws Exception {
    try (Mlx5Side side = Mlx5Side.open("state=1MiB")) {
      side.bench.inject("SAVE_VHCA_STATE#1:reset-pf");
      side.to(DeviceState.STOP_COPY);
      long begin = side.clock.nanoTime();

      assertThat(failure(side::readAll).code())
          .isIn(DeviceError.DEVICE_LOST, DeviceError.SESSION_CLOSED);
      assertThat(side.clock.nanoTime() - begin).isLessThan(1_000_000_000L);
      side.device.reset();
      side.to(DeviceState.STOP_COPY).readAll();
      side.to(DeviceState.RUNNING);
    }
  }

  @Test
  void theCardOfOneFunctionServesTheOtherWhenTheFirstHangs() throws Exception {
    Mlx5TestClock clock = new Mlx5TestClock();
    SharedParts shared = new SharedParts();
    try (Mlx5Side one = Mlx5Side.open("vfs=2&state=1MiB", clock, shared, 0);
        Mlx5Side two = Mlx5Side.open("vfs=2&state=1MiB", clock, shared, 1)) {
      one.bench.inject("SAVE_VHCA_STATE@5:hang");
      one.to(DeviceState.STOP_COPY);

      two.to(DeviceState.STOP_COPY).readAll();
      two.to(DeviceState.RUNNING);

      assertThat(failure(one::readAll).code()).isEqualTo(DeviceError.TIMEOUT);
      assertThat(two.bench.condition(1)).isEqualTo("running");
    }
  }

  @Test
  void aHealthCounterThatStandsStillIsTheEndOfTheWait() throws Exception {
    Mlx5Side side = Mlx5Side.open("state=1MiB");
    side.bench.inject("SAVE_VHCA_STATE#1:hang,SAVE_VHCA_STATE#1:health-stuck");
    side.to(DeviceState.STOP_COPY);
    long begin = side.clock.nanoTime();

    assertThat(failure(side::readAll).code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(side.clock.nanoTime() - begin).isLessThan(12_000_000_000L);
    side.close();
  }

  @Test
  void refusesToAttachWhatCannotMigrate() {
    for (String lacking :
        List.of("migration=off", "multi-load=off", "tracking-state=off", "migratable=off")) {
      assertThat(failure(() -> Mlx5Side.open(lacking)).code())
          .as(lacking)
          .isEqualTo(DeviceError.NOT_MIGRATABLE);
    }
  }
}
