package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.Companions;
import io.vferry.host.linux.user.client.LibvfioUser.Answer;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A server that answers one command in a way that no server should. */
class HostileServerTest {

  private static final int SIZE = 4;
  private static final int BODY = 16;

  /** An otherwise good server. */
  private static FakePeer hostile(int command, Function<Answer, List<Answer>> trick) {
    return new LibvfioUser(Version.JUNE, 4096)
        .on(
            command,
            (message, files, usual) -> {
              List<Answer> good = usual.get();
              return good.isEmpty() ? good : trick.apply(good.get(0));
            })
        .connection();
  }

  private static Function<Answer, List<Answer>> changed(UnaryOperator<byte[]> change) {
    return good -> List.of(new Answer(change.apply(good.bytes()), good.files()));
  }

  private static UnaryOperator<byte[]> putInt(int offset, int value) {
    return bytes -> {
      ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putInt(offset, value);
      return bytes;
    };
  }

  private static UnaryOperator<byte[]> putShort(int offset, int value) {
    return bytes -> {
      ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putShort(offset, (short) value);
      return bytes;
    };
  }

  private static UnaryOperator<byte[]> putLong(int offset, long value) {
    return bytes -> {
      ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putLong(offset, value);
      return bytes;
    };
  }

  /** As long as said, with a size that agrees. */
  private static UnaryOperator<byte[]> length(int bytes) {
    return all -> putInt(SIZE, bytes).apply(Arrays.copyOf(all, bytes));
  }

  private static Arguments trick(
      String name, int command, Function<Answer, List<Answer>> trick, String says) {
    return Arguments.of(name, command, trick, says);
  }

  static Stream<Arguments> tricks() {
    return Stream.of(
        trick("says nothing to VERSION", 1, good -> List.of(), "does not answer in time"),
        trick("refuses VERSION", 1, changed(putInt(8, 0x21)), "VERSION: EINVAL"),
        trick("another major", 1, changed(putShort(BODY, 1)), "version 1.0"),
        trick("a newer minor", 1, changed(putShort(BODY + 2, 1)), "version 0.1"),
        trick("VERSION without text", 1, changed(length(18)), "VERSION has 2 bytes"),
        trick("no JSON", 1, changed(putInt(BODY + 4, 0x58585858)), "JSON"),
        trick("no zero byte", 1, changed(bytes -> length(40).apply(bytes)), "no zero byte"),
        trick("a wrong number", 4, changed(putShort(0, 999)), "replies to message 999"),
        trick("a wrong command", 4, changed(putShort(2, 7)), "replies to DEVICE_GET_IRQ_INFO"),
        trick("no type", 4, changed(putInt(8, 3)), "neither command nor reply"),
        trick("twice", 4, good -> List.of(good, good), "replies to"),
        trick("an empty reply", 4, changed(length(16)), "DEVICE_GET_INFO has 0 bytes"),
        trick("a short reply", 4, changed(length(31)), "DEVICE_GET_INFO has 15 bytes"),
        trick("a million regions", 4, changed(putInt(BODY + 8, 1 << 20)), "number of regions"),
        trick("-1 interrupts", 4, changed(putInt(BODY + 12, -1)), "number of interrupts"),
        trick("a short region", 5, changed(length(47)), "DEVICE_GET_REGION_INFO has 31 bytes"),
        trick("another region", 5, changed(putInt(BODY + 8, 5)), "region 0 was asked for"),
        trick(
            "a region of 2^63",
            5,
            changed(putLong(BODY + 16, Long.MIN_VALUE)),
            "9223372036854775808"),
        trick("a chain that loops", 5, capability(putInt(BODY + 36, 32)), "capability at byte 32"),
        trick(
            "a chain out of it",
            5,
            capability(putInt(BODY + 12, 1 << 20)),
            "capability at byte 1048576"),
        trick("a chain that is cut", 5, capability(length(BODY + 40)), "cut off"),
        trick("a billion parts", 5, capability(putInt(BODY + 40, 1 << 30)), "number of parts"),
        trick(
            "a part that overflows",
            5,
            capability(putLong(BODY + 48, -4096)),
            "outside of its 4096 bytes"),
        trick(
            "a part beyond", 5, capability(putLong(BODY + 48, 4096)), "outside of its 4096 bytes"),
        trick("a file that did not come", 5, capability(putShort(BODY + 32, 16)), "is behind file"),
        trick(
            "the first file, where none came",
            5,
            capability(bytes -> putInt(BODY + 72, 0).apply(putShort(BODY + 32, 16).apply(bytes))),
            "is behind file 0; 0 files came"),
        trick(
            "a part whose end overflows",
            5,
            capability(
                bytes ->
                    putLong(BODY + 48, Long.MAX_VALUE)
                        .apply(putLong(BODY + 56, Long.MAX_VALUE).apply(bytes))),
            "outside of its 4096 bytes"),
        trick("room for less than it sends", 4, changed(putInt(BODY, 15)), "argsz is 15"),
        trick("no room for an interrupt", 7, changed(putInt(BODY, 15)), "argsz is 15"));
  }

