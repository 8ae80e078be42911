package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class V1DeviceAdapterTest {

  private static final int WINDOW = 1000;

  /** What comes before the first record. */
  private static final int START =
      V1StreamFormat.start(false, Map.of("v1-driver", "scripted")).remaining();

  private final TestClock clock = new TestClock();
  private final ScriptedDevice v1 = new ScriptedDevice(WINDOW);
  private final V1DeviceAdapter device = attach(v1, false);

  private V1DeviceAdapter attach(ScriptedDevice of, boolean split) {
    return attach(of, split, V1Loading.WHEN_LEFT);
  }

  private V1DeviceAdapter attach(ScriptedDevice of, boolean split, V1Loading loading) {
    try {
      return V1DeviceAdapter.attach(
          of,
          new V1AdapterSettings(
              "scripted",
              V1Stopping.AT_ONCE,
              loading,
              false,
              false,
              split,
              50_000_000,
              100_000,
              clock));
    } catch (MigrationException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] bytes(int length, int seed) {
    byte[] bytes = new byte[length];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  /** Reads until there is nothing, in pieces of a size. */
  private static SaveStream.Status drain(SaveStream stream, int piece, ByteArrayOutputStream into)
      throws MigrationException {
    while (true) {
      ByteBuffer buffer = ByteBuffer.allocate(piece);
      SaveStream.Status status = stream.read(buffer);
      if (status != SaveStream.Status.DATA) {
        assertThat(buffer.position()).isZero();
        return status;
      }
      assertThat(buffer.position()).isPositive();
      into.write(buffer.array(), 0, buffer.position());
    }
  }

  private SaveStream saving(Arc... arcs) throws MigrationException {
    SaveStream stream = null;
    for (Arc arc : arcs) {
      if (device.perform(arc) instanceof ArcOutcome.Saving saving) {
        stream = saving.stream();
      }
    }
    return stream;
  }

  private byte[] save(int piece) throws MigrationException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    assertThat(drain(stream, piece, out)).isEqualTo(SaveStream.Status.NOTHING_NOW);
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(drain(stream, piece, out)).isEqualTo(SaveStream.Status.END);
    assertThat(drain(stream, piece, out)).isEqualTo(SaveStream.Status.END);
    device.perform(Arc.STOP_COPY_TO_STOP);
    return out.toByteArray();
  }

  private static LoadStream resume(V1DeviceAdapter device) throws MigrationException {
    device.perform(Arc.RUNNING_TO_STOP);
    return ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
  }

  private List<byte[]> chunks() {
    List<byte[]> chunks =
        List.of(bytes(1, 1), bytes(WINDOW, 2), bytes(999, 3), bytes(17, 4), bytes(WINDOW, 5));
    v1.preCopy.addAll(chunks.subList(0, 2));
    v1.stopCopy.addAll(chunks.subList(2, 5));
    return chunks;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 100, 1015, 1016, 1017, 100_000})
  void chunksArriveInTheSizesInWhichTheyWereSaved(int piece) throws MigrationException {
    List<byte[]> chunks = chunks();
    byte[] stream = save(piece);
    assertThat(v1.written).containsExactly(3, 2, 0);

    ScriptedDevice destination = new ScriptedDevice(WINDOW);
    V1DeviceAdapter target = attach(destination, false);
    LoadStream load = resume(target);
    for (int at = 0; at < stream.length; at += piece) {
      load.write(ByteBuffer.wrap(stream, at, Math.min(piece, stream.length - at)));
    }
    target.perform(Arc.RESUMING_TO_STOP);
    target.perform(Arc.STOP_TO_RUNNING);

    assertThat(destination.loaded.toArray(byte[][]::new))
        .isDeepEqualTo(chunks.toArray(byte[][]::new));
    assertThat(destination.written).containsExactly(0, 4, 0, 1);
    assertThat(new V1StreamInspector().inspect(ByteBuffer.wrap(stream))).hasSize(8);
  }

  @ParameterizedTest
  @CsvSource({
    "RUNNING_TO_STOP, 0",
    "RUNNING_TO_PRE_COPY, 3",
    "RUNNING_TO_PRE_COPY PRE_COPY_TO_RUNNING, 3 1",
    "RUNNING_TO_STOP STOP_TO_STOP_COPY STOP_COPY_TO_STOP STOP_TO_RUNNING, 0 2 0 1"
  })
  void eachArcIsOneWrite(String arcs, String writes) throws MigrationException {
    for (String arc : arcs.split(" ")) {
      device.perform(Arc.valueOf(arc));
      assertThat(device.state()).isEqualTo(Arc.valueOf(arc).to());
    }
    assertThat(v1.written)
        .containsExactlyElementsOf(Arrays.stream(writes.split(" ")).map(Integer::valueOf).toList());
  }

  @Test
  void bitsOfTheDriverArePreserved() throws MigrationException {
    v1.state = 0x101;
    device.perform(Arc.RUNNING_TO_PRE_COPY);
    assertThat(v1.written).containsExactly(0x103);
    assertThat(device.state()).isEqualTo(DeviceState.PRE_COPY);
  }

  @Test
  void progressIsWhatV1CanTell() throws MigrationException {
    chunks();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    PrecopyProgress progress = device.capability(PrecopyProgress.class).orElseThrow();
    // The start of the stream waits to be read as well.
    assertThat(progress.remaining())
        .isEqualTo(new PrecopyProgress.Remaining(1001 + START, 0, false));
    drain(stream, 100, new ByteArrayOutputStream());
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(0, 0, false));
    v1.preCopy.add(bytes(30, 9));
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(0, 30, false));
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(error(progress::remaining).code()).isEqualTo(DeviceError.WRONG_STATE);
    assertThat(device.capability(DmaLog.class)).isEmpty();
  }

  /** A chunk that was handed over is not lost when the state changes in its middle. */
  @ParameterizedTest
  @ValueSource(ints = {1, 16, 17, 500, 1017, 1024})
  void whatIsLeftOfAChunkIsTakenOutBeforeTheDeviceIsAskedAnythingElse(int beyondStartBytes)
      throws MigrationException {
    List<byte[]> chunks = chunks();
    v1.forgetful = true;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    ByteBuffer first = ByteBuffer.allocate(START + beyondStartBytes);
    stream.read(first);
    out.write(first.array(), 0, first.position());
    PrecopyProgress progress = device.capability(PrecopyProgress.class).orElseThrow();
    // 16 bytes before each chunk; those of the second one are not there yet.
    long unread = 16 + 1001 - beyondStartBytes + (beyondStartBytes > 17 ? 16 : 0);
    assertThat(progress.remaining().initialBytes()).isEqualTo(unread);
    ByteBuffer second = ByteBuffer.allocate(5);
    stream.read(second);
    out.write(second.array(), 0, second.position());
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    drain(stream, 50, out);
    List<byte[]> fields = new ArrayList<>();
    ByteBuffer bytes = ByteBuffer.wrap(out.toByteArray());
    for (StreamInspector.Field field : new V1StreamInspector().inspect(bytes)) {
      if (field.name().equals("chunk")) {
        byte[] chunk = new byte[(int) field.lengthBytes() - V1StreamFormat.RECORD_BYTES];
        bytes.get((int) field.offset() + V1StreamFormat.RECORD_BYTES, chunk);
        fields.add(chunk);
      }
    }
    assertThat(fields.toArray(byte[][]::new)).isDeepEqualTo(chunks.toArray(byte[][]::new));
  }

  @Test
  void aChunkThatCannotBeTakenOutKeepsTheDeviceInPreCopy() throws MigrationException {
    chunks();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    stream.read(ByteBuffer.allocate(START + 16));
    v1.unreadable = true;
    MigrationException failure = error(() -> device.perform(Arc.PRE_COPY_TO_STOP_COPY));
    assertThat(failure.errno()).hasValue(5);
    assertThat(device.state()).isEqualTo(DeviceState.PRE_COPY);
    device.perform(Arc.PRE_COPY_TO_RUNNING);
    assertThat(v1.written).containsExactly(3, 1);
  }

  /** What came before a failure is good, and the failure is told in its place. */
  @Test
  void aFailureIsToldBehindTheBytesBeforeIt() throws MigrationException {
    chunks();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    v1.unreadable = true;
    ByteBuffer into = ByteBuffer.allocate(5000);
    assertThat(stream.read(into)).isEqualTo(SaveStream.Status.DATA);
    assertThat(into.position()).isEqualTo(START + 16);
    assertThat(error(() -> stream.read(into)).errno()).hasValue(5);
    assertThat(into.position()).isEqualTo(START + 16);
    v1.unreadable = false;
    stream.read(into.limit(START + 17));
    assertThat(into.get(START + 16)).isEqualTo(bytes(1, 1)[0]);
  }

  @Test
  void aRefusedWriteLeavesTheOldState() throws MigrationException {
    v1.refused.add("3>2");
    v1.refuseErrno = 5;
    chunks();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    MigrationException failure = error(() -> device.perform(Arc.PRE_COPY_TO_STOP_COPY));
    assertThat(failure.errno()).hasValue(5);
    assertThat(failure.state()).contains(DeviceState.PRE_COPY);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.USABLE);
    assertThat(device.state()).isEqualTo(DeviceState.PRE_COPY);
    v1.refused.clear();
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(drain(stream, 100, out)).isEqualTo(SaveStream.Status.END);
  }

  @Test
  void theErrorStateIsErrorUntilReset() throws MigrationException {
    v1.refused.add("1>0");
    v1.failToError = true;
    MigrationException failure = error(() -> device.perform(Arc.RUNNING_TO_STOP));
    assertThat(failure.state()).contains(DeviceState.ERROR);
    assertThat(failure.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(device.state()).isEqualTo(DeviceState.ERROR);
    assertThat(error(() -> device.perform(Arc.RUNNING_TO_STOP)).code())
        .isEqualTo(DeviceError.WRONG_STATE);
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void aDriverThatDoesNotGoWhereItSaysIsFoundOut() throws MigrationException {
    v1.ignoresWrites = true;
    MigrationException failure = error(() -> device.perform(Arc.RUNNING_TO_STOP));
    assertThat(failure.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(failure.errno()).hasValue(5);
    assertThat(failure.detail()).contains("did not go there");
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
  }

  @Test
  void aDriverThatCannotSayWhereItIsAfterAWriteIsBelieved() throws MigrationException {
    v1.unreadableAfterWrite = true;
    device.perform(Arc.RUNNING_TO_STOP);
    assertThat(error(device::state).errno()).hasValue(5);
    v1.unreadableAfterWrite = false;
    assertThat(device.state()).isEqualTo(DeviceState.STOP);
  }

  @Test
  void theSizeOfAStopCopyIsWhatTheDriverSaidLast() throws MigrationException {
    chunks();
    StopCopyEstimate size = device.capability(StopCopyEstimate.class).orElseThrow();
    assertThat(size.stopCopyBytes()).isEmpty();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    assertThat(size.stopCopyBytes()).isEmpty();
    stream.read(ByteBuffer.allocate(100));
    assertThat(size.stopCopyBytes()).hasValue(1000);
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    drain(stream, 1 << 14, new ByteArrayOutputStream());
    assertThat(size.stopCopyBytes()).hasValue(0);
  }

  @Test
  void closingEndsTheStreamsAndClosesTheDriversDevice() throws MigrationException {
    chunks();
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    device.close();
    assertThat(v1.closes).isEqualTo(1);
    assertThat(error(() -> stream.read(ByteBuffer.allocate(10))).code())
        .isEqualTo(DeviceError.SESSION_CLOSED);
  }

  @ParameterizedTest
  @ValueSource(ints = {31, 32})
  void aRegionWithoutRoomForDataIsNotTaken(int bytes) {
    ScriptedDevice tiny = new ScriptedDevice(bytes - 32 + 32);
    tiny.dataOffset = bytes - tiny.windowBytes;
    assertThat(
            error(
                    () ->
                        V1DeviceAdapter.attach(
                            tiny,
                            new V1AdapterSettings(
                                "scripted",
                                V1Stopping.AT_ONCE,
                                V1Loading.WHEN_LEFT,
                                false,
                                false,
                                false,
                                1,
                                1,
                                clock)))
                .code())
        .isEqualTo(DeviceError.NOT_MIGRATABLE);
  }

  /** A driver that restores only in the transition that the v1 text names. */
  @Test
  void aDriverThatLoadsAtItsStartStaysInResuming() throws MigrationException {
    chunks();
    byte[] stream = save(100);
    ScriptedDevice late = new ScriptedDevice(WINDOW);
    V1DeviceAdapter target = attach(late, false, V1Loading.AT_START);
    resume(target).write(ByteBuffer.wrap(stream));
    target.perform(Arc.RESUMING_TO_STOP);
    assertThat(target.state()).isEqualTo(DeviceState.STOP);
    assertThat(late.state).isEqualTo(4);
    for (Arc arc : List.of(Arc.STOP_TO_RESUMING, Arc.STOP_TO_STOP_COPY)) {
      assertThat(error(() -> target.perform(arc)).code()).isEqualTo(DeviceError.ARC_FAILED);
    }
    late.refused.add("4>1");
    MigrationException failure = error(() -> target.perform(Arc.STOP_TO_RUNNING));
    assertThat(failure.condition()).isEqualTo(DeviceCondition.NEEDS_RESET);
    assertThat(target.state()).isEqualTo(DeviceState.STOP);
    late.refused.clear();
    target.perform(Arc.STOP_TO_RUNNING);
    assertThat(target.state()).isEqualTo(DeviceState.RUNNING);
    assertThat(late.written).containsExactly(0, 4, 1, 1);
  }

  @Test
  void aFailureToLoadKeepsTheDeviceInResuming() throws MigrationException {
    chunks();
    byte[] stream = save(100);
    ScriptedDevice broken = new ScriptedDevice(WINDOW);
    broken.refused.add("4>0");
    broken.refuseErrno = 5;
    V1DeviceAdapter target = attach(broken, false);
    resume(target).write(ByteBuffer.wrap(stream));
    MigrationException failure = error(() -> target.perform(Arc.RESUMING_TO_STOP));
    assertThat(failure.errno()).hasValue(5);
    assertThat(target.state()).isEqualTo(DeviceState.RESUMING);
  }

  /** A driver that knows no more than the diagram in the text of v1. */
  @Test
  void aDriverThatRefusesToResumeWhenItIsStoppedIsResetFirst() throws MigrationException {
    List<byte[]> chunks = chunks();
    byte[] stream = save(100);
    ScriptedDevice strict = new ScriptedDevice(WINDOW);
    strict.refused.addAll(List.of("0>4", "0>1", "4>0"));
    V1DeviceAdapter target = attach(strict, false, V1Loading.AT_START);
    resume(target).write(ByteBuffer.wrap(stream));
    assertThat(target.state()).isEqualTo(DeviceState.RESUMING);
    target.perform(Arc.RESUMING_TO_STOP);
    target.perform(Arc.STOP_TO_RUNNING);
    assertThat(strict.written).containsExactly(0, 4, 4, 1);
    assertThat(strict.resets).isEqualTo(1);
    assertThat(strict.loaded.toArray(byte[][]::new)).isDeepEqualTo(chunks.toArray(byte[][]::new));
  }

  @Test
  void aDriverThatRefusesToResumeAtAllStaysStopped() throws MigrationException {
    v1.refused.addAll(List.of("0>4", "1>4"));
    device.perform(Arc.RUNNING_TO_STOP);
    MigrationException failure = error(() -> device.perform(Arc.STOP_TO_RESUMING));
    assertThat(failure.errno()).hasValue(22);
    assertThat(failure.state()).contains(DeviceState.STOP);
    assertThat(device.state()).isEqualTo(DeviceState.STOP);
    device.perform(Arc.STOP_TO_RUNNING);
  }

  @Test
  void aFailureToResumeIsNoRefusal() throws MigrationException {
    v1.refused.add("0>4");
    v1.refuseErrno = 5;
    device.perform(Arc.RUNNING_TO_STOP);
    MigrationException failure = error(() -> device.perform(Arc.STOP_TO_RESUMING));
    assertThat(failure.errno()).hasValue(5);
    assertThat(failure.state()).contains(DeviceState.STOP);
    assertThat(v1.resets).isZero();
  }

  @Test
  void aDriverThatBreaksWhenItIsToResumeIsResetFirst() throws MigrationException {
    v1.refused.add("0>4");
    v1.failToError = true;
    device.perform(Arc.RUNNING_TO_STOP);
    device.perform(Arc.STOP_TO_RESUMING);
    assertThat(device.state()).isEqualTo(DeviceState.RESUMING);
    assertThat(v1.written).containsExactly(0, 4, 4);
  }

  /** Chunks that prove themselves are left out of the checksum; all the rest is in it. */
  @Test
  void dataThatProveThemselvesAreNotSummed() throws MigrationException {
    List<byte[]> chunks = List.of(bytes(1, 1), bytes(30, 2), bytes(20, 3));
    v1.preCopy.addAll(chunks.subList(0, 2));
    v1.stopCopy.add(chunks.get(2));
    V1DeviceAdapter source = attachChecksummed(v1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SaveStream save = ((ArcOutcome.Saving) source.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    drain(save, 5000, out);
    source.perform(Arc.PRE_COPY_TO_STOP_COPY);
    drain(save, 5000, out);
    byte[] whole = out.toByteArray();
    int data = chunks.stream().mapToInt(chunk -> chunk.length).sum();
    int accepted = 0;
    for (int at = 0; at < whole.length; at++) {
      byte[] flipped = whole.clone();
      flipped[at] ^= (byte) (1 << (at & 7));
      V1DeviceAdapter target = attachChecksummed(new ScriptedDevice(WINDOW));
      LoadStream load = resume(target);
      MigrationException failure =
          error(
              () -> {
                load.write(ByteBuffer.wrap(flipped));
                target.perform(Arc.RESUMING_TO_STOP);
              });
      accepted += failure == null ? 1 : 0;
    }
    assertThat(accepted).isEqualTo(data);
    assertThat(new V1StreamInspector().inspect(ByteBuffer.wrap(whole)).get(0).value())
        .contains("prove themselves");

    // A driver that does not prove its data wants the checksum.
    LoadStream plain = resume(attach(new ScriptedDevice(WINDOW), false));
    assertThat(error(() -> plain.write(ByteBuffer.wrap(whole))).code())
        .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
  }

  private V1DeviceAdapter attachChecksummed(ScriptedDevice of) throws MigrationException {
    return V1DeviceAdapter.attach(
        of,
        new V1AdapterSettings(
            "scripted",
            V1Stopping.AT_ONCE,
            V1Loading.WHEN_LEFT,
            false,
            true,
            false,
            50_000_000,
            100_000,
            clock));
  }

  @Test
  void aDriverThatSaysPendingForEverIsGivenUp() throws MigrationException {
    v1.pendingForever = true;
    SaveStream stream = saving(Arc.RUNNING_TO_STOP, Arc.STOP_TO_STOP_COPY);
    ByteBuffer into = ByteBuffer.allocate(100);
    assertThat(stream.read(into)).isEqualTo(SaveStream.Status.DATA);
    MigrationException failure = error(() -> stream.read(into));
    assertThat(failure.code()).isEqualTo(DeviceError.TIMEOUT);
    assertThat(failure.errno()).hasValue(110);
    assertThat(clock.nanoTime()).isBetween(50_000_000L, 60_000_000L);
    device.perform(Arc.STOP_COPY_TO_STOP);
    device.perform(Arc.STOP_TO_RUNNING);
    assertThat(v1.state).isEqualTo(1);
  }

  @Test
  void aDriverThatNeverEndsIsGivenUp() throws MigrationException {
    v1.endless = true;
    SaveStream stream = saving(Arc.RUNNING_TO_STOP, Arc.STOP_TO_STOP_COPY);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    MigrationException failure = error(() -> drain(stream, 5000, out));
    assertThat(failure.code()).isEqualTo(DeviceError.DRIVER_BROKEN);
    assertThat(failure.errno()).hasValue(27);
    assertThat(out.size()).isLessThan(110_000);
  }

  @ParameterizedTest
  @CsvSource({
    "32, 1001",
    "32, 9223372036854775807",
    "32, -2",
    "33, 1000",
    "1032, 1",
    "0, 10",
    "31, 1",
    "9223372036854775807, 10"
  })
  void aDriverThatLiesAboutItsChunkIsFoundOut(long offset, long size) throws MigrationException {
    v1.stopCopy.add(bytes(WINDOW, 1));
    v1.lyingOffset = offset;
    v1.lyingSize = size;
    SaveStream stream = saving(Arc.RUNNING_TO_STOP, Arc.STOP_TO_STOP_COPY);
    MigrationException failure = error(() -> drain(stream, 10_000, new ByteArrayOutputStream()));
    assertThat(failure.code()).isEqualTo(DeviceError.DRIVER_BROKEN);
    assertThat(failure.errno()).hasValue(22);
  }

  @Test
  void aSaveWithoutAnyByteIsNoSave() throws MigrationException {
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY, Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(error(() -> drain(stream, 100, new ByteArrayOutputStream())).detail())
        .contains("saved no state at all");
  }

  @Test
  void aChunkLargerThanTheWindowIsRefusedOrSplit() throws MigrationException {
    List<byte[]> chunks = chunks();
    byte[] stream = save(100);
    ScriptedDevice small = new ScriptedDevice(600);
    V1DeviceAdapter strict = attach(small, false);
    LoadStream load = resume(strict);
    MigrationException failure = error(() -> load.write(ByteBuffer.wrap(stream)));
    assertThat(failure.code()).isEqualTo(DeviceError.DATA_TOO_LONG);
    assertThat(failure.errno()).hasValue(90);
    assertThat(error(() -> strict.perform(Arc.RESUMING_TO_STOP)).state())
        .contains(DeviceState.RESUMING);
    assertThat(strict.compare(device.describe()))
        .singleElement()
        .extracting("key")
        .isEqualTo("v1-region-bytes");

    ScriptedDevice other = new ScriptedDevice(600);
    V1DeviceAdapter splitting = attach(other, true);
    assertThat(splitting.compare(device.describe())).isEmpty();
    resume(splitting).write(ByteBuffer.wrap(stream));
    splitting.perform(Arc.RESUMING_TO_STOP);
    assertThat(other.loaded)
        .extracting(chunk -> chunk.length)
        .containsExactly(1, 600, 400, 600, 399, 17, 600, 400);
    assertThat(V1Client.join(other.loaded)).isEqualTo(V1Client.join(chunks));
  }

  /** Found by the first bytes, while the source still runs. */
  @Test
  void dataOfAnotherKindOfDeviceAreRefusedByTheirBeginning() throws MigrationException {
    v1.described = Map.of("model", "8");
    SaveStream stream = saving(Arc.RUNNING_TO_PRE_COPY);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    drain(stream, 100, out);
    ScriptedDevice other = new ScriptedDevice(WINDOW);
    other.described = Map.of("model", "7");
    LoadStream load = resume(attach(other, false));
    MigrationException failure = error(() -> load.write(ByteBuffer.wrap(out.toByteArray())));
    assertThat(failure.code()).isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThat(failure.detail()).contains("model is 8, and 7 here");
  }

  @Test
  void aDriverThatFindsFaultWithTheDataHasOnlyEinvalToSaySo() throws MigrationException {
    chunks();
    byte[] stream = save(100);
    ScriptedDevice choosy = new ScriptedDevice(WINDOW);
    choosy.refusesData = true;
    LoadStream load = resume(attach(choosy, false));
    MigrationException failure = error(() -> load.write(ByteBuffer.wrap(stream)));
    assertThat(failure.code()).isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThat(failure.errno()).hasValue(22);
    ScriptedDevice late = new ScriptedDevice(WINDOW);
    late.refused.add("4>0");
    V1DeviceAdapter target = attach(late, false);
    resume(target).write(ByteBuffer.wrap(stream));
    assertThat(error(() -> target.perform(Arc.RESUMING_TO_STOP)).code())
        .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
  }

  @Test
  void anotherDriversDataAreNotTaken() throws MigrationException {
    assertThat(device.compare(Map.of("v1-driver", "other", "v1-region-bytes", "10")))
        .singleElement()
        .extracting("key")
        .isEqualTo("v1-driver");
    assertThat(error(() -> device.compare(Map.of("v1-region-bytes", "-1"))).code())
        .isEqualTo(DeviceError.DATA_CORRUPT);
    ScriptedDevice other = new ScriptedDevice(WINDOW);
    other.described = Map.of("model", "7", "ports", "2");
    assertThat(attach(other, false).compare(device.describe()))
        .extracting(Object::toString)
        .containsExactly(
            "Difference[key=model, source=none, destination=7]",
            "Difference[key=ports, source=none, destination=2]");
    v1.described = Map.of("model", "8", "ports", "2");
    assertThat(attach(other, false).compare(device.describe()))
        .extracting(Object::toString)
        .containsExactly("Difference[key=model, source=8, destination=7]");
    v1.described = other.described;
    assertThat(attach(other, false).compare(device.describe())).isEmpty();
  }

  /**
   * Each bit of a stream counts: flipped, cut or doubled, it is found out before the device runs.
   */
  @Test
  void damagedDataNeverLeaveResuming() throws MigrationException {
    v1.preCopy.addAll(List.of(bytes(1, 1), bytes(70, 2)));
    v1.stopCopy.addAll(List.of(bytes(17, 3), bytes(50, 4)));
    byte[] whole = save(5000);
    List<byte[]> damaged = new ArrayList<>();
    for (int at = 0; at < whole.length; at++) {
      byte[] flipped = whole.clone();
      flipped[at] ^= (byte) (1 << (at & 7));
      damaged.add(flipped);
      damaged.add(Arrays.copyOf(whole, at));
    }
    damaged.add(Arrays.copyOf(whole, whole.length + 1));
    byte[] twice = Arrays.copyOf(whole, whole.length * 2);
    System.arraycopy(whole, 0, twice, whole.length, whole.length);
    damaged.add(twice);
    for (int i = 0; i < damaged.size(); i++) {
      byte[] stream = damaged.get(i);
      V1DeviceAdapter target = attach(new ScriptedDevice(WINDOW), false);
      LoadStream load = resume(target);
      MigrationException failure =
          error(
              () -> {
                load.write(ByteBuffer.wrap(stream));
                target.perform(Arc.RESUMING_TO_STOP);
              });
      assertThat(failure).as("damage %d", i).isNotNull();
      assertThat(target.state()).isEqualTo(DeviceState.RESUMING);
      assertThat(error(() -> target.perform(Arc.RESUMING_TO_STOP)))
          .as("after damage %d", i)
          .isNotNull();
    }
  }

  private static MigrationException error(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(MigrationException.class, call);
  }
}
