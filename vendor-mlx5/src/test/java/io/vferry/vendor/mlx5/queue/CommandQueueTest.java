package io.vferry.vendor.mlx5.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.host.HostClock;
import io.vferry.vendor.mlx5.ScriptedFunction;
import io.vferry.vendor.mlx5.command.AllocPd;
import io.vferry.vendor.mlx5.command.PageTrack;
import io.vferry.vendor.mlx5.command.QueryHcaCap;
import io.vferry.vendor.mlx5.command.QueryVhcaMigrationState;
import io.vferry.vendor.mlx5.command.SaveVhcaState;
import io.vferry.vendor.mlx5.command.Side;
import io.vferry.vendor.mlx5.command.SuspendVhca;
import io.vferry.vendor.mlx5.command.TakePages;
import io.vferry.vendor.mlx5.prm.CommandStatus;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How commands travel, byte by byte. */
class CommandQueueTest {

  private final ScriptedFunction function = new ScriptedFunction();
  private final DmaArena arena = new DmaArena(function.dma());

  private CommandQueue queue() throws Exception {
    FunctionRegisters registers = new FunctionRegisters(function.region(0));
    HostClock clock = function.clock();
    CommandQueue queue =
        new CommandQueue(
            registers,
            clock,
            new FunctionHealth(registers, clock, function),
            arena,
            new PageTraffic(new FirmwarePages(arena)),
            new QueueGeometry(5, 6));
    registers.write(0x10, (int) (queue.address() >>> 32));
    registers.write(0x14, (int) queue.address());
    return queue;
  }

  private static String hex(byte[] bytes, int from, int to) {
    return HexFormat.of().formatHex(bytes, from, to);
  }

  /** Sends commands until the next one gets a token. */
  private static void advance(CommandQueue queue, int token) throws CommandException {
    for (int sent = 1; sent < token; sent++) {
      queue.execute(new SuspendVhca(1, Side.INITIATOR));
    }
  }

  private static CommandException failure(CommandQueue queue) {
    return catchThrowableOfType(
        CommandException.class, () -> queue.execute(new SuspendVhca(5, Side.INITIATOR)));
  }

  @Test
  void writesTheEntryOfASuspend() throws Exception {
    CommandQueue queue = queue();
    advance(queue, 0x11);
    queue.execute(new SuspendVhca(5, Side.INITIATOR));
    queue.execute(new SuspendVhca(5, Side.RESPONDER));

    assertThat(HexFormat.of().formatHex(function.entries().get(0x10)))
        .isEqualTo(
            "07000000000000100000000000000000"
                + "01150000000000000000000500000000"
                + "00000000000000000000000000000000"
                + "00000000000000000000001011f90001");
    assertThat(hex(function.entries().get(0x11), 60, 64)).isEqualTo("12fb0001");
  }

  @Test
  void writesMailboxAndSignaturesOfASave() throws Exception {
    CommandQueue queue = queue();
    List<ByteBuffer> blocks = new ArrayList<>();
    function.script(
        input -> {
          byte[] entry = function.entries().get(function.entries().size() - 1);
          long mailbox = ByteBuffer.wrap(entry).getLong(8);
          if (mailbox != 0) {
            ByteBuffer block = ByteBuffer.allocate(576);
            block.put(0, function.at(mailbox, 576), 0, 576);
            blocks.add(block);
          }
          return Optional.of(new byte[0]);
        });
    advance(queue, 0x14);
    queue.execute(new SaveVhcaState(5, true, true, 0x00123400, 0x00801000));

    byte[] entry = function.entries().get(0x13);
    assertThat(hex(entry, 0, 8)).isEqualTo("0700000000000020");
    assertThat(hex(entry, 0x10, 0x20)).isEqualTo("0118000000000000c000000500000000");
    assertThat(hex(entry, 0x38, 0x3d)).isEqualTo("0000001014");
    byte all = 0;
    for (byte b : entry) {
      all ^= b;
    }
    assertThat(all).as("exclusive or of the entry").isEqualTo((byte) 0xff);
    assertThat(hex(blocks.get(0).array(), 0, 16)).isEqualTo("00000000000000000012340000801000");
    assertThat(hex(blocks.get(0).array(), 0x230, 0x240))
        .isEqualTo("0000000000000000000000000014ebb6");
  }

