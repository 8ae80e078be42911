package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** What a load makes of streams that are not exactly one whole save. */
class SimStreamTest {

  private static final String ADDRESS = "sim:mlx5?state=600001&initial=64KiB&service-time=0";

  private final SimClock clock = new SimClock(31);

  private HostDevice open(String address) throws MigrationException {
    return SimSide.open(clock, "nic", address);
  }

  private static MigratableDevice drive(HostDevice host) throws MigrationException {
    return new SimMigrationDriver().attach(host);
  }

  private byte[] save(String address) throws MigrationException {
    return save(drive(open(address)));
  }

  private static byte[] save(MigratableDevice device) throws MigrationException {
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    device.perform(Arc.RUNNING_P2P_TO_STOP);
    return drain(((ArcOutcome.Saving) device.perform(Arc.STOP_TO_STOP_COPY)).stream(), 100_003);
  }

  private static byte[] drain(SaveStream stream, int pieceBytes) throws MigrationException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    ByteBuffer piece = ByteBuffer.allocate(pieceBytes);
    SaveStream.Status status = stream.read(piece);
    while (status == SaveStream.Status.DATA) {
      all.write(piece.array(), 0, piece.position());
      status = stream.read(piece.clear());
    }
    return all.toByteArray();
  }

  /** Loads into a fresh device; throws what the write or the arc out of RESUMING throws. */
  private void load(byte[] bytes) throws MigrationException {
    load(bytes, ADDRESS, bytes.length + 1);
  }

  private void load(byte[] bytes, String address, int pieceBytes) throws MigrationException {
    HostDevice host = open(address);
    MigratableDevice device = drive(host);
    device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    device.perform(Arc.RUNNING_P2P_TO_STOP);
    LoadStream stream = ((ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING)).stream();
    try {
      for (int at = 0; at < bytes.length; at += pieceBytes) {
        stream.write(ByteBuffer.wrap(bytes, at, Math.min(pieceBytes, bytes.length - at)));
      }
    } catch (MigrationException e) {
      // Whoever ignores a refused write must fail at the arc.
      MigrationException arc =
          catchThrowableOfType(
              MigrationException.class, () -> device.perform(Arc.RESUMING_TO_STOP));
      assertThat(arc).isNotNull();
      assertThat(arc.code()).isEqualTo(e.code());
      assertThat(device.state()).isEqualTo(DeviceState.RESUMING);
      recovers(host, device);
      throw e;
    }
    try {
      device.perform(Arc.RESUMING_TO_STOP);
    } catch (MigrationException e) {
      assertThat(device.state()).isEqualTo(DeviceState.RESUMING);
      recovers(host, device);
      throw e;
    }
    assertThat(truth(host).violations()).isEmpty();
  }

  /** After a refused load a reset brings back a whole device that can be saved. */
  private static void recovers(HostDevice host, MigratableDevice device) throws MigrationException {
    device.reset();
    assertThat(device.state()).isEqualTo(DeviceState.RUNNING);
    assertThat(truth(host).violations()).isEmpty();
  }

  private static SimDeviceTruth truth(HostDevice host) throws MigrationException {
    return SimDeviceTruth.of(host);
  }

  private MigrationException refusal(byte[] bytes) {
    MigrationException refusal = catchThrowableOfType(MigrationException.class, () -> load(bytes));
    assertThat(refusal).as("a bad stream was taken").isNotNull();
    return refusal;
  }

  @Test
  void eachTruncationIsRefused() throws MigrationException {
    byte[] bytes = save(ADDRESS);
    SplittableRandom random = new SplittableRandom(5);
    List<Integer> lengths = new ArrayList<>(List.of(0, 1, 31, 32, 67, 68, bytes.length - 1));
    records(bytes).forEach(record -> lengths.add(record.start()));
    for (int extra = 0; extra < 20; extra++) {
      lengths.add(random.nextInt(bytes.length));
    }
    for (int length : lengths) {
      byte[] part = Arrays.copyOf(bytes, length);
      assertThat(refusal(part).code()).as("%d bytes", length).isEqualTo(DeviceError.DATA_CORRUPT);
    }
  }

  @Test
  void eachFlippedBitIsRefused() throws MigrationException {
    byte[] bytes = save(ADDRESS);
    SplittableRandom random = new SplittableRandom(6);
    List<Integer> places = new ArrayList<>();
    for (Piece record : records(bytes)) {
      for (int at = record.start(); at < Math.min(record.end(), record.start() + 52); at += 3) {
        places.add(at);
      }
      places.add(record.end() - 1);
      places.add(record.start() + random.nextInt(record.end() - record.start()));
    }
    for (int place : places) {
      byte[] damaged = bytes.clone();
      damaged[place] ^= (byte) (1 << random.nextInt(8));
      assertThat(refusal(damaged).code())
          .as("byte %d", place)
          .isIn(DeviceError.DATA_CORRUPT, DeviceError.DATA_INCOMPATIBLE);
    }
  }

  @Test
  void repeatedReorderedAndMissingRecordsAreRefused() throws MigrationException {
    byte[] bytes = save(ADDRESS);
    List<byte[]> records = cut(bytes);
    for (int index = 0; index < records.size(); index++) {
      List<byte[]> twice = new ArrayList<>(records);
      twice.add(index, records.get(index));
      boolean last = index == records.size() - 1;
      assertThat(refusal(join(twice)))
          .hasMessageContaining(
              last ? "come after the END record" : "record %d comes where".formatted(index));
      List<byte[]> without = new ArrayList<>(records);
      without.remove(index);
      assertThat(refusal(join(without)).code()).isEqualTo(DeviceError.DATA_CORRUPT);
      if (index > 0) {
        List<byte[]> swapped = new ArrayList<>(records);
        Collections.swap(swapped, index, index - 1);
        assertThat(refusal(join(swapped)).code()).isEqualTo(DeviceError.DATA_CORRUPT);
      }
    }
  }

  @Test
  void recordsOfAnotherSessionAreRefused() throws MigrationException {
    MigratableDevice device = drive(open(ADDRESS));
    List<byte[]> first = cut(save(device));
    device.reset();
    List<byte[]> second = cut(save(device));
    assertThat(first).hasSameSizeAs(second);
    for (int index = 0; index < first.size(); index++) {
      List<byte[]> spliced = new ArrayList<>(first);
      spliced.set(index, second.get(index));
      assertThat(refusal(join(spliced)).code()).isEqualTo(DeviceError.DATA_CORRUPT);
    }
  }

  @Test
  void aRecordForgedWithRightChecksumsIsRefusedByTheDigest() throws MigrationException {
    List<byte[]> records = cut(save(ADDRESS));
    byte[] forged = records.get(1).clone();
    forged[2000] ^= 1;
    seal(forged);
    records.set(1, forged);
    assertThat(refusal(join(records))).hasMessageContaining("END record");
  }

  @Test
  void aSoundStreamThatLacksAPageOrBringsAnOldOneIsRefused() throws MigrationException {
    assertThatCode(() -> load(renumbered(cut(save(ADDRESS))))).doesNotThrowAnyException();

    List<byte[]> records = cut(save(ADDRESS));
    records.remove(1);
    assertThat(refusal(renumbered(records))).hasMessageContaining("refuses the loaded state");

    List<byte[]> older = cut(save(ADDRESS));
    ByteBuffer.wrap(older.get(1))
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(SimStreamFormat.HEADER_BYTES + SimStreamFormat.MEMORY_FIXED_BYTES, 2);
    assertThat(refusal(renumbered(older))).hasMessageContaining("refuses the loaded state");
  }

  /** Makes numbers, checksums and digest of changed records right again. */
  private static byte[] renumbered(List<byte[]> records) {
    long digest = 0;
    long memoryBytes = 0;
    for (int index = 0; index < records.size(); index++) {
      ByteBuffer record = ByteBuffer.wrap(records.get(index)).order(ByteOrder.LITTLE_ENDIAN);
      record.putLong(8, index);
      int type = record.getInt(0);
      int payload = record.getInt(4);
      if (type == SimStreamFormat.MEMORY) {
        memoryBytes +=
            payload
                - SimStreamFormat.MEMORY_FIXED_BYTES
                - record.getInt(SimStreamFormat.HEADER_BYTES + 8) * Integer.BYTES;
      } else if (type == SimStreamFormat.END) {
        record
            .putLong(SimStreamFormat.HEADER_BYTES, index)
            .putLong(SimStreamFormat.HEADER_BYTES + 8, memoryBytes)
            .putLong(SimStreamFormat.HEADER_BYTES + 16, digest);
      }
      seal(records.get(index));
      int crc = record.getInt(SimStreamFormat.HEADER_BYTES + payload);
      digest = SimStreamFormat.chain(digest, type, payload, crc);
    }
    return join(records);
  }

  @Test
  void foreignAndNewerStreamsAreRefused() throws MigrationException {
    assertThat(refusal(save("sim:virtio?state=600001")).code())
        .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThat(refusal(save("sim:mlx5?state=600002&initial=0")).code())
        .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThat(refusal(save(ADDRESS + "&firmware=2")).code())
        .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    assertThatCode(() -> load(save(ADDRESS), ADDRESS + "&firmware=2", 9999))
        .doesNotThrowAnyException();
    for (int field : new int[] {8, 12}) {
      List<byte[]> records = cut(save(ADDRESS));
      byte[] start = records.get(0).clone();
      start[SimStreamFormat.HEADER_BYTES + field]++;
      seal(start);
      records.set(0, start);
      assertThat(refusal(join(records)).code()).isEqualTo(DeviceError.DATA_INCOMPATIBLE);
    }
    assertThat(refusal(new byte[100_000]).code()).isEqualTo(DeviceError.DATA_CORRUPT);
  }

  @Test
  void lyingLengthsAreRefusedBeforeTheyAreUsed() throws MigrationException {
    for (int lie : new int[] {-1, 0, 1, 16, 17, 400_000, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      List<byte[]> records = cut(save(ADDRESS));
      for (int index = 0; index < records.size(); index++) {
        byte[] forged = records.get(index).clone();
        ByteBuffer bytes = ByteBuffer.wrap(forged).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.getInt(4) == lie) {
          continue;
        }
        bytes.putInt(4, lie);
        sealHeader(forged);
        List<byte[]> changed = new ArrayList<>(records);
        changed.set(index, forged);
        assertThat(refusal(join(changed)).code()).isEqualTo(DeviceError.DATA_CORRUPT);
      }
    }
    for (long firstPage : new long[] {-1, 147, 100, Long.MAX_VALUE, Long.MIN_VALUE}) {
      List<byte[]> records = cut(save(ADDRESS));
      byte[] forged = records.get(1).clone();
      ByteBuffer.wrap(forged)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putLong(SimStreamFormat.HEADER_BYTES, firstPage);
      seal(forged);
      records.set(1, forged);
      assertThat(refusal(join(records)).code()).isEqualTo(DeviceError.DATA_CORRUPT);
    }
  }

  @Test
  void randomCoresAreRefusedOrMakeAWholeDevice() throws MigrationException {
    SplittableRandom random = new SplittableRandom(8);
    ByteBuffer core = new SimCore(1, new byte[SimConfigSpace.BYTES]).encode();
    byte[] whole = new byte[core.remaining()];
    core.get(whole);
    int refused = 0;
    for (int round = 0; round < 3000; round++) {
      byte[] damaged = Arrays.copyOf(whole, random.nextInt(whole.length + 20));
      for (int flip = 0; flip < random.nextInt(4) && damaged.length > 0; flip++) {
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      }
      try {
        SimCore.decode(ByteBuffer.wrap(damaged), SimConfigSpace.BYTES);
      } catch (MigrationException e) {
        assertThat(e.code()).isEqualTo(DeviceError.DATA_CORRUPT);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(2500);
  }

  @Test
  void initialBytesShrinkToNothingAndThePrecopyHasNoEnd() throws MigrationException {
    MigratableDevice device = drive(open(ADDRESS));
    SaveStream stream = ((ArcOutcome.Saving) device.perform(Arc.RUNNING_TO_PRE_COPY)).stream();
    PrecopyProgress progress = device.capability(PrecopyProgress.class).orElseThrow();
    assertThat(progress.remaining().initialBytes()).isEqualTo((64 << 10) + 68);
    assertThat(progress.remaining().dirtyBytes()).isEqualTo(600_001 - (64 << 10));
    drain(stream, 70_000);
    assertThat(progress.remaining()).isEqualTo(new PrecopyProgress.Remaining(0, 0, false));
    assertThat(stream.read(ByteBuffer.allocate(1))).isEqualTo(SaveStream.Status.NOTHING_NOW);
    device.perform(Arc.PRE_COPY_TO_PRE_COPY_P2P);
    assertThat(stream.read(ByteBuffer.allocate(1))).isEqualTo(SaveStream.Status.NOTHING_NOW);
    device.perform(Arc.PRE_COPY_P2P_TO_STOP_COPY);
    assertThat(drain(stream, 100)).hasSizeBetween(500, 5000);
    assertThat(stream.read(ByteBuffer.allocate(1))).isEqualTo(SaveStream.Status.END);
  }

  @Test
  void theInspectorExplainsAStreamWithoutGapsAndRefusesABadOne() throws MigrationException {
    StreamInspector inspector = new SimMigrationDriver().inspector().orElseThrow();
    byte[] bytes = save(ADDRESS);
    List<StreamInspector.Field> fields = inspector.inspect(ByteBuffer.wrap(bytes));
    assertThat(fields).extracting(StreamInspector.Field::name).startsWith("start", "memory");
    assertThat(fields).extracting(StreamInspector.Field::name).endsWith("core", "end");
    long at = 0;
    for (StreamInspector.Field field : fields) {
      assertThat(field.offset()).isEqualTo(at);
      at += field.lengthBytes();
    }
    assertThat(at).isEqualTo(bytes.length);
    assertThat(fields.get(0).value()).contains("state of 600001 bytes");
    bytes[bytes.length / 2] ^= 4;
    assertThat(
            catchThrowableOfType(
                    MigrationException.class, () -> inspector.inspect(ByteBuffer.wrap(bytes)))
                .code())
        .isEqualTo(DeviceError.DATA_CORRUPT);
  }

  private record Piece(int start, int end) {}

  private static List<Piece> records(byte[] bytes) {
    List<Piece> records = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < bytes.length; ) {
      int end =
          at + SimStreamFormat.HEADER_BYTES + in.getInt(at + 4) + SimStreamFormat.TRAILER_BYTES;
      records.add(new Piece(at, end));
      at = end;
    }
    return records;
  }

  private static List<byte[]> cut(byte[] bytes) {
    List<byte[]> parts = new ArrayList<>();
    for (Piece record : records(bytes)) {
      parts.add(Arrays.copyOfRange(bytes, record.start(), record.end()));
    }
    return parts;
  }

  private static byte[] join(List<byte[]> parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    parts.forEach(all::writeBytes);
    return all.toByteArray();
  }

  private static void sealHeader(byte[] record) {
    CRC32C crc = new CRC32C();
    crc.update(record, 0, SimStreamFormat.HEADER_BYTES - Integer.BYTES);
    ByteBuffer.wrap(record)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(SimStreamFormat.HEADER_BYTES - Integer.BYTES, (int) crc.getValue());
  }

  /** Makes the checksums of a changed record right again. */
  private static void seal(byte[] record) {
    sealHeader(record);
    CRC32C crc = new CRC32C();
    int end = record.length - SimStreamFormat.TRAILER_BYTES;
    crc.update(record, SimStreamFormat.HEADER_BYTES, end - SimStreamFormat.HEADER_BYTES);
    ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN).putInt(end, (int) crc.getValue());
  }
}
