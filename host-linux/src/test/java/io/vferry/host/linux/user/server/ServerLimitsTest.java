package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DmaMapMessage;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.LoggingReportFeature;
import io.vferry.host.linux.user.wire.LoggingStartFeature;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.MigrationDataMessage;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.host.linux.user.wire.RegionWriteMultiMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Action;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Data;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Where the limits of a session lie, to the unit. */
class ServerLimitsTest {

  private static final int EIO = 5;
  private static final int LOGGING_START = 6;
  private static final int LOGGING_STOP = 7;
  private static final int LOGGING_REPORT = 8;
  private static final int EINVAL = 22;

  private final ScriptedDevice device = new ScriptedDevice();

  private static ServerSettings files(int most) {
    ServerSettings usual = ServerSettings.DEFAULT;
    return new ServerSettings(
        most,
        usual.maxDataXferSize(),
        usual.maxDmaMaps(),
        usual.quiescence(),
        usual.wholeStopCopy(),
        usual.longWriteReply(),
        usual.shortDmaMessages(),
        usual.filePerArea(),
        usual.dmaDeadlineNanos());
  }

  @Test
  void takesAsManyFilesAsItSaid() throws Exception {
    try (Talk talk = Talk.with(device, files(2)).greeted()) {
      ByteBuffer two = Talk.bytes(SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 2));
      talk.ok(Command.DEVICE_SET_IRQS, two, FakeFile.counter(), FakeFile.counter());
      FakeFile[] three = {FakeFile.counter(), FakeFile.counter(), FakeFile.counter()};
      ByteBuffer more = Talk.bytes(SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 3));
      assertThat(talk.refused(Command.DEVICE_SET_IRQS, more, three)).isEqualTo(EINVAL);
      assertThat(talk.lastRefusal()).contains("3 files came along, more than 2");
      assertThat(three).allSatisfy(file -> assertThat(file.closed).isEqualTo(1));
      assertThat(device.enabledVectors).as("as before").isEqualTo(2);
    }
  }

  @Test
  void aMessageThatIsTooLongEndsABeginningAndNothingElse() throws Exception {
    try (Talk talk = Talk.with(device)) {
      MessageHeader header =
          new MessageHeader(
              7, Command.VERSION.number(), talk.session.largestMessageBytes() + 1, 0, 0);
      Answer first = talk.session.tooLong(header, false);
      assertThat(first.hangUp()).isPresent();
      assertThat(MessageHeader.peek(first.message()).errno()).isEqualTo(EINVAL);
      talk.greeted();
      assertThat(talk.session.tooLong(header, false).hangUp()).isEmpty();
      assertThat(talk.session.tooLong(header, true).hangUp()).isPresent();
    }
  }

  /** Takes some writes and fails then. */
  private record Failing(AtomicInteger left) implements Region {

    @Override
    public RegionInfo info() {
      return new RegionInfo(0, 4096, true, true, false);
    }

    @Override
    public void read(long offset, ByteBuffer into) {}

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      if (left.getAndDecrement() == 0) {
        throw new MigrationException(DeviceError.IO_FAILED, "as a test wants it");
      }
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }

  /** What was done cannot be taken back, so the client is told; nothing done is a failure. */
  @Test
  void severalWritesTellHowFarTheyWent() throws Exception {
    RegionWriteMultiMessage.Write one = new RegionWriteMultiMessage.Write(0, 0, 8, 1);
    RegionWriteMultiMessage three = new RegionWriteMultiMessage(List.of(one, one, one));
    for (int works = 0; works <= 3; works++) {
      Region region = new Failing(new AtomicInteger(works));
      try (Talk talk =
          new Talk(new OneRegion(device, region), Optional.empty(), ServerSettings.DEFAULT)) {
        talk.greeted();
        if (works == 0) {
          assertThat(talk.refused(Command.REGION_WRITE_MULTI, three)).isEqualTo(EIO);
        } else {
          assertThat(talk.ok(Command.REGION_WRITE_MULTI, three).getLong(0)).isEqualTo(works);
        }
      }
    }
  }

  @Test
  void flagsOfAFeatureThatNobodyKnowsAreRefused() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      talk.ok(Command.DEVICE_FEATURE, Talk.bytes("10000000 01000100"));
      for (int bit = 19; bit < 32; bit++) {
        ByteBuffer payload = Talk.bytes("10000000 01000100");
        payload.putInt(4, payload.getInt(4) | 1 << bit);
        assertThat(talk.refused(Command.DEVICE_FEATURE, payload))
            .as("bit %d", bit)
            .isEqualTo(EINVAL);
      }
    }
  }

  @Test
  void whatCanOnlyBeSetIsNotSetByAsking() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      talk.ok(Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000));
      Payload data = new LoggingStartFeature(4096, List.of());
      FeatureMessage start = FeatureMessage.of(FeatureMessage.GET | LOGGING_START, data);
      assertThat(talk.refused(Command.DEVICE_FEATURE, start)).isEqualTo(EINVAL);
      assertThat(device.notes).noneMatch(note -> note.startsWith("log"));
      talk.ok(Command.DEVICE_FEATURE, FeatureMessage.of(FeatureMessage.SET | LOGGING_START, data));
      FeatureMessage stop =
          FeatureMessage.question(FeatureMessage.GET | LOGGING_STOP, Payload.NONE, 8);
      assertThat(talk.refused(Command.DEVICE_FEATURE, stop)).isEqualTo(EINVAL);
      assertThat(device.notes).doesNotContain("log off");
    }
  }

  @Test
  void aLogThatWasStoppedIsOffAndCanBeStartedAgain() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      talk.ok(Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000));
      FeatureMessage start =
          FeatureMessage.of(
              FeatureMessage.SET | LOGGING_START, new LoggingStartFeature(4096, List.of()));
      FeatureMessage stop = FeatureMessage.of(FeatureMessage.SET | LOGGING_STOP, Payload.NONE);
      FeatureMessage report =
          FeatureMessage.question(
              FeatureMessage.GET | LOGGING_REPORT,
              LoggingReportFeature.question(0x10000, 0x1000, 4096),
              40);
      talk.ok(Command.DEVICE_FEATURE, start);
      talk.ok(Command.DEVICE_FEATURE, report);
      talk.ok(Command.DEVICE_FEATURE, stop);
      assertThat(talk.refused(Command.DEVICE_FEATURE, report)).isEqualTo(EINVAL);
      talk.ok(Command.DEVICE_FEATURE, stop);
      talk.ok(Command.DEVICE_FEATURE, start);
      talk.ok(Command.DEVICE_FEATURE, report);
      assertThat(device.notes.stream().filter(note -> note.startsWith("log")))
          .containsExactly("log [[0x10000-0x10fff]]", "log off", "log [[0x10000-0x10fff]]");
    }
  }

  @Test
  void aStreamIsClosedWhereItEnds() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      talk.go(DeviceState.PRE_COPY);
      talk.go(DeviceState.STOP_COPY);
      assertThat(device.notes).doesNotContain("save stream closed");
      talk.go(DeviceState.STOP);
      assertThat(device.notes).containsOnlyOnce("save stream closed");
      talk.go(DeviceState.RESUMING);
      talk.ok(
          Command.MIG_DATA_WRITE, MigrationDataMessage.withData(Talk.bytes("0102030405060708")));
      talk.go(DeviceState.STOP);
      assertThat(device.notes).containsOnlyOnce("load stream closed");
    }
  }

  /** For example after a reset that reached it another way. */
  @Test
  void aDeviceThatLeftItsStateByItselfTakesNoData() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      talk.go(DeviceState.RESUMING);
      device.state = DeviceState.RUNNING;
      assertThat(
              talk.refused(
                  Command.MIG_DATA_WRITE, MigrationDataMessage.withData(Talk.bytes("0102"))))
          .isEqualTo(EINVAL);
    }
  }

  /** A driver that has nothing at the moment when it is to have everything. */
  private record Hesitant(ScriptedDevice device) implements MigratableDevice {

    @Override
    public FeatureSet features() {
      return device.features();
    }

    @Override
    public DeviceState state() {
      return device.state();
    }

    @Override
    public ArcOutcome perform(Arc arc) throws MigrationException {
      device.perform(arc);
      return !arc.opensSaveStream()
          ? ArcOutcome.done()
          : new ArcOutcome.Saving(
              new SaveStream() {
                @Override
                public Status read(ByteBuffer into) {
                  return Status.NOTHING_NOW;
                }

                @Override
                public void close() {}
              });
    }

    @Override
    public void reset() {
      device.reset();
    }

    @Override
    public <T> Optional<T> capability(Class<T> type) {
      return device.capability(type);
    }

    @Override
    public void close() {}
  }

  @Test
  void whatIsLeftIsAskedForInPreCopyOnly() throws Exception {
    try (Talk talk =
        new Talk(device, Optional.of(new Hesitant(device)), ServerSettings.DEFAULT).greeted()) {
      talk.go(DeviceState.STOP_COPY);
      assertThat(talk.read(64)).isEmpty();
      assertThat(device.notes).doesNotContain("asked what is left");
      talk.go(DeviceState.STOP);
      talk.go(DeviceState.RUNNING);
      talk.go(DeviceState.PRE_COPY);
      assertThat(talk.read(64)).isEmpty();
      assertThat(device.notes).containsOnlyOnce("asked what is left");
    }
  }

  /** A file of which only the first GiB can be mapped. */
  private static final class HalfFile implements ClientFile {
    int closed;

    @Override
    public ByteBuffer map(long offset, int lengthBytes, boolean writable) throws Refusal {
      if (offset >= 1L << 30) {
        throw Refusal.invalid("as a test wants it");
      }
      return ByteBuffer.allocateDirect(16);
    }

    @Override
    public void read(long at, ByteBuffer into) {}

    @Override
    public void write(long at, ByteBuffer from) {}

    @Override
    public void checkEventCounter() {}

    @Override
    public void signal() {}

    @Override
    public void close() {
      closed++;
    }
  }

  @Test
  void aMappingIsMadeAsAWholeOrNotAtAll() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      HalfFile file = new HalfFile();
      assertThat(talk.refused(Command.DMA_MAP, new DmaMapMessage(3, 0, 0, 2L << 30), file))
          .isEqualTo(EINVAL);
      assertThat(device.mapped).isEmpty();
      assertThat(file.closed).isEqualTo(1);
    }
  }

  @Test
  void pagesOfTheLogAreNotSmallerThanOnesOfMemory() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      talk.ok(Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x1000));
      for (long page : new long[] {0, 1, 2048, 4095, 6144, Long.MIN_VALUE + 4096}) {
        Payload data = new LoggingStartFeature(page, List.of());
        assertThat(
                talk.refused(
                    Command.DEVICE_FEATURE,
                    FeatureMessage.of(FeatureMessage.SET | LOGGING_START, data)))
            .as("pages of %d", page)
            .isEqualTo(EINVAL);
      }
      assertThat(device.notes).noneMatch(note -> note.startsWith("log"));
    }
  }

  @Test
  void aFileIsMappedFromAWholePageOn() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      for (long offset : new long[] {1, 100, 4095, -4096, Long.MAX_VALUE - 4095}) {
        FakeFile file = new FakeFile(1 << 16);
        assertThat(talk.refused(Command.DMA_MAP, new DmaMapMessage(3, offset, 0, 0x1000), file))
            .as("offset %d", offset)
            .isEqualTo(EINVAL);
        assertThat(file.closed).isEqualTo(1);
      }
      assertThat(device.mapped).isEmpty();
    }
  }
}
