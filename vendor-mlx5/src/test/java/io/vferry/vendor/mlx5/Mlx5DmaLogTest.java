package io.vferry.vendor.mlx5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page tracker, against what a function really wrote. */
class Mlx5DmaLogTest {

  private static final long BASE = 0x1_0000_0000L;
  private static final int PAGE = 4096;
  private static final int PAGES = 8192;
  private static final MemoryRange ALL = new MemoryRange(BASE, (long) PAGES * PAGE);

  private static Mlx5Side open(String parameters) throws MigrationException {
    Mlx5Side side = Mlx5Side.open(parameters);
    ByteBuffer memory =
        ByteBuffer.allocateDirect((PAGES + 1) * PAGE).alignedSlice(PAGE).limit(PAGES * PAGE);
    side.host.dma().map(BASE, memory.slice(), DmaSpace.Direction.READ_WRITE);
    return side;
  }

  private static DmaLog log(Mlx5Side side) {
    return side.device.capability(DmaLog.class).orElseThrow();
  }

  private static void write(Mlx5Side side, long page) {
    assertThat(side.bench.write(0, BASE + page * PAGE + 100, new byte[8])).isTrue();
  }

  private static TreeSet<Long> report(DmaLog log, MemoryRange range) throws MigrationException {
    DirtyBitmap bitmap = new DirtyBitmap(range, PAGE);
    log.report(bitmap);
    TreeSet<Long> pages = new TreeSet<>();
    long first = (range.start() - BASE) / PAGE;
    for (long page = 0; page < bitmap.pages(); page++) {
      if (bitmap.isDirty(page)) {
        pages.add(first + page);
      }
    }
    return pages;
  }

  private interface Step {
    void run() throws MigrationException;
  }

