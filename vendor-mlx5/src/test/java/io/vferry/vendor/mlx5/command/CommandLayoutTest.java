package io.vferry.vendor.mlx5.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The bytes of each command, encoded by hand from the public header. */
class CommandLayoutTest {

  static Stream<Arguments> commands() {
    return Stream.of(
        Arguments.of(new SuspendVhca(5, Side.INITIATOR), "01150000 00000000 00000005 00000000"),
        Arguments.of(new SuspendVhca(5, Side.RESPONDER), "01150000 00000001 00000005 00000000"),
        Arguments.of(new ResumeVhca(5, Side.RESPONDER), "01160000 00000000 00000005 00000000"),
        Arguments.of(new ResumeVhca(5, Side.INITIATOR), "01160000 00000001 00000005 00000000"),
        Arguments.of(
            new QueryVhcaMigrationState(5, true, true), "01170000 00000000 c0000005 00000000"),
        Arguments.of(
            new QueryVhcaMigrationState(0xffff, false, false),
            "01170000 00000000 0000ffff 00000000"),
        Arguments.of(
            new SaveVhcaState(5, true, true, 0x00123400, 0x00801000),
            "01180000 00000000 c0000005 00000000 00000000 00000000 00123400 00801000"),
        Arguments.of(
            new SaveVhcaState(5, false, true, 0x100, 0xfffff000L),
            "01180000 00000000 40000005 00000000 00000000 00000000 00000100 fffff000"),
        Arguments.of(
            new LoadVhcaState(6, 0x200, 0x1234),
            "01190000 00000000 00000006 00000000 00000000 00000000 00000200 00001234"),
        Arguments.of(new EnableHca(3), "01040000 00000000 00000003 00000000"),
        Arguments.of(new SetIssi(1), "010b0000 00000000 00000001 00000000"),
        Arguments.of(
            new QueryPages(0, QueryPages.Phase.BOOT), "01070000 00000001 00000000 00000000"),
        Arguments.of(
            new QueryPages(0, QueryPages.Phase.INIT), "01070000 00000002 00000000 00000000"),
        Arguments.of(
            new GivePages(2, List.of(0x12345000L, 0x1_0000_0000L)),
            "01080000 00000001 00000002 00000002 00000000 12345000 00000001 00000000"),
        Arguments.of(new GivePages(2, List.of()), "01080000 00000000 00000002 00000000"),
        Arguments.of(new TakePages(2, 3), "01080000 00000002 00000002 00000003"),
        Arguments.of(
            new SetHostEndianness(true),
            "08050000 00000000 00007004 00000000 80000000 00000000 00000000 00000000"),
        Arguments.of(new QueryHcaCap(0x20, true, 4), "01000000 00000040 80000004 00000000"),
        Arguments.of(new QueryHcaCap(0x26, false, 0), "01000000 0000004d 00000000 00000000"),
        Arguments.of(new AllocPd(), "08000000 00000000 00000000 00000000"),
        Arguments.of(new DeallocPd(0x123456), "08010000 00000000 00123456 00000000"),
        Arguments.of(new DestroyMkey(0x123400), "02020000 00000000 00001234 00000000"));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void goesToTheDeviceAsTheHeaderSays(Command<?> command, String words) {
    assertThat(HexFormat.of().formatHex(command.encode().array()))
        .isEqualTo(words.replace(" ", ""));
  }

  @Test
  void describesThreePagesInAKey() {
    ByteBuffer bytes = new CreateMkey(0x77, 0x10_0000_0000L, 3).encode();

    assertThat(bytes.capacity()).isEqualTo(0x110 + 4 * 8);
    assertThat(bytes.getInt(0x10)).isEqualTo(0b11_1101 << 8);
    assertThat(bytes.getInt(0x14)).isEqualTo(0xffffff00);
    assertThat(bytes.getInt(0x1c)).isEqualTo(0x77);
    assertThat(bytes.getLong(0x20)).as("start").isZero();
    assertThat(bytes.getLong(0x28)).as("length").isEqualTo(3 * 4096);
    assertThat(bytes.getInt(0x44)).as("octwords of the key").isEqualTo(2);
    assertThat(bytes.getInt(0x48)).as("log2 of the page").isEqualTo(12);
    assertThat(bytes.getInt(0x60)).as("octwords here").isEqualTo(2);
    assertThat(bytes.getLong(0x110)).isEqualTo(0x10_0000_0000L);
    assertThat(bytes.getLong(0x120)).isEqualTo(0x10_0000_2000L);
    assertThat(bytes.getLong(0x128)).as("padding").isZero();
  }

  @Test
  void readsSizesAsUnsignedNumbers() {
    ByteBuffer out = ByteBuffer.allocate(64);
    out.putInt(0xc, 0x4000_0000).putInt(0x10, -4096).putLong(0x18, 5L << 32);

    assertThat(new QueryVhcaMigrationState(1, false, true).read(new Words(out)))
        .isEqualTo(new QueryVhcaMigrationState.Sizes(4, 0xffff_f000L, 5L << 32));
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> new SuspendVhca(0x10000, Side.INITIATOR).encode())
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SaveVhcaState(1, false, false, 0, 1L << 32).encode())
        .isInstanceOf(IllegalArgumentException.class);
  }
}
