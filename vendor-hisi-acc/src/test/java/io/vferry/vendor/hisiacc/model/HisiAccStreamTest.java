package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bytes of a stream, against ones that were written by hand. */
final class HisiAccStreamTest {

  private final HisiAccTestClock clock = new HisiAccTestClock();
  private final StreamInspector inspector = new HisiAccMigrationDriver().inspector().orElseThrow();

  private byte[] saved(HisiAccSide side) throws MigrationException {
    side.boot();
    side.guest.submit(9);
    side.finish();
    side.perform(Arc.RUNNING_TO_STOP);
    return HisiAccSide.drain(side.save(Arc.STOP_TO_STOP_COPY), 176);
  }

  @Test
  void whatIsSavedIsAsTheKernelLaysItOut() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=4&vfs=3&isolation=true&qm=4");
    ByteBuffer stream = HisiAccStreams.of(saved(side));
    assertThat(stream.remaining()).isEqualTo(176);
    assertThat(stream.getLong(0x00)).isEqualTo(0xaaccfeeddecadedeL);
    assertThat(stream.getInt(0x08)).as("queues").isEqualTo(4);
    assertThat(stream.getInt(0x0c)).as("device").isEqualTo(0xa251);
    assertThat(stream.getInt(0x10)).as("isolation").isOne();
    assertThat(stream.getInt(0x14)).as("first queue").isEqualTo(12);
    assertThat(stream.getInt(0x18)).as("guest's driver").isZero();
    assertThat(stream.getShort(0x1c)).as("major").isEqualTo((short) 1);
    assertThat(stream.getShort(0x1e)).as("minor").isZero();
    assertThat(stream.getLong(0x20)).isZero();
    assertThat(stream.getInt(0x28)).as("AEQ mask").isZero();
    assertThat(stream.getInt(0x2c)).as("EQ mask").isZero();
    for (int word = 0; word < 7; word++) {
      assertThat(stream.getInt(0x40 + 4 * word))
          .isEqualTo(side.function.events().queue(false).word(word));
      assertThat(stream.getInt(0x5c + 4 * word))
          .isEqualTo(side.function.events().queue(true).word(word));
    }
    assertThat(Arrays.copyOfRange(stream.array(), 0x78, 0x90)).containsOnly(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 39, 41, 100, 175})
  void aStreamThatIsCutOffIsNotLoaded(int bytes) throws MigrationException {
    byte[] whole = saved(HisiAccSide.of(clock, "queues=4"));
    HisiAccSide target = HisiAccSide.of(clock, "queues=4");
    target.perform(Arc.RUNNING_TO_STOP);
    LoadStream in = target.load();
    HisiAccSide.feed(in, Arrays.copyOf(whole, bytes), 64);
    in.close();
    assertThatThrownBy(() -> target.perform(Arc.RESUMING_TO_STOP))
        .hasMessageContaining("VF-1004")
        .hasMessageContaining(bytes + " bytes came")
        .hasMessageContaining("RESUMING and needs a reset");
    assertThat(target.function.sqcArray()).isZero();
  }

  @Test
  void theMinorVersionDoesNotMatterTheRestDoes() throws MigrationException {
    byte[] whole = saved(HisiAccSide.of(clock, "queues=4"));
    HisiAccStreams.of(whole).putShort(0x1e, (short) 9);
    HisiAccSide target = HisiAccSide.of(clock, "queues=4");
    target.perform(Arc.RUNNING_TO_STOP);
    HisiAccSide.feed(target.load(), whole, 176);
    target.perform(Arc.RESUMING_TO_STOP);
  }

  @ParameterizedTest
  @ValueSource(longs = {0x7_0000_0000L, 0x1_2340_0000L << 20})
  void anAddressWhereNothingIsShowsInTheDevice(long sqcArray) throws MigrationException {
    HisiAccSide source = HisiAccSide.of(clock, "queues=4");
    byte[] whole = saved(source);
    HisiAccStreams.of(whole).putLong(0xa0, sqcArray);
    HisiAccSide target = HisiAccSide.of(clock, "queues=4");
    target.perform(Arc.RUNNING_TO_STOP);
    HisiAccSide.feed(target.load(), whole, 176);
    target.perform(Arc.RESUMING_TO_STOP);
    target.perform(Arc.STOP_TO_RUNNING);
    assertThat(target.chip.violations()).anyMatch(what -> what.contains("where nothing is"));
  }

  @Test
  void progressSaysWhatIsLeftOfTheFirstPart() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=4");
    side.boot();
    PrecopyProgress progress = side.device.capability(PrecopyProgress.class).orElseThrow();
    assertThatThrownBy(progress::remaining).hasMessageContaining("VF-1003");
    SaveStream out = side.save(Arc.RUNNING_TO_PRE_COPY);
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(40, 0, false));
    out.read(ByteBuffer.allocate(15));
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(25, 0, false));
    out.read(ByteBuffer.allocate(100));
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(0, 0, false));
    assertThat(out.read(ByteBuffer.allocate(1))).isEqualTo(SaveStream.Status.NOTHING_NOW);
    assertThat(side.device.capability(StopCopyEstimate.class).orElseThrow().stopCopyBytes())
        .hasValue(176);
    side.perform(Arc.PRE_COPY_TO_STOP_COPY);
    assertThatThrownBy(progress::remaining).hasMessageContaining("VF-1003");
    ByteBuffer rest = ByteBuffer.allocate(200);
    assertThat(out.read(rest)).isEqualTo(SaveStream.Status.DATA);
    assertThat(rest.position()).isEqualTo(136);
    assertThat(out.read(rest)).isEqualTo(SaveStream.Status.END);
  }

  @Test
  void preCopyDoesNotTouchTheRunningFunction() throws MigrationException {
    HisiAccSide side = HisiAccSide.of(clock, "queues=4");
    side.boot();
    side.chip.shared().recording = true;
    SaveStream out = side.save(Arc.RUNNING_TO_PRE_COPY);
    HisiAccSide.drain(out, 40);
    side.perform(Arc.PRE_COPY_TO_RUNNING);
    // All it looks at is where the event queue is, by which a reset would show.
    assertThat(side.chip.accesses())
        .allMatch(
            access ->
                access.function() == 0
                    || (!access.write() && access.offset() >= 0x8000 && access.offset() < 0x801c));
  }

  @ParameterizedTest
  @CsvSource({"40", "176"})
  void theInspectorNamesEachByte(int bytes) throws MigrationException {
    byte[] whole = saved(HisiAccSide.of(clock, "queues=4"));
    for (long magic : new long[] {HisiAccStreams.V1, HisiAccStreams.V2}) {
      HisiAccStreams.of(whole).putLong(0, magic);
      List<StreamInspector.Field> fields =
          inspector.inspect(ByteBuffer.wrap(Arrays.copyOf(whole, bytes)));
      long at = 0;
      for (StreamInspector.Field field : fields) {
        assertThat(field.offset()).as(field.name()).isEqualTo(at);
        at += field.lengthBytes();
      }
      assertThat(at).isEqualTo(bytes);
      assertThat(value(fields, "queue-count")).isEqualTo("4");
      assertThat(value(fields, "device-id")).isEqualTo("0xa251 (zip)");
      assertThat(value(fields, "guest-driver")).isEqualTo("ready");
    }
  }

  @Test
  void theInspectorTellsOfAddressesThatAreWrong() throws MigrationException {
    ByteBuffer stream =
        HisiAccStreams.state(HisiAccStreams.V1, 16, 0x1_2000_1000L, 0x1_2000_2000L, 0x3000, 0x4000);
    List<StreamInspector.Field> fields = inspector.inspect(stream);
    assertThat(value(fields, "eqe-address"))
        .isEqualTo("0x2000100000000000 (not used: the context says 0x120001000)");
    assertThat(value(fields, "eqc-ends")).isEqualTo("head 5, tail 9");
    assertThat(value(fields, "eqc-word6")).isEqualTo("depth 128, phase 1");
    assertThat(value(fields, "sqc-address")).isEqualTo("0x3000");
  }

  private static String value(List<StreamInspector.Field> fields, String name) {
    return fields.stream()
        .filter(field -> field.name().equals(name))
        .findFirst()
        .orElseThrow()
        .value();
  }

  @Test
  void theInspectorRefusesWhatItDoesNotKnow() {
    SplittableRandom random = new SplittableRandom(7);
    for (int time = 0; time < 2_000; time++) {
      byte[] bytes = new byte[random.nextInt(400)];
      random.nextBytes(bytes);
      assertThatThrownBy(() -> inspector.inspect(ByteBuffer.wrap(bytes)))
          .isInstanceOf(MigrationException.class);
    }
  }

  @Test
  void noBytesBreakTheLoad() throws MigrationException {
    SplittableRandom random = new SplittableRandom(11);
    for (int time = 0; time < 500; time++) {
      HisiAccSide side = HisiAccSide.of(clock, "");
      side.perform(Arc.RUNNING_TO_STOP);
      LoadStream in = side.load();
      byte[] bytes = new byte[176];
      random.nextBytes(bytes);
      if (random.nextBoolean()) {
        // Well begun, and nonsense from there on.
        System.arraycopy(
            HisiAccStreams.match(HisiAccStreams.V2, 16, 0xa251, 0, 1).array(), 0, bytes, 0, 40);
      }
      try {
        HisiAccSide.feed(in, bytes, 1 + random.nextInt(176));
        side.perform(Arc.RESUMING_TO_STOP);
        side.perform(Arc.STOP_TO_RUNNING);
        clock.advance(1_000_000);
      } catch (MigrationException expected) {
        assertThat(expected.code().number()).isBetween(1000, 1999);
      }
      side.reset();
    }
  }
}
