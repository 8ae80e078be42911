package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.transport.ControlFrame.Kind;
import io.vferry.spi.error.MigrationException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The control connection, stepped in one thread over a pipe in memory. */
class ControlLoopTest {

  private final VirtualClock clock = new VirtualClock();
  private final SessionFailure failure = new SessionFailure();
  private final List<String> events = new ArrayList<>();
  private final ControlInbox inbox = new ControlInbox(failure);
  private PipeLink link = new PipeLink(16 << 20, Integer.MAX_VALUE, new Random(0));

  private ControlOutbox outbox() {
    return new ControlOutbox(link, clock, failure);
  }

  private ControlReader reader() {
    return new ControlReader(
        link,
        inbox,
        new ControlReader.Events() {
          @Override
          public void credit(long bytes) {
            events.add("credit " + bytes);
          }

          @Override
          public void goodbye() {
            events.add("goodbye");
          }

          @Override
          public void aborted(String why) {
            events.add("aborted " + why);
          }
        },
        clock,
        failure);
  }

  private static void stepAll(Loop loop) throws IOException, MigrationException {
    int work;
    do {
      work = loop.doWork();
    } while (work > 0);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void messagesArriveWholeAndInOrder(long seed) throws Exception {
    Random random = new Random(seed);
    link = new PipeLink(4 << 20, 1 + random.nextInt(5000), random);
    ControlOutbox outbox = outbox();
    ControlReader reader = reader();
    for (int i = 0; i < 50; i++) {
      byte[] message = new byte[i == 7 ? ControlChannel.MAX_MESSAGE_BYTES : random.nextInt(3000)];
      random.nextBytes(message);
      outbox.send(message);
      stepAll(outbox);
      stepAll(reader);
      assertThat(inbox.receive()).as("seed %d", seed).hasValue(message);
    }
  }

  @Test
  void creditOvertakesMessagesAndIsAddedUp() throws Exception {
    ControlOutbox outbox = outbox();
    outbox.send(new byte[] {1});
    outbox.giveBack(100);
    outbox.giveBack(23);
    ControlReader reader = reader();
    outbox.doWork();
    stepAll(reader);
    assertThat(events).containsExactly("credit 123");
    assertThat(inbox.hasRoom()).isTrue();
    stepAll(outbox);
    stepAll(reader);
    assertThat(inbox.receive()).hasValue(new byte[] {1});
  }

  @Test
  void aSideThatSaysNothingBeatsItsHeart() throws Exception {
    ControlOutbox outbox = outbox();
    outbox.pulse();
    stepAll(outbox);
    ByteBuffer heartbeat = link.drain();
    assertThat(heartbeat.remaining()).isEqualTo(ControlFrame.HEADER_BYTES);
    assertThat(ControlFrame.read(heartbeat, "pipe").kind()).isEqualTo(Kind.HEARTBEAT);
    outbox.send(new byte[3]);
    stepAll(outbox);
    assertThat(link.drain().remaining()).isEqualTo(ControlFrame.HEADER_BYTES + 3);
    outbox.pulse();
    stepAll(outbox);
    // The heartbeat of the pulse before and the message are in the same period.
    assertThat(link.drain().remaining()).isZero();
  }

  @Test
  void silenceIsFoundAndAHeartbeatEndsIt() throws Exception {
    ControlReader reader = reader();
    clock.advance(7);
    stepAll(reader);
    assertThat(reader.stalledNanos()).isEqualTo(7);
    link.feed(ControlFrame.encode(Kind.HEARTBEAT, new byte[0]));
    stepAll(reader);
    assertThat(reader.stalledNanos()).isZero();
  }

  @Test
  void goodbyeIsTheLastThingSaid() throws Exception {
    ControlOutbox outbox = outbox();
    outbox.send(new byte[] {1});
    outbox.end();
    assertThatThrownBy(() -> outbox.send(new byte[] {2})).hasMessageContaining("is closed");
    stepAll(outbox);
    assertThat(outbox.doWork()).isEqualTo(Loop.FINISHED);
    ControlReader reader = reader();
    stepAll(reader);
    assertThat(events).containsExactly("goodbye");
    assertThat(inbox.receive()).hasValue(new byte[] {1});
    assertThat(reader.doWork()).isEqualTo(Loop.FINISHED);
  }

  @Test
  void anAbortOvertakesEverythingAndIsMadePrintable() throws Exception {
    ControlOutbox outbox = outbox();
    outbox.send(new byte[] {1});
    outbox.abort("bad\u001b[2Jnews");
    stepAll(outbox);
    stepAll(reader());
    assertThat(events).containsExactly("aborted bad [2Jnews");
  }

  @Test
  void anEndWithoutGoodbyeIsALoss() {
    link.shutdownOutput();
    assertThatThrownBy(() -> stepAll(reader()))
        .isInstanceOf(EOFException.class)
        .hasMessage("it ends without having said so");
  }

  @Test
  void eachFlippedBitIsFound() {
    int bits = (ControlFrame.HEADER_BYTES + 4) * 8;
    for (int bit = 0; bit < bits; bit++) {
      ByteBuffer bytes = ControlFrame.encode(Kind.MESSAGE, new byte[] {1, 2, 3, 4});
      bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ (1 << bit % 8)));
      link = new PipeLink(1000, Integer.MAX_VALUE, new Random(0)).feed(bytes);
      assertThatThrownBy(() -> stepAll(reader()))
          .as("bit %d", bit)
          .isInstanceOf(MigrationException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MIN_VALUE, (1 << 20) + 1, Integer.MAX_VALUE})
  void lengthsOutOfRangeAreRefusedBeforeAnythingIsAllocated(int length) {
    ByteBuffer header = ControlFrame.encode(Kind.MESSAGE, new byte[0]);
    header.putInt(8, length);
    header.putInt(16, Frame.crc32c(header.duplicate().limit(16)));
    link.feed(header);
    assertThatThrownBy(() -> stepAll(reader()))
        .isInstanceOfSatisfying(
            MigrationException.class,
            e -> assertThat(e.code()).isEqualTo(RuntimeError.TRANSPORT_VIOLATION))
        .hasMessageContaining("a message of kind MESSAGE and " + length + " bytes");
  }

  @Test
  void messagesThatNobodyTakesStayBounded() throws Exception {
    ControlReader reader = reader();
    ByteBuffer message = ControlFrame.encode(Kind.MESSAGE, new byte[1]);
    for (int i = 0; i < 5000; i++) {
      link.feed(message.duplicate());
    }
    stepAll(reader);
    assertThat(inbox.hasRoom()).isFalse();
    clock.advance(1_000_000);
    assertThat(reader.stalledNanos()).as("the peer is not to blame").isZero();
    int taken = 0;
    while (!inbox.hasRoom()) {
      inbox.receive();
      taken++;
    }
    assertThat(taken).isEqualTo(1);
    stepAll(reader);
    assertThat(inbox.hasRoom()).isFalse();
  }
}
