package io.vferry.vendor.mlx5.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.memory.MemoryRange;
import io.vferry.vendor.mlx5.command.ModifyQp.Step;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bytes of the commands for the objects that page tracking needs, encoded by hand from the
 * public header: all that is not named here is zero.
 */
class ObjectLayoutTest {

  /** Puts dwords at their offsets: {@code "0x10: 00001800 00000077"}. */
  private static String message(int lengthBytes, String... parts) {
    ByteBuffer bytes = ByteBuffer.allocate(lengthBytes);
    for (String part : parts) {
      String[] offsetAndWords = part.split(": ", 2);
      bytes.put(
          Integer.decode(offsetAndWords[0]),
          HexFormat.of().parseHex(offsetAndWords[1].replace(" ", "")));
    }
    return HexFormat.of().formatHex(bytes.array());
  }

  static Stream<Arguments> commands() {
    return Stream.of(
        Arguments.of(
            new PageTrack.Create(
                5,
                33,
                12,
                17,
                0xabc,
                List.of(
                    new MemoryRange(0, 0xa000_0000L),
                    new MemoryRange(0x1_0000_0000L, 0x6000_0000L))),
            message(
                0x60,
                "0x00: 0a000000 00000046 00000000 00000000",
                "0x10: 00000000 00000000 00000005 00000000",
                "0x20: 01210c11 00000abc 00000002 00000000",
                "0x40: 00000000 00000000 00000000 a0000000",
                "0x50: 00000001 00000000 00000000 60000000")),
        Arguments.of(
            new PageTrack.Report(0x77, new MemoryRange(0x1_0000_0000L, 0x6000_0000L)),
            message(
                0x40,
                "0x00: 0a010000 00000046 00000077 00000000",
                "0x10: 00000000 00000003 00000000 00000000",
                "0x20: 10000000 00000000 00000000 00000000",
                "0x30: 00000001 00000000 00000000 60000000")),
        Arguments.of(
            new PageTrack.Query(0x77), message(0x10, "0x00: 0a020000 00000046 00000077 00000000")),
        Arguments.of(
            new PageTrack.Destroy(0x77),
            message(0x10, "0x00: 0a030000 00000046 00000077 00000000")),
        Arguments.of(
            new CreateCq(7, 0x12, 9, 0x1_2345_6000L, 0x1_2345_9040L),
            message(
                0x120,
                "0x000: 04000000 00000000",
                "0x01c: 07000012",
                "0x024: 00000009",
                "0x048: 00000001 23459040",
                "0x110: 00000001 23456000 00000001 23457000")),
        Arguments.of(
            new CreateQp(0x77, 0x12, 0x34, 4, 0x1_2345_6000L, 0x1_2345_9080L),
            message(
                0x118,
                "0x000: 05000000 00000000",
                "0x018: 00001800 00000077 00208000 00000012 00ffffff",
                "0x0b4: 00000034 00000001 23459080",
                "0x110: 00000001 23456000")),
        Arguments.of(
            new CreateQp(0x77, 0x12, 0x34, -1, 0x1_2345_6000L, 0x1_2345_9080L),
            message(
                0x118,
                "0x000: 05000000 00000000",
                "0x018: 00001800 00000077 00008000 00000012 00ffffff",
                "0x0b4: 00000034 00000001 23459080 00000000 03000000",
                "0x110: 00000001 23456000")),
        Arguments.of(
            new ModifyQp(Step.TO_INIT, 0xabc, 0, 30),
            message(
                0x110,
                "0x00: 05020000 00000000 00000abc",
                "0x18: 00001800",
                "0x54: 00010000",
                "0xa8: 0000c000")),
        Arguments.of(
            new ModifyQp(Step.TO_RECEIVE, 0xabc, 0xdef, 30),
            message(
                0x110,
                "0x00: 05030000 00000000 00000abc",
                "0x20: be000000",
                "0x2c: 00000def 80000000",
                "0x54: 00010000",
                "0xac: 01000000")),
        Arguments.of(
            new ModifyQp(Step.TO_SEND, 0xabc, 0, 30),
            message(0x110, "0x00: 05040000 00000000 00000abc", "0x38: 40000000", "0x88: 0007e000")),
        Arguments.of(
            new CreateEq(8, 0x12, 3, 0x0c00_0003L, 0x1_2345_6000L),
            message(
                0x130,
                "0x000: 03010000 00000000",
                "0x01c: 08000012",
                "0x024: 00000003",
                "0x058: 00000000 0c000003",
                "0x110: 00000001 23456000 00000001 23457000",
                "0x120: 00000001 23458000 00000001 23459000")),
        Arguments.of(new AllocUar(), message(0x10, "0x00: 08020000 00000000 00000000 00000000")),
        Arguments.of(new DeallocUar(7), message(0x10, "0x00: 08030000 00000000 00000007 00000000")),
        Arguments.of(new DestroyEq(9), message(0x10, "0x00: 03020000 00000000 00000009 00000000")),
        Arguments.of(
            new DestroyCq(0x34), message(0x10, "0x00: 04010000 00000000 00000034 00000000")),
        Arguments.of(
            new DestroyQp(0xabc), message(0x10, "0x00: 05010000 00000000 00000abc 00000000")));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void goesToTheDeviceAsTheHeaderSays(Command<?> command, String bytes) {
    assertThat(HexFormat.of().formatHex(command.encode().array())).isEqualTo(bytes);
  }

  @Test
  void readsNumbersAndStateFromTheirFields() {
    ByteBuffer out = ByteBuffer.allocate(0x40);
    out.putInt(0x8, 0xff12_3456).putInt(0x20, 0x2fff_ffff);
    Words words = new Words(out);

    assertThat(new CreateCq(4, 0, 0, 0, 0).read(words)).isEqualTo(0x12_3456);
    assertThat(new CreateQp(0, 0, 0, 4, 0, 0).read(words)).isEqualTo(0x12_3456);
    assertThat(new CreateEq(8, 0, 0, 0, 0).read(words)).isEqualTo(0x56);
    assertThat(new PageTrack.Create(5, 33, 12, 17, 1, List.of()).read(words))
        .isEqualTo(0xff12_3456);
    assertThat(new PageTrack.Query(1).read(words)).isEqualTo(PageTrack.STATE_ERROR);
  }

  @Test
  void knowsWhichObjectAnEventIsAbout() {
    ByteBuffer event = ByteBuffer.allocate(28).putInt(0, 0x0000_0046).putInt(4, 0x77);

    assertThat(PageTrack.isAbout(new Words(event), 0x77)).isTrue();
    assertThat(PageTrack.isAbout(new Words(event), 0x78)).isFalse();
    assertThat(PageTrack.isAbout(new Words(event.putInt(0, 0x47)), 0x77)).isFalse();
  }
}