  @Test
  void writesTheEntryOfAQueryWithItsOutputMailbox() throws Exception {
    CommandQueue queue = queue();
    advance(queue, 0x13);
    queue.execute(new QueryVhcaMigrationState(5, true, true));

    byte[] entry = function.entries().get(0x12);
    assertThat(hex(entry, 0x10, 0x20)).isEqualTo("0117000000000000c000000500000000");
    long mailbox = ByteBuffer.wrap(entry).getLong(0x30);
    assertThat(mailbox & 0x1ff).isZero();
    // The known signature holds for another address; both differ by the address alone.
    int signature = 0x7d;
    for (int shift = 0; shift < 64; shift += 8) {
      signature ^= (int) ((mailbox ^ 0x10000400L) >>> shift) & 0xff;
    }
    assertThat(hex(entry, 0x38, 0x40)).isEqualTo("0000004013%02x0001".formatted(signature));
  }

  @Test
  void readsAnAnswerThatFillsEightBlocks() throws Exception {
    byte[] answer = new byte[0x1010];
    new java.util.Random(7).nextBytes(answer);
    answer[0] = 0;
    function.script(input -> Optional.of(answer));

    ByteBuffer block = queue().execute(new QueryHcaCap(0, false, 3));

    assertThat(block.array()).isEqualTo(HexFormat.of().parseHex(hex(answer, 16, 0x1010)));
    assertThat(function.commands().get(0)).isEqualTo("01000000000000018000000300000000");
  }

  @ParameterizedTest
  @CsvSource({"16,0", "17,1", "32,1", "272,1", "528,1", "529,2", "4112,8", "16656,33"})
  void countsTheBlocksOfAMessage(int bytes, int blocks) {
    assertThat(MailboxChain.blocksFor(bytes)).isEqualTo(blocks);
  }

  @ParameterizedTest
  @CsvSource({
    "1,SIGNATURE_ERR", "2,TOKEN_ERR", "3,BAD_BLOCK_NUMBER", "4,BAD_OUTPUT_POINTER",
    "5,BAD_INPUT_POINTER", "6,INTERNAL_ERR", "7,INPUT_LENGTH_ERR", "8,OUTPUT_LENGTH_ERR",
    "9,RESERVED_NOT_ZERO", "16,BAD_COMMAND_TYPE", "127,(unknown)"
  })
  void tellsWhyACommandWasNotDelivered(int status, String name) throws Exception {
    CommandQueue queue = queue();
    function.deliver(status, 0);

    CommandException failure = failure(queue);

    assertThat(failure).hasMessageContaining(name);
    assertThat(failure.unchanged()).isTrue();
  }

  @Test
  void tellsStatusAndSyndromeOfARefusal() throws Exception {
    function.script(input -> Optional.of(new byte[] {9, 0, 0, 0, 0x12, 0x34, 0x56, 0x78}));

    CommandException failure = failure(queue());

    assertThat(failure.is(CommandStatus.BAD_RES_STATE)).isTrue();
    assertThat(failure).hasMessageContaining("0x09 BAD_RES_STATE, syndrome 0x12345678");
  }

  @Test
  void doesNotBelieveAnAnswerWithAnotherToken() throws Exception {
    CommandQueue queue = queue();
    function.deliver(0, 0x40);

    CommandException failure = failure(queue);

    assertThat(failure.fate()).isEqualTo(CommandException.Fate.ANSWER_DAMAGED);
    assertThat(failure.unchanged()).isFalse();
  }

  @Test
  void checksSignaturesOfTheAnswerOnlyWhenChecksumsAreOn() throws Exception {
    CommandQueue queue = queue();
    queue.execute(new SuspendVhca(5, Side.INITIATOR));
    queue.checksums(true);

    // The script changes ownership and does not sign again.
    assertThat(failure(queue)).hasMessageContaining("a signature is wrong");
  }

  @Test
  void keepsTheSlotOfACommandThatTimedOutUntilItsAnswerComesLate() throws Exception {
    CommandQueue queue = queue();
    function.script(input -> Optional.empty());
    List<String> freed = new ArrayList<>();
    Flight<Integer> late = queue.submit(new AllocPd());
    CommandException failure =
        catchThrowableOfType(CommandException.class, () -> queue.await(late));
    queue.afterwards(late, () -> freed.add("buffer"));

    assertThat(failure.fate()).isEqualTo(CommandException.Fate.UNKNOWN);
    assertThat(function.nanos()).isBetween(60_000_000_000L, 61_000_000_000L);
    assertThat(freed).isEmpty();

    function.script(input -> Optional.of(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}));
    assertThat(queue.execute(new AllocPd())).isEqualTo(7);
    assertThat(function.entries().get(1)[0x3c])
        .as("token of the second command")
        .isEqualTo((byte) 2);
    function.answer(0, (byte) 0, (byte) 0, (byte) 0, (byte) 0);
    queue.progress();