  /** Adds a list of one part that can be mapped. */
  private static Function<Answer, List<Answer>> capability(UnaryOperator<byte[]> change) {
    return changed(
        bytes -> {
          if (bytes[BODY + 8] != 0) {
            return bytes;
          }
          ByteBuffer all =
              ByteBuffer.wrap(Arrays.copyOf(bytes, BODY + 32 + 16 + 32))
                  .order(ByteOrder.nativeOrder());
          all.putInt(SIZE, all.capacity())
              .putInt(BODY, all.capacity() - BODY)
              .putInt(BODY + 4, 0xf)
              .putInt(BODY + 12, 32)
              .putShort(BODY + 32, (short) 1)
              .putShort(BODY + 34, (short) 1)
              .putInt(BODY + 40, 1)
              .putLong(BODY + 56, 4096)
              // Where the longer kind of list has the number of the file.
              .putInt(BODY + 72, 5);
          byte[] changed = change.apply(all.array());
          return putInt(BODY, changed.length - BODY).apply(changed);
        });
  }

  private static HostDevice open(FakePeer peer) throws MigrationException {
    DeviceAddress address = DeviceAddress.parse("vfio-user:/run/evil.sock");
    return VfioUserBackend.open(
        address, ClientParameters.of(address), NoClock.INSTANCE, Companions.NONE, peer);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tricks")
  void isNotBelieved(String name, int command, Function<Answer, List<Answer>> trick, String says) {
    FakePeer peer = hostile(command, trick);
    MigrationException e = catchThrowableOfType(MigrationException.class, () -> open(peer));
    assertThat(e).as(name).isNotNull();
    assertThat(e.getMessage()).contains("/run/evil.sock").contains(says);
    assertThat(peer.closed()).as("closed").isTrue();
  }

  static Stream<Arguments> tricksLater() {
    return Stream.of(
        trick(
            "a read of too much",
            17,
            changed(putInt(BODY + 4, 65)),
            "it read 65 bytes; 64 were asked for"),
        trick(
            "a read of more than was asked for, all of it sent",
            17,
            changed(bytes -> putInt(BODY + 4, 65).apply(length(104).apply(bytes))),
            "it read 65 bytes; 64 were asked for"),
        trick("a read of -1 bytes", 17, changed(putInt(BODY + 4, -1)), "it read 4294967295 bytes"),
        trick("more read than sent", 17, changed(length(40)), "64 were asked for and 16 sent"),
        trick("a read without size", 17, changed(length(20)), "without a size"),
        trick("a region of another offset", 9, changed(putLong(BODY, 8)), "at 0x8 of region 0"),
        trick("another region", 9, changed(putInt(BODY + 8, 1)), "of region 1"),
        trick("less than asked for", 9, changed(putInt(BODY + 12, 3)), "were asked for, not 3"),
        trick("a count beyond", 9, changed(putInt(BODY + 12, 5)), "number of bytes to access is 5"),
        trick("shorter than it says", 9, changed(length(35)), "19 bytes were sent, 20 expected"),
        trick("longer than it says", 9, changed(length(37)), "21 bytes were sent, 20 expected"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tricksLater")
  void isNotBelievedLater(
      String name, int command, Function<Answer, List<Answer>> trick, String says)
      throws Exception {
    boolean[] on = {false};
    FakePeer peer = hostile(command, good -> on[0] ? trick.apply(good) : List.of(good));
    HostDevice device = open(peer);
    HostMigration migration = device.capability(HostMigration.class).orElseThrow();
    MigrationData data = migration.setState(DeviceState.PRE_COPY).orElseThrow();
    on[0] = true;
    ByteBuffer room = ByteBuffer.allocate(64);
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class,
            () -> {
              if (command == 17) {
                data.read(room);
              } else {
                device.region(0).read(0, ByteBuffer.allocate(4));
              }
            });
    assertThat(e).as(name).isNotNull();
    assertThat(e.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(e.condition()).isEqualTo(DeviceCondition.LOST);
    assertThat(e.getMessage()).contains(says);
    assertThat(room.position()).isZero();
    assertThat(peer.closed()).isTrue();
    // Whoever comes later is told the same.
    MigrationException again = catchThrowableOfType(MigrationException.class, migration::state);
    assertThat(again.code()).isEqualTo(DeviceError.DEVICE_LOST);
    assertThat(again.getMessage()).contains(says);
    device.close();
  }

  @Test
  void asksForNothingItDidNotPromiseTo() throws Exception {
    // A loaded write that claims more than was sent.
    FakePeer peer =
        hostile(
            18,
            good ->
                List.of(
                    LibvfioUser.reply(
                        ByteBuffer.wrap(good.bytes()).order(ByteOrder.nativeOrder()),
                        LibvfioUser.ints(8, 5))));
    HostMigration migration = open(peer).capability(HostMigration.class).orElseThrow();
    MigrationData data = migration.setState(DeviceState.RESUMING).orElseThrow();
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> data.write(ByteBuffer.allocate(4)));
    assertThat(e.getMessage()).contains("the number of bytes taken is 5, more than 4");
  }
}
