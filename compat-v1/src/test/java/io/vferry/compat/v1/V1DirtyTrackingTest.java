package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class V1DirtyTrackingTest {

  private static final long PAGE = 4096;

  /** A log that reports and clears, and fails when told to. */
  private static final class ToyLog implements DmaLog {

    private final TreeSet<Long> pages = new TreeSet<>();
    private List<MemoryRange> watched = List.of();
    int starts;
    int stops;
    boolean fails;
    boolean failsToStart;

    void write(long page) {
      if (watched.stream().anyMatch(range -> range.contains(new MemoryRange(page * PAGE, PAGE)))) {
        pages.add(page);
      }
    }

    @Override
    public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException {
      if (!watched.isEmpty()) {
        throw new MigrationException(DeviceError.WRONG_STATE, "on already");
      }
      if (failsToStart) {
        throw new MigrationException(DeviceError.DMA_LOG_FAILED, "told to");
      }
      starts++;
      watched = iovaRanges;
      return pageSizeBytes;
    }

    @Override
    public void stop() {
      stops++;
      watched = List.of();
      pages.clear();
    }

    @Override
    public void report(DirtyBitmap into) throws MigrationException {
      if (fails) {
        throw new MigrationException(DeviceError.DMA_LOG_FAILED, "told to");
      }
      pages.removeIf(
          page -> {
            MemoryRange range = new MemoryRange(page * PAGE, PAGE);
            into.mark(range);
            return into.range().contains(range);
          });
    }
  }

  private final ToyLog first = new ToyLog();
  private final ToyLog second = new ToyLog();
  private final V1DirtyTracking tracking = new V1DirtyTracking(List.of(first, second), true, PAGE);

  V1DirtyTrackingTest() throws MigrationException {
    tracking.mapped(pages(0, 100));
    tracking.mapped(pages(200, 70));
  }

  private static MemoryRange pages(long first, long count) {
    return new MemoryRange(first * PAGE, count * PAGE);
  }

  private static BitSet query(V1DirtyTracking tracking, MemoryRange range)
      throws MigrationException {
    ByteBuffer bitmap = bitmap(range);
    tracking.getBitmap(range, PAGE, bitmap);
    return BitSet.valueOf(bitmap);
  }

  private static ByteBuffer bitmap(MemoryRange range) {
    return ByteBuffer.allocate((int) ((range.length() / PAGE + 63) / 64 * 8))
        .order(ByteOrder.nativeOrder());
  }

  private static BitSet bits(int... set) {
    BitSet bits = new BitSet();
    for (int bit : set) {
      bits.set(bit);
    }
    return bits;
  }

  @Test
  void reportsTheUnionOfAllDevicesOnce() throws MigrationException {
    tracking.start();
    first.write(3);
    second.write(3);
    second.write(99);
    first.write(200);
    first.write(150); // Not mapped.
    assertThat(query(tracking, pages(0, 300))).isEqualTo(bits(3, 99, 200));
    assertThat(query(tracking, pages(0, 300))).isEqualTo(bits());
  }

  @Test
  void whatIsOutsideTheRangeIsKept() throws MigrationException {
    tracking.start();
    first.write(5);
    first.write(210);
    assertThat(query(tracking, pages(200, 70))).isEqualTo(bits(10));
    assertThat(query(tracking, pages(0, 100))).isEqualTo(bits(5));
  }

  @Test
  void startingAgainForgetsNothing() throws MigrationException {
    tracking.start();
    first.write(1);
    tracking.start();
    assertThat(query(tracking, pages(0, 100))).isEqualTo(bits(1));
    assertThat(first.starts).isEqualTo(1);
  }

  @Test
  void unmappingReportsForTheLastTime() throws MigrationException {
    tracking.start();
    first.write(200);
    first.write(7);
    ByteBuffer bitmap = bitmap(pages(200, 70));
    assertThat(tracking.unmapWithBitmap(pages(200, 70), PAGE, bitmap)).isEqualTo(70 * PAGE);
    assertThat(BitSet.valueOf(bitmap)).isEqualTo(bits(0));
    assertThat(query(tracking, pages(0, 300))).isEqualTo(bits(7));
    tracking.mapped(pages(200, 70));
    BitSet remapped = query(tracking, pages(0, 300));
    assertThat(remapped.get(200, 270).cardinality()).isEqualTo(70);
  }

  @Test
  void aFailedLogMakesEverythingDirtyAndGoesOn() throws MigrationException {
    tracking.start();
    first.fails = true;
    assertThat(query(tracking, pages(0, 300)).cardinality()).isEqualTo(170);
    first.fails = false;
    assertThat(query(tracking, pages(0, 300))).isEqualTo(bits());
    first.write(4);
    assertThat(query(tracking, pages(0, 300))).isEqualTo(bits(4));
  }

  @Test
  void withADeviceThatDoesNotLogEverythingMappedIsAlwaysDirty() throws MigrationException {
    V1DirtyTracking coarse = new V1DirtyTracking(List.of(first), false, PAGE);
    coarse.mapped(pages(0, 10));
    coarse.mapped(pages(64, 10));
    coarse.start();
    for (int i = 0; i < 2; i++) {
      BitSet dirty = query(coarse, pages(0, 128));
      assertThat(dirty.cardinality()).isEqualTo(20);
      assertThat(dirty.get(0, 10).cardinality()).isEqualTo(10);
    }
    assertThat(first.starts).isZero();
  }

  @Test
  void wordsOfHolesAreLeftAlone() throws MigrationException {
    tracking.start();
    ByteBuffer bitmap = bitmap(pages(0, 300));
    for (int at = 0; at < bitmap.capacity(); at += 8) {
      bitmap.putLong(at, -1);
    }
    tracking.getBitmap(pages(0, 300), PAGE, bitmap);
    BitSet left = BitSet.valueOf(bitmap);
    assertThat(left.get(0, 100).isEmpty()).isTrue();
    assertThat(left.get(128, 192).cardinality()).isEqualTo(64);
  }

  @ParameterizedTest
  @CsvSource({
    // First page, pages, page size, bytes of bitmap.
    "0, 100, 8192, 16",
    "0, 100, 0, 16",
    "0, 100, 4096, 8",
    "0, 50, 4096, 16",
    "1, 99, 4096, 16",
    "50, 200, 4096, 64",
    "0, 250, 4096, 64"
  })
  void wrongQueriesAreRefusedAndForgetNothing(long first, long count, long pageSize, int bytes)
      throws MigrationException {
    tracking.start();
    this.first.write(1);
    this.first.write(220);
    assertThat(
            Errnos.of(
                () ->
                    tracking.getBitmap(pages(first, count), pageSize, ByteBuffer.allocate(bytes))))
        .isEqualTo(22);
    assertThat(query(tracking, pages(0, 300))).isEqualTo(bits(1, 220));
  }

  @Test
  void unalignedAndWithoutTrackingIsRefused() throws MigrationException {
    assertThat(Errnos.of(() -> query(tracking, pages(0, 100)))).isEqualTo(22);
    tracking.start();
    assertThat(
            Errnos.of(
                () -> tracking.getBitmap(new MemoryRange(1, PAGE), PAGE, ByteBuffer.allocate(8))))
        .isEqualTo(22);
    tracking.stop();
    tracking.stop();
    assertThat(Errnos.of(() -> query(tracking, pages(0, 100)))).isEqualTo(22);
    assertThat(Errnos.of(() -> tracking.mapped(pages(99, 2)))).isEqualTo(22);
    assertThat(Errnos.of(() -> tracking.mapped(new MemoryRange(1L << 40, 100)))).isEqualTo(22);
  }

  private static ByteBuffer argument(int argsz, int flags) {
    return ByteBuffer.allocate(Math.max(8, argsz))
        .order(ByteOrder.nativeOrder())
        .putInt(0, argsz)
        .putInt(4, flags);
  }

  @Test
  void stoppingStopsTheLogsAndForgets() throws MigrationException {
    tracking.start();
    first.write(3);
    int before = first.stops;
    tracking.request(argument(8, 2), ByteBuffer.allocate(0));
    assertThat(first.stops).isEqualTo(before + 1);
    assertThat(second.stops).isEqualTo(before + 1);
    assertThat(Errnos.of(() -> query(tracking, pages(0, 100)))).isEqualTo(22);
    // What was collected and not fetched before is not told after the next start.
    tracking.start();
    first.write(4);
    query(tracking, pages(200, 70));
    tracking.stop();
    tracking.start();
    assertThat(query(tracking, pages(0, 100))).isEqualTo(bits());
  }

  @Test
  void aLogThatDoesNotStartMakesEverythingDirty() throws MigrationException {
    second.failsToStart = true;
    tracking.start();
    assertThat(first.watched).isEmpty();
    assertThat(query(tracking, pages(0, 100)).cardinality()).isEqualTo(100);
    assertThat(query(tracking, pages(0, 100)).cardinality()).isEqualTo(100);
  }

  @Test
  void servesTheRequestOfAContainer() throws MigrationException {
    ByteBuffer none = ByteBuffer.allocate(0);
    tracking.request(argument(8, 1), none);
    first.write(9);
    ByteBuffer bitmap = bitmap(pages(0, 100));
    ByteBuffer get =
        argument(48, 4).putLong(8, 0).putLong(16, 100 * PAGE).putLong(24, PAGE).putLong(32, 16);
    tracking.request(get, bitmap);
    assertThat(BitSet.valueOf(bitmap)).isEqualTo(bits(9));
    assertThat(Errnos.of(() -> tracking.request(get.putLong(32, 24), bitmap))).isEqualTo(22);
    assertThat(Errnos.of(() -> tracking.request(get.putLong(16, 0), bitmap))).isEqualTo(22);
    assertThat(
            Errnos.of(
                () ->
                    tracking.request(
                        get.putLong(32, 16).putLong(8, -PAGE).putLong(16, 2 * PAGE), bitmap)))
        .isEqualTo(22);
    for (int flags : new int[] {0, 3, 5, 6, 7, 8}) {
      assertThat(Errnos.of(() -> tracking.request(argument(48, flags), bitmap)))
          .as("flags %d", flags)
          .isEqualTo(22);
    }
    assertThat(Errnos.of(() -> tracking.request(argument(7, 1), none))).isEqualTo(22);
    assertThat(Errnos.of(() -> tracking.request(argument(40, 4), bitmap))).isEqualTo(22);
    tracking.request(argument(8, 2), none);
  }
}
