package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.state.Arc;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Commands that a guest or the physical function gives and the driver never does, with each word
 * written by hand.
 */
final class HisiAccMailboxModelTest {

  private static final int BUSY = 1 << 13;
  private static final int STATUS = 0xf << 9;

  private final HisiAccTestClock clock = new HisiAccTestClock();

  /** Writes 16 bytes and reads until the busy bit is gone; returns word 0 and the data. */
  private static long[] give(HisiAccTestClock clock, HostDevice device, int word, long data)
      throws MigrationException {
    begin(device, word, data);
    return answer(clock, device);
  }

  private static void begin(HostDevice device, int word, long data) throws MigrationException {
    ByteBuffer words = words().putInt(0, word | BUSY).putLong(4, data);
    device.region(2).write(0x300, words);
  }

  private static long[] answer(HisiAccTestClock clock, HostDevice device)
      throws MigrationException {
    for (int poll = 0; poll < 10_000; poll++) {
      ByteBuffer words = words();
      device.region(2).read(0x300, words);
      if ((words.getInt(0) & BUSY) == 0) {
        return new long[] {words.getInt(0), words.getLong(4)};
      }
      clock.advance(1_000);
    }
    throw new AssertionError("the mailbox stays busy");
  }

  private static ByteBuffer words() {
    return ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void write(HostDevice device, long offset, int value) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    device.region(2).write(offset, word.putInt(0, value));
  }

