package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Memory of a device that the guest stores into without asking the device. */
@EnabledOnOs(OS.LINUX)
class SimLocalMemoryTest {

  private static final int BYTES = 8192;

  private final SimClock clock = new SimClock(61);
  private final List<SimHostDevice> opened = new ArrayList<>();

  /** Other tests of this process may not have closed theirs. */
  private final Set<Path> openBefore = files().keySet();

  @AfterEach
  void close() {
    opened.forEach(SimHostDevice::close);
    assertThat(openBefore).containsAll(files().keySet());
  }

  private SimHostDevice open(String more) throws MigrationException {
    SimHostDevice host = SimSide.open(clock, "gpu", "sim:xe?state=64KiB&work=off" + more);
    opened.add(host);
    return host;
  }

  private SimHostDevice open() throws MigrationException {
    return open("&local-memory=8KiB");
  }

  private static Region bar(SimHostDevice host) throws MigrationException {
    return host.region(SimRegisters.GUEST_BAR);
  }

  /** The files of local memory that this process has open: by name, each its own, the handle. */
  private static Map<Path, Path> files() {
    Map<Path, Path> found = new HashMap<>();
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      for (Path handle : all.toList()) {
        // The handle of the listing itself is closed by now.
        if (Files.isSymbolicLink(handle)) {
          found.put(Files.readSymbolicLink(handle), handle);
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    found.keySet().removeIf(name -> !name.toString().startsWith("/dev/shm/vferry-device"));
    return found;
  }

  private static long word(Region region, long offset) throws MigrationException {
    return new SimRegisterAccess(region).get((int) offset);
  }

  @Test
  void onlyTheMemoryCanBeMapped() throws MigrationException {
    SimHostDevice host = open();
    Region region = bar(host);
    assertThat(region.info())
        .isEqualTo(new RegionInfo(SimRegisters.GUEST_BAR, 2 * BYTES, true, true, true));
    assertThat(host.regions()).contains(region.info());
    assertThat(region.mappableParts()).containsExactly(new MemoryRange(BYTES, BYTES));
    assertThat(region.map(0, 4096)).isEmpty();
    assertThat(region.map(4096, BYTES)).as("half a hole").isEmpty();
    MigrationException outside =
        catchThrowableOfType(MigrationException.class, () -> region.map(BYTES, BYTES + 1));
    assertThat(outside.code()).isEqualTo(DeviceError.BAD_REQUEST);
    // The size that the guest's firmware finds out.
    ByteBuffer ones = ByteBuffer.wrap(new byte[] {-1, -1, -1, -1});
    host.region(RegionInfo.PCI_CONFIG).write(0x10, ones);
    ByteBuffer size = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    host.region(RegionInfo.PCI_CONFIG).read(0x10, size);
    assertThat(size.getInt(0) & ~0xf).isEqualTo(-2 * BYTES);
  }

  @Test
  void aStoreThroughAMappingIsWhatTheDeviceReads() throws MigrationException {
    SimHostDevice host = open();
    Region region = bar(host);
    ByteBuffer first = region.map(BYTES, BYTES).orElseThrow().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer second = region.map(BYTES + 4096, 4096).orElseThrow().order(ByteOrder.LITTLE_ENDIAN);
    first.putLong(4096, 0x1122334455667788L);
    assertThat(second.getLong(0)).isEqualTo(0x1122334455667788L);
    assertThat(word(region, BYTES + 4096)).isEqualTo(0x1122334455667788L);
    new SimRegisterAccess(region).set(BYTES + 4096, 7);
    assertThat(first.getLong(4096)).isEqualTo(7);
    SimDeviceTruth truth = SimDeviceTruth.of(host);
    assertThat(truth.localBytes()).isEqualTo(BYTES);
    assertThat(truth.localDigests().get(0))
        .as("offset 4096 is word 512")
        .isNotEqualTo(truth.localDigests().get(1));
    first.putLong(4096, 8);
    assertThat(SimDeviceTruth.of(host).localDigests()).isNotEqualTo(truth.localDigests());
  }

  @Test
  void anAccessMayTouchRegistersHoleAndMemory() throws MigrationException {
    SimHostDevice host = open();
    Region region = bar(host);
    assertThat(word(region, SimRegisters.LOCAL_BYTES)).isEqualTo(BYTES);
    new SimRegisterAccess(region).set(SimRegisters.SCRATCH, 5);
    ByteBuffer all = ByteBuffer.allocate(2 * BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 4096; at < 2 * BYTES; at += 8) {
      all.putLong(at, at);
    }
    region.write(4096, all.duplicate().position(4096));
    ByteBuffer read = ByteBuffer.allocate(2 * BYTES).order(ByteOrder.LITTLE_ENDIAN);
    region.read(0, read);
    assertThat(read.hasRemaining()).isFalse();
    assertThat(read.getLong(SimRegisters.ID)).isEqualTo(SimRegisters.ID_VALUE);
    assertThat(read.getLong(SimRegisters.SCRATCH)).isEqualTo(5);
    assertThat(read.getLong(4096)).as("the hole").isZero();
    assertThat(read.getLong(BYTES - 8)).as("the hole").isZero();
    assertThat(read.getLong(BYTES)).isEqualTo(BYTES);
    assertThat(read.getLong(2 * BYTES - 8)).isEqualTo(2 * BYTES - 8);
  }

  private static ArcOutcome go(MigratableDevice device, Arc... arcs) throws MigrationException {
    ArcOutcome last = ArcOutcome.done();
    for (Arc arc : arcs) {
      last = device.perform(arc);
    }
    return last;
  }

  private static void move(SimHostDevice from, SimHostDevice to) throws MigrationException {
    MigratableDevice source = new SimMigrationDriver().attach(from);
    MigratableDevice destination = new SimMigrationDriver().attach(to);
    SaveStream save =
        ((ArcOutcome.Saving)
                go(
                    source,
                    Arc.RUNNING_TO_RUNNING_P2P,
                    Arc.RUNNING_P2P_TO_STOP,
                    Arc.STOP_TO_STOP_COPY))
            .stream();
    LoadStream load =
        ((ArcOutcome.Loading)
                go(
                    destination,
                    Arc.RUNNING_TO_RUNNING_P2P,
                    Arc.RUNNING_P2P_TO_STOP,
                    Arc.STOP_TO_RESUMING))
            .stream();
    ByteBuffer piece = ByteBuffer.allocate(10_000);
    while (save.read(piece.clear()) != SaveStream.Status.END) {
      load.write(piece.flip());
    }
    go(destination, Arc.RESUMING_TO_STOP, Arc.STOP_TO_RUNNING_P2P, Arc.RUNNING_P2P_TO_RUNNING);
  }

  @Test
  void whatWasStoredTravelsAndAResetForgetsIt() throws MigrationException {
    SimHostDevice from = open();
    SimHostDevice to = open("&local-memory=8KiB&seed=2");
    ByteBuffer here = bar(from).map(BYTES, BYTES).orElseThrow();
    ByteBuffer there = bar(to).map(BYTES, BYTES).orElseThrow();
    for (int at = 0; at < BYTES; at++) {
      here.put(at, (byte) (at * 7 + at / 256));
      there.put(at, (byte) 0x55);
    }
    move(from, to);
    assertThat(there.duplicate()).as("also through a mapping from before").isEqualTo(here);
    to.reset();
    assertThat(there.getLong(0)).isZero();
    assertThat(there.getLong(BYTES - 8)).isZero();
  }

  @Test
  void memoryOfAnotherSizeIsRefused() throws MigrationException {
    SimHostDevice to = open("&local-memory=16KiB");
    MigrationException refusal =
        catchThrowableOfType(MigrationException.class, () -> move(open(), to));
    assertThat(refusal.code()).isEqualTo(DeviceError.DATA_CORRUPT);
    assertThat(to.hardware().state()).isEqualTo(DeviceState.RESUMING);
  }

  /** Whoever has the file can shorten it; that must not end the process, nor last. */
  @Test
  void aShortenedFileIsAnErrorUntilAReset() throws Exception {
    SimHostDevice from = open();
    bar(from).map(BYTES, BYTES).orElseThrow().put(0, (byte) 1);
    Map<Path, Path> own = files();
    own.keySet().removeAll(openBefore);
    Path handle = own.values().iterator().next();
    try (RandomAccessFile other = new RandomAccessFile(handle.toFile(), "rw")) {
      other.setLength(0);
    }
    MigrationException unread =
        catchThrowableOfType(MigrationException.class, () -> word(bar(from), BYTES));
    assertThat(unread.code()).isEqualTo(DeviceError.IO_FAILED);
    assertThat(unread)
        .hasMessageContaining("somebody shortened the file")
        .hasMessageContaining("reset");
    MigrationException unsaved =
        catchThrowableOfType(MigrationException.class, () -> move(from, open()));
    assertThat(unsaved.code()).isEqualTo(DeviceError.IO_FAILED);
    from.reset();
    assertThat(word(bar(from), 2 * BYTES - 8)).isZero();
    SimHostDevice to = open("&local-memory=8KiB&seed=3");
    bar(from).map(BYTES, BYTES).orElseThrow().put(0, (byte) 3);
    move(from, to);
    assertThat(bar(to).map(BYTES, 1).orElseThrow().get(0)).isEqualTo((byte) 3);
  }

  /** Other than a channel, the file survives a thread that is interrupted. */
  @Test
  void anInterruptedThreadDoesNotCloseTheMemory() throws MigrationException {
    SimHostDevice host = open();
    Thread.currentThread().interrupt();
    try {
      assertThat(word(bar(host), BYTES)).isZero();
      new SimRegisterAccess(bar(host)).set(BYTES, 9);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(word(bar(host), BYTES)).isEqualTo(9);
  }
}