    assertThat(freed).containsExactly("buffer");
    assertThat(queue.lateAnswers()).isEqualTo(1);
    assertThat(queue.execute(new AllocPd())).isEqualTo(7);
    assertThat(catchThrowableOfType(CommandException.class, () -> queue.await(late)))
        .isSameAs(failure);
  }

  @Test
  void servesPagesWhileAllOrdinarySlotsAreFull() throws Exception {
    CommandQueue queue = queue();
    function.script(input -> Optional.empty());
    for (int slot = 0; slot < 31; slot++) {
      queue.submit(new SuspendVhca(slot, Side.INITIATOR));
    }
    function.script(input -> Optional.of(new byte[0]));

    assertThat(queue.execute(new TakePages(0, 4))).isEmpty();
    assertThat(function.commands())
        .last()
        .asString()
        .startsWith("01080000000000020000000000000004");
    // An ordinary command finds no slot, whether it waits or not.
    CommandException failure = failure(queue);
    assertThat(failure.fate()).isEqualTo(CommandException.Fate.NO_RESOURCES);
    function.answer(17);
    queue.execute(new SuspendVhca(5, Side.INITIATOR));
  }

  @Test
  void objectsTakeNoMoreThanHalfOfTheSlots() throws Exception {
    CommandQueue queue = queue();
    function.script(input -> Optional.empty());
    for (int slot = 0; slot < 16; slot++) {
      queue.submit(new PageTrack.Query(slot));
    }

    CommandException failure =
        catchThrowableOfType(CommandException.class, () -> queue.submit(new PageTrack.Destroy(1)));
    assertThat(failure.fate()).isEqualTo(CommandException.Fate.NO_RESOURCES);
    for (int slot = 16; slot < 31; slot++) {
      queue.submit(new SuspendVhca(slot, Side.INITIATOR));
    }
    function.answer(3);
    function.answer(20);
    queue.submit(new PageTrack.Destroy(1));
    assertThat(function.entries()).hasSize(32);
  }

  @Test
  void failsAllThatIsUnderWayWhenTheFunctionLeavesTheBus() throws Exception {
    CommandQueue queue = queue();
    function.script(input -> Optional.empty());
    Flight<Integer> flight = queue.submit(new AllocPd());
    function.onPause(function::remove);

    CommandException failure =
        catchThrowableOfType(CommandException.class, () -> queue.await(flight));

    assertThat(failure.fate()).isEqualTo(CommandException.Fate.LOST);
    assertThat(function.nanos()).as("no wait for the time-out").isLessThan(1_000_000_000L);
    assertThat(failure(queue).fate()).isEqualTo(CommandException.Fate.LOST);
  }

  @Test
  void goesOnWhenItsThreadIsInterruptedAndKeepsTheInterrupt() throws Exception {
    CommandQueue queue = queue();
    function.script(input -> Optional.empty());
    Flight<Integer> flight = queue.submit(new AllocPd());
    function.onPause(() -> function.answer(0, new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}));
    Thread.currentThread().interrupt();

    assertThat(queue.await(flight)).isEqualTo(9);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void skipsTokenZero() throws Exception {
    CommandQueue queue = queue();
    advance(queue, 300);

    assertThat(function.entries()).noneMatch(entry -> entry[0x3c] == 0);
    assertThat(function.entries().get(254)[0x3c]).isEqualTo((byte) 255);
    assertThat(function.entries().get(255)[0x3c]).isEqualTo((byte) 1);
  }

  @Test
  void survivesRandomAnswers() throws Exception {
    long seed = 99;
    SplittableRandom random = new SplittableRandom(seed);
    function.script(
        input -> {
          byte[] answer = new byte[16];
          random.nextBytes(answer);
          answer[0] = random.nextBoolean() ? 0 : answer[0];
          return Optional.of(answer);
        });
    CommandQueue queue = queue();
    for (int round = 0; round < 2000; round++) {
      try {
        queue.execute(new TakePages(0, 1 + random.nextInt(600)));
      } catch (CommandException expected) {
        assertThat(expected.fate()).as("seed %d", seed).isEqualTo(CommandException.Fate.REFUSED);
      }
    }
  }
}
