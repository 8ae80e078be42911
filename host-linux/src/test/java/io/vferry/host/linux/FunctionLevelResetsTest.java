package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.RegionWrite;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Which writes of a config space reset the device. */
class FunctionLevelResetsTest {

  /** A config space that keeps what is written. */
  private static final class Memory implements Region {
    final byte[] bytes = new byte[256];
    boolean silent;
    int reads;

    Memory set(int offset, int... values) {
      for (int at = 0; at < values.length; at++) {
        bytes[offset + at] = (byte) values[at];
      }
      return this;
    }

    @Override
    public RegionInfo info() {
      return new RegionInfo(RegionInfo.PCI_CONFIG, bytes.length, true, true, false);
    }

    private void answer() throws MigrationException {
      if (silent) {
        throw new MigrationException(DeviceError.IO_FAILED, "as a test wants it");
      }
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      answer();
      reads++;
      into.put(bytes, (int) offset, into.remaining());
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      answer();
      from.get(bytes, (int) offset, from.remaining());
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }

  private final AtomicInteger resets = new AtomicInteger();

  private FunctionLevelResets over(Region config) {
    return new FunctionLevelResets(config, resets::incrementAndGet);
  }

  private static Memory capabilities() {
    return new Memory().set(6, 0x10).set(0x34, 0x40);
  }

  /** MSI-X at 0x40, and PCI Express at 0x60 with the bit or without. */
  private static Memory express(boolean capable) {
    return capabilities()
        .set(0x40, 0x11, 0x60)
        .set(0x60, 0x10, 0, 2, 0, 0, 0x80, 0, capable ? 0x10 : 0);
  }

  private static ByteBuffer bytes(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length);
    Arrays.stream(values).forEach(value -> bytes.put((byte) value));
    return bytes.flip();
  }

  @Test
  void theBitOfExpressCountsInAnAccessOfAnySize() throws Exception {
    FunctionLevelResets config = over(express(true));
    config.write(0x68, bytes(0, 0x80));
    assertThat(resets).hasValue(1);
    config.write(0x69, bytes(0x80));
    config.write(0x68, bytes(0, 0xff, 0, 0));
    config.write(0x60, bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80));
    assertThat(resets).hasValue(4);
    config.write(0x68, bytes(0xff, 0x7f));
    config.write(0x68, bytes(0x80));
    config.write(0x6a, bytes(0x80, 0x80));
    config.write(0x04, bytes(0xff, 0xff));
    assertThat(resets).hasValue(4);
  }

  @Test
  void severalWritesAtOnceAreLookedThrough() throws Exception {
    Memory memory = express(true);
    FunctionLevelResets config = over(memory);
    config.writeAll(List.of(new RegionWrite(4, bytes(6, 0)), new RegionWrite(0x69, bytes(0x80))));
    assertThat(resets).hasValue(1);
    config.writeAll(List.of(new RegionWrite(4, bytes(6, 0)), new RegionWrite(0x69, bytes(0x40))));
    assertThat(resets).hasValue(1);
    assertThat(memory.bytes[4]).isEqualTo((byte) 6);
  }

  @Test
  void thatOfAdvancedFeaturesCountsAsWell() throws Exception {
    FunctionLevelResets config = over(capabilities().set(0x40, 0x13, 0, 6, 2));
    config.write(0x44, bytes(1));
    assertThat(resets).hasValue(1);
    config.write(0x44, bytes(0xfe));
    assertThat(resets).hasValue(1);
    over(capabilities().set(0x40, 0x13, 0, 6, 1)).write(0x44, bytes(1));
    assertThat(resets).as("without the ability").hasValue(1);
  }

  @Test
  void aDeviceWithoutTheAbilityIsNotReset() throws Exception {
    over(express(false)).write(0x68, bytes(0, 0x80));
    over(new Memory()).write(0x68, bytes(0, 0x80));
    over(capabilities()).write(0x68, bytes(0, 0x80));
    // A list that runs in a circle.
    over(capabilities().set(0x40, 5, 0x50).set(0x50, 1, 0x40)).write(0x68, bytes(0, 0x80));
    assertThat(resets).hasValue(0);
  }

  @Test
  void aDeviceThatDoesNotAnswerIsAskedAgain() throws Exception {
    Memory memory = express(true);
    memory.silent = true;
    FunctionLevelResets config = over(memory);
    assertThatThrownBy(() -> config.write(0x68, bytes(0, 0x80)))
        .isInstanceOf(MigrationException.class);
    assertThat(resets).hasValue(0);
    memory.silent = false;
    config.write(0x68, bytes(0, 0x80));
    assertThat(resets).hasValue(1);
    int reads = memory.reads;
    config.write(0x68, bytes(0, 0x80));
    assertThat(memory.reads).as("it is looked up once").isEqualTo(reads);
  }
}