  private static int read(HostDevice device, long offset) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    device.region(2).read(offset, word);
    return word.getInt(0);
  }

  private HisiAccSide working(String parameters) throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, parameters);
    side.boot();
    side.guest.submit(20);
    side.run(1);
    return side;
  }

  // --- 0x8 and 0x9: stop a queue, flush the function --------------------------------------------

  @ParameterizedTest
  @EnumSource(HisiAccQuirks.StoppedQueues.class)
  void aStoppedQueueHasEndedWhenTheCommandHas(HisiAccQuirks.StoppedQueues behaviour)
      throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.stoppedQueues = behaviour;
    assertThat(side.function.queue(1).inFlight()).isPositive();
    begin(side.host, 0x8 | 1 << 16, 0);
    // It takes the time of the work that is under way.
    ByteBuffer busy = words();
    side.host.region(2).read(0x300, busy);
    assertThat(busy.getInt(0)).isEqualTo(0x8 | 1 << 16 | BUSY);
    assertThat(answer(clock, side.host)[0]).isEqualTo(0x8 | 1 << 16);
    assertThat(side.function.queue(1).inFlight()).isZero();
    side.run(100);
    long left = side.guest.outstanding();
    assertThat(left == 0).isEqualTo(behaviour == HisiAccQuirks.StoppedQueues.DRAINED);
    // It takes no more, until it is set up anew; the others do.
    side.guest.submitTo(1);
    side.guest.submitTo(2);
    side.run(100);
    assertThat(side.guest.outstanding()).isEqualTo(left + 1);
    side.guest.loadDriver();
    side.guest.submit(8);
    side.finish();
  }

  @ParameterizedTest
  @EnumSource(HisiAccQuirks.StoppedQueues.class)
  void aFlushStopsEachQueue(HisiAccQuirks.StoppedQueues behaviour) throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    side.quirks.stoppedQueues = behaviour;
    assertThat(give(clock, side.host, 0x9, 0)[0]).isEqualTo(0x9);
    for (int queue = 0; queue < 4; queue++) {
      assertThat(side.function.queue(queue).inFlight()).isZero();
      assertThat(side.function.queue(queue).waiting()).isFalse();
    }
    side.run(100);
    assertThat(side.guest.outstanding() == 0)
        .isEqualTo(behaviour == HisiAccQuirks.StoppedQueues.DRAINED);
    side.assertClean();
  }

  @ParameterizedTest
  @CsvSource({
    // word, capabilities
    "0x00000008, 0x401", // no bit 9
    "0x00000009, 0x201", // no bit 10
    "0x00040008, 0x601", // a queue beyond the last
    "0x00004008, 0x601", // a read
    "0x00004009, 0x601",
    "0x0000400c, 0x601", // a message out is written
    "0x0000000d, 0x601", // a message in is read
    "0x00000007, 0x601", // unknown
    "0x0000000a, 0x601",
    "0x0000000f, 0x601"
  })
  void whatAFunctionCannotDoItRefuses(String word, String capabilities) throws MigrationException {
    HisiAccSide side = working("queues=4&capabilities=" + Integer.decode(capabilities));
    long[] answer = give(clock, side.host, Integer.decode(word), 0);
    assertThat(answer[0] & STATUS).isNotZero();
    side.finish();
  }

  @ParameterizedTest
  @EnumSource(HisiAccQuirks.StoppedQueues.class)
  void aGuestThatUnloadsItsDriverStopsItsQueuesAndMoves(HisiAccQuirks.StoppedQueues behaviour)
      throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    source.quirks.stoppedQueues = behaviour;
    source.guest.unloadDriver();
    assertThat(source.guest.state().unfinished > 0)
        .isEqualTo(behaviour == HisiAccQuirks.StoppedQueues.HALTED);
    assertThat(HisiAccMove.move(source, target, 176)).isEqualTo(40);
    target.perform(Arc.STOP_TO_RUNNING);
    target.guest.loadDriver();
    target.guest.submit(9);
    target.finish();
  }

  @ParameterizedTest
  @ValueSource(longs = {900_000_000L, 4_000_000_000L})
  void aFlushOfTheGuestThatIsUnderWayIsWaitedFor(long nanos) throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    source.finish();
    source.quirks.commandNanos.put(0x9, nanos);
    begin(source.host, 0x9, 0);
    HisiAccMove.move(source, target, 176);
    assertThat(source.chip.violations()).isEmpty();
  }

  @Test
  void aCommandOfTheGuestThatTakesLongerThanItMayKeepsTheFunctionRunning()
      throws MigrationException {
    HisiAccSide side = working("queues=4&depth=8");
    for (int command : new int[] {0x9, 0x4}) {
      side.quirks.commandNanos.put(command, 10_000_000_000L);
      begin(side.host, command == 0x4 ? 0x4004 : command, 0);
      long start = clock.nanoTime();
      assertThatThrownBy(() -> side.perform(Arc.RUNNING_TO_STOP))
          .hasMessageContaining("busy with command 0x%x and does not".formatted(command));
      assertThat(clock.nanoTime() - start)
          .isBetween(
              command == 0x9 ? 5_000_000_000L : 1_000_000_000L,
              command == 0x9 ? 5_100_000_000L : 1_100_000_000L);
      clock.advance(10_000_000_000L);
    }
    assertThat(side.function.paused()).isFalse();
  }

  // --- 0x2 and 0x3: contexts of the event queues ------------------------------------------------

  @ParameterizedTest
  @ValueSource(ints = {0x2, 0x3})
  void whatWasSetCanBeReadBack(int command) throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "");
    ByteBuffer context = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    context.putInt(0, 3 | 7 << 16).putInt(4, 0x89abc000).putInt(8, 0x12).putInt(24, 127 | 1 << 16);
    side.memory.put(0x100, context.array());
    assertThat(give(clock, side.host, command, HisiAccSide.MEMORY + 0x100)[0]).isEqualTo(command);
    assertThat(give(clock, side.host, command | 1 << 14, HisiAccSide.MEMORY + 0x200)[0])
        .isEqualTo(command | 1 << 14);
    byte[] back = new byte[32];
    side.memory.get(0x200, back);
    assertThat(back).isEqualTo(context.array());
    assertThat(read(side.host, command == 0x2 ? 0x8008 : 0x8028)).isEqualTo(0x12);
  }

  // --- 0xc and 0xd: messages --------------------------------------------------------------------

  @Test
  void aMessageOfThePhysicalFunctionReachesItsGuest() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=2&queues=4");
    HisiAccSide other = new HisiAccSide(clock, chip, 1);
    HisiAccSide side = new HisiAccSide(clock, chip, 2);
    side.boot();
    other.boot();
    HostDevice pf = side.host.companion("pf").orElseThrow();
    // PF_FLR_PREPARE to function 2: put down, then rung for.
    assertThat(give(clock, pf, 0xc | 2 << 16, 1)[0]).isEqualTo(0xc | 2 << 16);
    assertThat(read(side.host, 0x28)).isZero();
    write(pf, 0x100134, 2);
    write(pf, 0x100130, 1);
    assertThat(read(side.host, 0x28)).isOne();
    assertThat(read(other.host, 0x28)).isZero();
    assertThat(read(pf, 0x100128)).isEqualTo(1 << 2);
    // The guest is woken, fetches and acknowledges it.
    side.guest.tick(0);
    other.guest.tick(0);
    assertThat(side.guest.state().message).isOne();
    assertThat(other.guest.state().message).isZero();
    assertThat(read(side.host, 0x28)).isZero();
    assertThat(read(pf, 0x100128)).isZero();
  }

  @Test
  void aMessageForAllReachesAll() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.ZIP, "vfs=40&queues=1");
    HisiAccSide first = new HisiAccSide(clock, chip, 1);
    HisiAccSide last = new HisiAccSide(clock, chip, 40);
    HostDevice pf = first.host.companion("pf").orElseThrow();
    give(clock, pf, 0xc | 0xffff << 16, 8L | 77L << 32);
    write(pf, 0x100134, 0x7f);
    write(pf, 0x100130, 1);
    assertThat(read(pf, 0x100128)).isEqualTo(-2);
    assertThat(read(pf, 0x10012c)).isEqualTo(0x1ff);
    for (HisiAccSide side : List.of(first, last)) {
      assertThat(give(clock, side.host, 0xd | 1 << 14, 0)[1]).isEqualTo(8L | 77L << 32);
      write(side.host, 0x20, 1);
    }
    assertThat(read(pf, 0x100128)).isEqualTo(-4);
    assertThat(read(pf, 0x10012c)).isEqualTo(0xff);
  }

  @Test
  void aMessageOfAGuestReachesThePhysicalFunction() throws MigrationException {
    HisiAccChip chip = HisiAccSide.chip(clock, HisiAccKind.SEC, "vfs=40&queues=1");
    HisiAccSide side = new HisiAccSide(clock, chip, 35);
    HostDevice pf = side.host.companion("pf").orElseThrow();
    List<Integer> heard = new ArrayList<>();
    pf.interrupts().enable(Interrupts.MSI, 3, heard::add);
    // VF_GET_QOS.
    give(clock, side.host, 0xc, 9);
    write(side.host, 0x2c, 1);
    assertThat(heard).containsExactly(2);
    assertThat(read(side.host, 0x2c)).isOne();
    assertThat(read(pf, 0x100138)).isZero();
    assertThat(read(pf, 0x10013c)).isEqualTo(1 << 3);
    assertThat(give(clock, pf, 0xd | 1 << 14 | 35 << 16, 0)[1]).isEqualTo(9);
    write(pf, 0x10013c, 1 << 3);
    assertThat(read(side.host, 0x2c)).isZero();
    assertThat(give(clock, pf, 0xd | 1 << 14 | 41 << 16, 0)[0] & STATUS).isNotZero();
    assertThat(give(clock, pf, 0xc | 41 << 16, 1)[0] & STATUS).isNotZero();
  }

  @Test
  void aMaskedMessageIsToldWhenItIsUnmasked() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=4");
    side.boot();
    HostDevice pf = side.host.companion("pf").orElseThrow();
    write(side.host, 0x24, 1);
    give(clock, pf, 0xc | 1 << 16, 3);
    write(pf, 0x100134, 1);
    write(pf, 0x100130, 1);
    side.guest.tick(0);
    assertThat(side.guest.state().message).isZero();
    write(side.host, 0x24, 0);
    side.guest.tick(0);
    assertThat(side.guest.state().message).isEqualTo(3);
  }

  @Test
  void aHandshakeInTheMiddleIsNotMovedAndAfterItIs() throws MigrationException {
    HisiAccSide source = working("queues=4&depth=8");
    HisiAccSide target = HisiAccSide.of(clock, "queues=4&depth=8");
    HostDevice pf = source.host.companion("pf").orElseThrow();
    give(clock, pf, 0xc | 1 << 16, 2);
    write(pf, 0x100134, 1);
    write(pf, 0x100130, 1);
    assertThatThrownBy(() -> source.perform(Arc.RUNNING_TO_STOP))
        .hasMessageContaining("a message of the physical function is pending");
    source.guest.tick(0);
    // The guest answers VF_PREPARE_DONE, and the physical function is slow to take it.
    give(clock, source.host, 0xc, 4);
    write(source.host, 0x2c, 1);
    assertThatThrownBy(() -> source.perform(Arc.RUNNING_TO_STOP))
        .hasMessageContaining("a message to the physical function is not acknowledged");
    clock.schedule(3_000_000, () -> source.chip.messages().silence(1 << 1));
    HisiAccMove.move(source, target, 176);
    HisiAccMove.finish(target);
  }
}