  private static MigrationException failure(Step step) {
    return catchThrowableOfType(MigrationException.class, step::run);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "assume.report-end=last", "track-message-max=12", "track-message-max=20"})
  void reportsEachWrittenPageOnceInSeveralMessages(String parameters) throws Exception {
    long seed = 4711;
    SplittableRandom random = new SplittableRandom(seed);
    try (Mlx5Side side = open(parameters)) {
      DmaLog log = log(side);
      assertThat(log.start(List.of(ALL), PAGE)).isEqualTo(PAGE);
      for (int round = 0; round < 5; round++) {
        TreeSet<Long> written = new TreeSet<>();
        for (int i = 0; i < 3000; i++) {
          long page = random.nextInt(PAGES);
          written.add(page);
          write(side, page);
        }
        assertThat(report(log, ALL)).as("seed %d round %d", seed, round).isEqualTo(written);
      }
      assertThat(report(log, ALL)).isEmpty();
      log.stop();
      assertThat(side.bench.violations()).isEmpty();
    }
  }

  @Test
  void remembersPagesOutsideTheReportedRange() throws Exception {
    try (Mlx5Side side = open("track-page-min=16")) {
      DmaLog log = log(side);
      assertThat(log.start(List.of(ALL), PAGE)).as("the smallest page it has").isEqualTo(65536);
      write(side, 3);
      write(side, 100);
      // Page 3 belongs to a tracked page of 16; half of it is asked for first.
      assertThat(report(log, new MemoryRange(BASE, 8 * PAGE)))
          .containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L);
      assertThat(report(log, new MemoryRange(BASE + 8 * PAGE, 8 * PAGE))).hasSize(8);
      assertThat(report(log, ALL)).contains(100L);
    }
  }

  @Test
  void worksInEachStateAndIsNotClearedByArcs() throws Exception {
    try (Mlx5Side side = open("state=1MiB")) {
      DmaLog log = log(side);
      log.start(List.of(ALL), PAGE);
      write(side, 7);
      side.to(DeviceState.PRE_COPY);
      write(side, 8);
      side.to(DeviceState.STOP_COPY);
      assertThat(side.bench.write(0, BASE, new byte[8])).as("stopped").isFalse();
      assertThat(report(log, ALL)).containsExactly(7L, 8L);
    }
  }

  @Test
  void mergesTheRangesWithTheSmallestGaps() {
    List<MemoryRange> ranges =
        List.of(
            new MemoryRange(0, 10),
            new MemoryRange(100, 10),
            new MemoryRange(115, 10),
            new MemoryRange(1000, 10),
            new MemoryRange(1015, 10));

    assertThat(TrackedRanges.merge(ranges, 5)).isEqualTo(ranges);
    assertThat(TrackedRanges.merge(ranges, 4))
        .as("the first of two equal gaps")
        .containsExactly(
            new MemoryRange(0, 10),
            new MemoryRange(100, 25),
            new MemoryRange(1000, 10),
            new MemoryRange(1015, 10));
    assertThat(TrackedRanges.merge(ranges, 2))
        .containsExactly(new MemoryRange(0, 125), new MemoryRange(1000, 25));
    assertThat(TrackedRanges.merge(ranges, 1)).containsExactly(new MemoryRange(0, 1025));
    assertThat(TrackedRanges.logSpace(List.of(new MemoryRange(0, 1L << 33)))).isEqualTo(33);
    assertThat(TrackedRanges.logSpace(List.of(new MemoryRange(0, (1L << 33) + 1)))).isEqualTo(34);
  }

  @Test
  void watchesMoreRangesThanTheDeviceHas() throws Exception {
    try (Mlx5Side side = open("track-ranges=3")) {
      List<MemoryRange> ranges = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        ranges.add(new MemoryRange(BASE + (long) i * 100 * PAGE, 10 * PAGE));
      }
      DmaLog log = log(side);
      log.start(ranges, PAGE);
      write(side, 1905);

      assertThat(report(log, ranges.get(19))).containsExactly(1905L);
    }
  }

  @Test
  void refusesWhatTheDeviceCannotWatch() throws Exception {
    try (Mlx5Side side = open("track-space-max=24")) {
      DmaLog log = log(side);

      assertThat(failure(() -> log.start(List.of(ALL), PAGE)).code())
          .isEqualTo(DeviceError.OUT_OF_RESOURCES);
      assertThat(failure(() -> log.start(List.of(), PAGE)).code())
          .isEqualTo(DeviceError.BAD_REQUEST);
      assertThat(failure(() -> log.start(List.of(ALL, ALL), PAGE)).code())
          .isEqualTo(DeviceError.BAD_REQUEST);
      log.start(List.of(new MemoryRange(BASE, 1 << 24)), PAGE);
      assertThat(failure(() -> log.start(List.of(ALL), PAGE)).code())
          .isEqualTo(DeviceError.WRONG_STATE);
      log.stop();
      log.stop();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "report-error",
        "object-change",
        "cq-error",
        "wq-error",
        "no-end",
        "wrong-opcode=13",
        "status=1",
        "hang"
      })
  void anyTroubleMakesTheLogVoidUntilItIsStartedAgain(String fault) throws Exception {
    try (Mlx5Side side = open("")) {
      DmaLog log = log(side);
      log.start(List.of(ALL), PAGE);
      write(side, 5);
      side.bench.inject("MODIFY_GENERAL_OBJECT#1:" + fault);

      assertThat(failure(() -> report(log, ALL)).code()).isEqualTo(DeviceError.DMA_LOG_FAILED);
      assertThat(failure(() -> report(log, ALL)).code())
          .as("once void, void for good")
          .isEqualTo(DeviceError.DMA_LOG_FAILED);
      failureOrNothing(log::stop);
      side.bench.clearFaults();
      log.start(List.of(ALL), PAGE);
      write(side, 6);
      assertThat(report(log, ALL)).containsExactly(6L);
    }
  }

  private static void failureOrNothing(Step step) {
    try {
      step.run();
    } catch (MigrationException e) {
      assertThat(e.code()).isEqualTo(DeviceError.DMA_LOG_FAILED);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"duplicate-page", "empty-reporting", "foreign-page"})
  void oddReportsLoseNothing(String fault) throws Exception {
    try (Mlx5Side side = open("")) {
      DmaLog log = log(side);
      log.start(List.of(ALL), PAGE);
      write(side, 5);
      write(side, 900);
      side.bench.inject("MODIFY_GENERAL_OBJECT#1:" + fault);

      assertThat(report(log, ALL)).contains(5L, 900L);
      assertThat(report(log, ALL)).isEmpty();
    }
  }

  @Test
  void aDeviceCanBeToldToLie() throws Exception {
    try (Mlx5Side side = open("")) {
      DmaLog log = log(side);
      log.start(List.of(ALL), PAGE);
      write(side, 5);
      write(side, 7);
      write(side, 900);
      side.bench.inject("MODIFY_GENERAL_OBJECT#1:forget-page=1");

      assertThat(report(log, ALL)).containsExactlyInAnyOrder(5L, 900L);
    }
  }

  @Test
  void aResetOfTheFunctionMakesTheLogVoid() throws Exception {
    try (Mlx5Side side = open("")) {
      DmaLog log = log(side);
      log.start(List.of(ALL), PAGE);
      write(side, 5);
      side.device.reset();

      assertThat(failure(() -> report(log, ALL)).code()).isEqualTo(DeviceError.DMA_LOG_FAILED);
      log.stop();
      log.start(List.of(ALL), PAGE);
      write(side, 6);
      assertThat(report(log, ALL)).containsExactly(6L);
    }
  }

  @Test
  void stoppingLeavesNothingBehind() throws Exception {
    try (Mlx5Side side = open("")) {
      int before = side.bench.objects();
      DmaLog log = log(side);
      log.start(List.of(ALL), PAGE);
      assertThat(side.bench.objects()).isGreaterThan(before);
      log.stop();

      assertThat(side.bench.objects()).isEqualTo(before);
    }
  }
}
