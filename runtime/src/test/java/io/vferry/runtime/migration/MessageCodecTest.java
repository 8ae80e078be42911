package io.vferry.runtime.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MessageCodecTest {

  private static final Problem PROBLEM =
      new Problem(
          "VF-1001",
          Optional.of("nic0"),
          "it failed",
          Optional.of(DeviceState.STOP),
          DeviceCondition.values()[0]);

  static Stream<Message> messages() {
    return Stream.of(
        new Message.Offer(
            "vm",
            4096,
            List.of(new MemoryRange(0, 1 << 20)),
            List.of(
                new Message.OfferedDevice(
                    "nic0", "sim", "1.0", FeatureSet.of(true, true), Map.of("firmware", "1")))),
        new Message.Admitted(
            List.of(
                new Message.ArcTime(0, Arc.RUNNING_TO_RUNNING_P2P, 12_345),
                new Message.ArcTime(1, Arc.STOP_TO_RESUMING, 0))),
        new Message.Refused(List.of(PROBLEM)),
        new Message.InitialDataSent(1, 2, 3),
        new Message.InitialDataLoaded(1, 2),
        new Message.Switchover(),
        new Message.StreamEnd(1, 2, 3, ByteBuffer.allocate(32).put(0, (byte) 7)),
        new Message.Ready(new GuestAudit.Verdict(Map.of("tasks", 5L), List.of("one")), true),
        new Message.Commit(),
        new Message.Running(),
        new Message.Abort(PROBLEM),
        new Message.StartFailed(PROBLEM));
  }

  @ParameterizedTest
  @MethodSource("messages")
  void whatIsWrittenIsRead(Message message) throws MigrationException {
    assertThat(MessageCodec.decode(MessageCodec.encode(message))).isEqualTo(message);
  }

  @ParameterizedTest
  @MethodSource("messages")
  void whatIsCutOrTooLongIsRefusedByName(Message message) {
    ByteBuffer whole = MessageCodec.encode(message);
    for (int length = 0; length < whole.limit(); length++) {
      refused(whole.slice(0, length));
    }
    refused(ByteBuffer.allocate(whole.limit() + 1).put(whole.duplicate()).rewind());
  }

  private static void refused(ByteBuffer bytes) {
    assertThatThrownBy(() -> MessageCodec.decode(bytes))
        .isInstanceOfSatisfying(
            MigrationException.class,
            e -> assertThat(e.code()).isEqualTo(RuntimeError.PROTOCOL_VIOLATION));
  }

  @Test
  void anArcThatDoesNotExistIsRefused() {
    ByteBuffer bytes =
        MessageCodec.encode(
            new Message.Admitted(List.of(new Message.ArcTime(0, Arc.STOP_TO_RESUMING, 1))));
    // Kind, length of the list, number of the device; then the state in which the arc begins.
    bytes.put(1 + 4 + 4, (byte) DeviceState.ERROR.number());
    refused(bytes);
  }

  /** Whatever a peer sends, the answer is a message or one clear error, within little memory. */
  @RepeatedTest(200)
  void anythingElseIsReadOrRefused() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    List<Message> corpus = messages().toList();
    ByteBuffer bytes = MessageCodec.encode(corpus.get(random.nextInt(corpus.size())));
    for (int change = random.nextInt(4); change >= 0; change--) {
      bytes.put(random.nextInt(bytes.limit()), (byte) random.nextInt());
    }
    try {
      MessageCodec.decode(bytes);
    } catch (MigrationException e) {
      assertThat(e.code()).as("seed " + seed).isEqualTo(RuntimeError.PROTOCOL_VIOLATION);
    } catch (RuntimeException e) {
      throw new AssertionError("seed " + seed, e);
    }
  }
}
