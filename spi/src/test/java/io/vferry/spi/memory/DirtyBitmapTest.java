package io.vferry.spi.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirtyBitmapTest {

  private static final long BASE = 0x1_0000_0000L;

  @Test
  void behavesAsASetOfPages() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      int shift = random.nextInt(22);
      long pageSize = 1L << shift;
      int pages = 1 + random.nextInt(400);
      long cutBytes = shift == 0 ? 0 : random.nextInt(1 << Math.min(shift, 20));
      MemoryRange range = new MemoryRange(random.nextLong() >>> 1, pages * pageSize - cutBytes);
      DirtyBitmap bitmap = new DirtyBitmap(range, pageSize);
      BitSet expected = new BitSet();
      assertThat(bitmap.pages()).as("seed %d", seed).isEqualTo(pages);
      for (int step = 0; step < 12; step++) {
        change(bitmap, expected, random);
        assertSame(bitmap, expected, "seed " + seed + " round " + round);
      }
    }
  }

  private static void change(DirtyBitmap bitmap, BitSet expected, Random random) {
    MemoryRange range = bitmap.range();
    int pages = (int) bitmap.pages();
    switch (random.nextInt(12)) {
      case 0 -> {
        bitmap.clear();
        expected.clear();
      }
      case 1 -> {
        bitmap.markAll();
        expected.set(0, pages);
      }
      case 2, 3, 4 -> {
        // A tracker writes words, here and there beyond the last page.
        int word = random.nextInt((pages + 63) / 64);
        long bits = random.nextLong() & (1L << random.nextInt(64)) - 1;
        ByteBuffer words = bitmap.words();
        words.putLong(word * 8, words.getLong(word * 8) | bits);
        for (int bit = 0; bit < 64; bit++) {
          if ((bits >>> bit & 1) != 0 && word * 64 + bit < pages) {
            expected.set(word * 64 + bit);
          }
        }
      }
      default -> {
        long first = Math.floorMod(random.nextLong(), range.length());
        long length = 1 + Math.floorMod(random.nextLong(), Math.min(range.length(), 70L << 12));
        bitmap.mark(new MemoryRange(range.start() + first, length));
        long last = Math.min(first + length, range.length()) - 1;
        expected.set(
            (int) (first / bitmap.pageSizeBytes()), (int) (last / bitmap.pageSizeBytes()) + 1);
      }
    }
  }

  private static void assertSame(DirtyBitmap bitmap, BitSet expected, String seed) {
    assertThat(bitmap.dirtyPages()).as(seed).isEqualTo(expected.cardinality());
    List<String> runs = new ArrayList<>();
    bitmap.forEachRun((first, count) -> runs.add(first + "+" + count));
    List<String> expectedRuns = new ArrayList<>();
    for (int first = expected.nextSetBit(0); first >= 0; ) {
      int past = expected.nextClearBit(first);
      expectedRuns.add(first + "+" + (past - first));
      first = expected.nextSetBit(past);
    }
    assertThat(runs).as(seed).isEqualTo(expectedRuns);
    for (int page = 0; page < bitmap.pages(); page++) {
      assertThat(bitmap.isDirty(page)).as(seed).isEqualTo(expected.get(page));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 127, 128, 129})
  void bitsBeyondTheLastPageAreNeverReported(int pages) {
    DirtyBitmap bitmap = new DirtyBitmap(new MemoryRange(BASE, pages * 4096L), 4096);
    ByteBuffer words = bitmap.words();
    while (words.hasRemaining()) {
      words.put((byte) 0xff);
    }
    List<String> runs = new ArrayList<>();
    bitmap.forEachRun((first, count) -> runs.add(first + "+" + count));
    assertThat(runs).containsExactly("0+" + pages);
    assertThat(bitmap.dirtyPages()).isEqualTo(pages);
  }

  @Test
  void wordsAreTheKernelsFormat() {
    DirtyBitmap bitmap = new DirtyBitmap(new MemoryRange(BASE, 130 * 4096L), 4096);
    bitmap.mark(new MemoryRange(BASE + 65 * 4096L + 5, 1));
    ByteBuffer words = bitmap.words();
    assertThat(words.isDirect()).isTrue();
    assertThat(words.order()).isEqualTo(ByteOrder.nativeOrder());
    assertThat(words.remaining()).isEqualTo(24);
    assertThat(words.getLong(8)).isEqualTo(2);
    assertThat(words.getLong(0) | words.getLong(16)).isZero();
  }

  @Test
  void partsOutsideAreIgnored() {
    DirtyBitmap bitmap = new DirtyBitmap(new MemoryRange(BASE, 3 * 4096), 4096);
    bitmap.mark(new MemoryRange(BASE - 4096, 4096));
    bitmap.mark(new MemoryRange(BASE + 3 * 4096, -BASE - 3 * 4096));
    assertThat(bitmap.dirtyPages()).isZero();
    bitmap.mark(new MemoryRange(BASE - 4096, 4097));
    bitmap.mark(new MemoryRange(BASE + 3 * 4096 - 1, 4096));
    assertThat(bitmap.isDirty(0)).isTrue();
    assertThat(bitmap.isDirty(1)).isFalse();
    assertThat(bitmap.isDirty(2)).isTrue();
    bitmap.clear();
    bitmap.mark(new MemoryRange(0, -1));
    assertThat(bitmap.dirtyPages()).isEqualTo(3);
  }

  @Test
  void coversTheTopOfTheAddressSpace() {
    DirtyBitmap bitmap = new DirtyBitmap(new MemoryRange(-8192, 8192), 4096);
    bitmap.mark(new MemoryRange(-1, 1));
    assertThat(bitmap.isDirty(0)).isFalse();
    assertThat(bitmap.isDirty(1)).isTrue();
  }

  @Test
  void refusesMoreThanItsLimitBeforeItTakesMemory() {
    assertThat(DirtyBitmap.MAX_PAGES).isEqualTo(1L << 33);
    assertTooLarge(new MemoryRange(0, (DirtyBitmap.MAX_PAGES + 1) * 4096), 4096);
    assertTooLarge(new MemoryRange(0, DirtyBitmap.MAX_PAGES * 4096 + 1), 4096);
    assertTooLarge(new MemoryRange(0, -1), 1);
    assertTooLarge(new MemoryRange(0, -1), 2);
    assertTooLarge(new MemoryRange(0, -1), 4096);
  }

  private static void assertTooLarge(MemoryRange range, long pageSizeBytes) {
    assertThatThrownBy(() -> new DirtyBitmap(range, pageSizeBytes))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("split the range " + range);
  }

  @Test
  void coversManyPagesThatAnIntCannotCount() {
    long pages = (1L << 31) + 1;
    DirtyBitmap bitmap = new DirtyBitmap(new MemoryRange(0, pages * 4096), 4096);
    bitmap.mark(new MemoryRange((pages - 2) * 4096, 2 * 4096));
    assertThat(bitmap.dirtyPages()).isEqualTo(2);
    assertThat(bitmap.isDirty(pages - 1)).isTrue();
    List<String> runs = new ArrayList<>();
    bitmap.forEachRun((first, count) -> runs.add(first + "+" + count));
    assertThat(runs).containsExactly((pages - 2) + "+2");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, -4096, 3, 4097, Long.MIN_VALUE, Long.MAX_VALUE})
  void refusesPageSizesThatAreNoPowersOfTwo(long pageSizeBytes) {
    assertThatThrownBy(() -> new DirtyBitmap(new MemoryRange(0, 1), pageSizeBytes))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 3, Long.MIN_VALUE, Long.MAX_VALUE})
  void refusesPagesItDoesNotHave(long page) {
    DirtyBitmap bitmap = new DirtyBitmap(new MemoryRange(0, 3 * 4096), 4096);
    assertThatThrownBy(() -> bitmap.isDirty(page)).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
