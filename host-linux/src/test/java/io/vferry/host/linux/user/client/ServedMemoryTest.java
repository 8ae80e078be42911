package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.vferry.host.linux.AddressSpace;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What of this side's memory a server reaches by its orders. */
@EnabledOnOs(OS.LINUX)
class ServedMemoryTest {

  private static final int PAGE = 4096;
  private static final int MOST = 16 * PAGE;
  private static final int READ = 11;
  private static final int WRITE = 12;
  private static final int NO_REPLY = 0x10;
  private static final int REFUSED = 0x21;

  /** What the client answered; none of it may be missing or too much. */
  private final Deque<ByteBuffer> answers = new ArrayDeque<>();

  private final FakePeer server =
      new FakePeer() {
        @Override
        void hear(ByteBuffer message, List<Fd> files) {
          answers.add(message);
        }
      };
  private final List<MemoryRange> written = new ArrayList<>();
  private final ServedMemory served = new ServedMemory(MOST);
  private final Conversation conversation = Conversation.ofOrders("/run/test.sock", server, served);

  /** Maps pages that hold a number each. */
  private ByteBuffer map(long iova, int pages, int content, boolean reads, boolean writes) {
    ByteBuffer memory = ByteBuffer.allocateDirect(pages * PAGE);
    for (int i = 0; i < memory.capacity(); i++) {
      memory.put(i, (byte) content);
    }
    served.add(
        new AddressSpace.Mapping(
            new MemoryRange(iova, memory.capacity()),
            Pointer.nativeValue(Native.getDirectBufferPointer(memory)),
            reads,
            writes,
            memory));
    return memory;
  }

  private void order(int command, int flags, long address, long count, byte... data)
      throws Exception {
    served.onWrite(written::add);
    server.say(
        ByteBuffer.allocate(32 + data.length)
            .order(ByteOrder.nativeOrder())
            .putShort((short) 7)
            .putShort((short) command)
            .putInt(32 + data.length)
            .putInt(flags)
            .putInt(0)
            .putLong(address)
            .putLong(count)
            .put(data)
            .array());
    conversation.hear(1);
  }

  /** Returns what was read, or nothing if the order was refused for a reason. */
  private byte[] answer(int errno) {
    ByteBuffer answer = answers.remove();
    assertThat(answer.getInt(8)).isEqualTo(errno == 0 ? 1 : REFUSED);
    assertThat(answer.getInt(12)).isEqualTo(errno);
    return errno == 0 ? Arrays.copyOfRange(answer.array(), 32, answer.limit()) : new byte[0];
  }

  private static byte[] bytes(int count, int value) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  @Test
  void addressesHaveNoSign() throws Exception {
    map(0x1000, 1, 1, true, true);
    map(0xffff_ffff_ffff_f000L, 1, 2, true, true);
    map(0x7fff_ffff_ffff_f000L, 2, 3, true, true);
    order(READ, 0, 0x1000, 4);
    assertThat(answer(0)).containsExactly(1, 1, 1, 1);
    order(READ, 0, -4, 4);
    assertThat(answer(0)).containsExactly(2, 2, 2, 2);
    order(READ, 0, Long.MAX_VALUE - 1, 4);
    assertThat(answer(0)).containsExactly(3, 3, 3, 3);
    order(READ, 0, Long.MIN_VALUE, 4);
    assertThat(answer(0)).containsExactly(3, 3, 3, 3);
    order(READ, 0, 0x7fff_ffff_ffff_efffL, 2);
    answer(Errno.EFAULT);
  }

  @Test
  void eachByteOfAMappingIsReached() throws Exception {
    map(0x1000, 1, 1, true, true);
    order(READ, 0, 0x1000, 1);
    assertThat(answer(0)).containsExactly(1);
    order(READ, 0, 0x1fff, 1);
    assertThat(answer(0)).containsExactly(1);
    order(READ, 0, 0x2000, 1);
    answer(Errno.EFAULT);
  }

  @Test
  void oneMessageCarriesAsMuchAsWasAgreedAndNoMore() throws Exception {
    ByteBuffer memory = map(0, 17, 1, true, true);
    order(READ, 0, 0, MOST);
    assertThat(answer(0)).hasSize(MOST);
    order(READ, 0, 0, MOST + 1);
    answer(Errno.EINVAL);
    order(WRITE, 0, 0, MOST, bytes(MOST, 5));
    assertThat(answer(0)).isEmpty();
    order(WRITE, 0, 0, MOST + 1, bytes(MOST + 1, 6));
    answer(Errno.EINVAL);
    assertThat(memory.get(0)).isEqualTo((byte) 5);
    assertThat(memory.get(MOST - 1)).isEqualTo((byte) 5);
    assertThat(memory.get(MOST)).isEqualTo((byte) 1);
  }

  @Test
  void whatNeedsNoReplyGetsNone() throws Exception {
    ByteBuffer memory = map(0, 1, 1, true, true);
    order(WRITE, NO_REPLY, 8, 2, (byte) 4, (byte) 5);
    assertThat(memory.get(9)).isEqualTo((byte) 5);
    assertThat(written).as("the log knows of it").containsExactly(new MemoryRange(8, 2));
    order(READ, NO_REPLY, 0, 4);
    order(READ, NO_REPLY, 0x9000, 4);
    order(WRITE, NO_REPLY, 0x9000, 1, (byte) 1);
    // Nor a command that is the client's to give.
    order(9, NO_REPLY, 0, 4);
    assertThat(answers).isEmpty();
    order(9, 0, 0, 4);
    answer(Errno.EOPNOTSUPP);
  }

  @Test
  void memoryIsReachedInTheDirectionItWasGivenFor() throws Exception {
    ByteBuffer out = map(0x1000, 1, 1, true, false);
    map(0x2000, 1, 2, false, true);
    order(READ, 0, 0x2000, 4);
    answer(Errno.EACCES);
    order(WRITE, 0, 0x1000, 1, (byte) 9);
    answer(Errno.EACCES);
    // Half of it may be done: none of it is.
    order(WRITE, 0, 0x2ffe, 4, bytes(4, 9));
    answer(Errno.EFAULT);
    order(WRITE, 0, 0x1ffe, 4, bytes(4, 9));
    answer(Errno.EACCES);
    assertThat(out.get(0xffe)).isEqualTo((byte) 1);
    assertThat(written).isEmpty();
    order(WRITE, 0, 0x2000, 1, (byte) 9);
    answer(0);
  }

  @Test
  void aRangeMayConsistOfAnyNumberOfMappings() throws Exception {
    for (int pages = 1; pages <= 10; pages++) {
      map((pages - 1) * (long) PAGE, 1, pages, true, true);
      order(READ, 0, 0, pages * (long) PAGE);
      byte[] read = answer(0);
      assertThat(read).hasSize(pages * PAGE);
      for (int page = 0; page < pages; page++) {
        assertThat(read[page * PAGE]).isEqualTo((byte) (page + 1));
      }
    }
  }
}
