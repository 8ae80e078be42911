package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Each way to lose something must be seen by the audit; a correct move is {@link SimMoveTest}'s.
 */
class SimOracleTest {

  private final SimClock clock = new SimClock(21);

  private SimSide side(boolean incoming, String parameters) throws MigrationException {
    String address = "sim:mlx5?state=256KiB&initial=64KiB" + parameters;
    return new SimSide(clock, incoming, SimMoveTest.TALK, List.of(address, address));
  }

  private SimSide running(String parameters) throws MigrationException {
    SimSide side = side(false, parameters);
    side.vm.resume();
    clock.advance(30_000_000);
    return side;
  }

  @Test
  void theFinalDirtyPassIsSkipped() throws MigrationException {
    SimMigration broken =
        new SimMigration(running(""), side(true, "")) {
          @Override
          void sendLastDirty() {}
        };
    broken.load();
    assertThat(broken.destination.violations())
        .anyMatch(what -> what.contains("does not hold what a vCPU wrote"))
        .anyMatch(what -> what.contains("does not hold write"));
  }

  @Test
  void oneByteOfOnePageIsLost() throws MigrationException {
    long seed = 77;
    SplittableRandom random = new SplittableRandom(seed);
    SimMigration move = new SimMigration(running(""), side(true, ""));
    move.load();
    assertThat(move.destination.violations()).isEmpty();
    for (MemoryRange range : move.destination.vm.memory().layout()) {
      for (int round = 0; round < 50; round++) {
        long address = range.start() + random.nextLong(range.length());
        ByteBuffer one = move.destination.vm.memory().slice(new MemoryRange(address, 1));
        byte right = one.get(0);
        one.put(0, (byte) (right ^ (1 << random.nextInt(8))));
        assertThat(move.destination.violations())
            .as("byte at 0x%x, seed %d", address, seed)
            .hasSize(1);
        one.put(0, right);
      }
    }
    assertThat(move.destination.violations()).isEmpty();
  }

  @Test
  void oneStoreIntoLocalMemoryIsLost() throws MigrationException {
    SimMigration move =
        new SimMigration(running("&local-memory=4KiB"), side(true, "&local-memory=4KiB"));
    move.load();
    assertThat(move.destination.violations()).isEmpty();
    SimLocalMemory memory =
        move.destination.device("nic1").host().hardware().localMemory().orElseThrow();
    byte[] content = memory.content();
    // The last word that a short run wrote, and one that it did not reach yet.
    for (int at : new int[] {8, 4088}) {
      content[at] ^= 1;
      memory.fill(content);
      assertThat(move.destination.violations())
          .singleElement()
          .asString()
          .contains("local memory at offset " + at % 512 + ", or a multiple of 512 bytes");
      content[at] ^= 1;
    }
  }

  @Test
  void oneByteOfTheDeviceStateIsLost() throws MigrationException {
    SimMigration move = new SimMigration(running(""), side(true, ""));
    move.load();
    SimBulk bulk = move.destination.device("nic1").host().hardware().bulk();
    ByteBuffer page = bulk.memory(Objects.requireNonNull(bulk.place(17, 1)));
    page.put(4095, (byte) (page.get(4095) + 1));
    assertThat(move.destination.violations())
        .singleElement()
        .asString()
        .startsWith("nic1: page 17 of the device state");
  }

  @Test
  void aDeviceIsStartedBeforeItsPeerAccepts() throws MigrationException {
    SimMigration move = new SimMigration(running(""), side(true, ""));
    move.load();
    SimSide there = move.destination;
    there.device("nic0").to(DeviceState.RUNNING);
    clock.advance(5_000_000);
    there.device("nic1").to(DeviceState.RUNNING);
    there.vm.resume();
    clock.advance(5_000_000);
    there.vm.pause();
    there.stopDevices();
    assertThat(there.violations())
        .anyMatch(what -> what.matches("nic1: \\d+ peer-to-peer messages arrived while stopped"))
        .anyMatch(what -> what.matches("nic1: \\d+ peer-to-peer messages came out of order.*"));
  }

  @Test
  void aDeviceIsStartedWhileItsPeerIsStillLoading() throws MigrationException {
    SimMigration broken =
        new SimMigration(running(""), side(true, "")) {
          @Override
          void finishDevices() throws MigrationException {
            super.finishDevices();
            destination.device("nic0").to(DeviceState.RUNNING);
            clock.advance(2_000_000);
            destination.device("nic0").to(DeviceState.STOP);
          }
        };
    broken.load();
    assertThat(broken.destination.violations())
        .anyMatch(what -> what.matches("nic0: sent \\d+ messages to nic1, which received \\d+"));
  }

  @Test
  void aDeviceIsStoppedBeforeAllAreQuiesced() throws MigrationException {
    SimMigration broken =
        new SimMigration(running(""), side(true, "")) {
          @Override
          void stopSource() throws MigrationException {
            for (SimSide.Device device : source.devices.values()) {
              device.to(DeviceState.STOP_COPY);
              clock.advance(2_000_000);
            }
          }
        };
    broken.load();
    assertThat(broken.destination.violations())
        .anyMatch(what -> what.matches("nic0: \\d+ peer-to-peer messages arrived while stopped"))
        .anyMatch(what -> what.matches("nic1: sent \\d+ messages to nic0, which received \\d+"));
  }

  @Test
  void devicesWithoutQuiescenceThatTalkLoseMessages() throws MigrationException {
    String address = "sim:hisi-acc?p2p-latency=2ms";
    List<String> devices = List.of(address, address);
    SimSide source = new SimSide(clock, false, SimMoveTest.TALK, devices);
    source.vm.resume();
    clock.advance(30_000_000);
    source.vm.pause();
    source.stopDevices();
    assertThat(source.violations())
        .anyMatch(what -> what.contains("peer-to-peer messages arrived while stopped"));
  }

  @Test
  void aTaskIsDropped() throws MigrationException {
    SimSide side = running("&drop-task=7");
    side.vm.pause();
    side.stopDevices();
    assertThat(side.violations()).contains("nic0: completed task 8 where task 7 was due");
  }

  @Test
  void aTaskIsCompletedTwice() throws MigrationException {
    SimSide side = running("&repeat-task=7");
    side.vm.pause();
    side.stopDevices();
    assertThat(side.violations()).contains("nic0: completed task 7 where task 8 was due");
  }

  @Test
  void aTaskInFlightIsForgotten() throws MigrationException {
    SimMigration move = new SimMigration(running("&task-time=20ms"), side(true, ""));
    move.load();
    SimSide there = move.destination;
    assertThat(there.violations()).isEmpty();
    there.device("nic0").host().hardware().core().inFlight.remove();
    assertThat(there.violations()).anyMatch(what -> what.matches("nic0: task \\d+ is in flight.*"));
  }

  @Test
  void interruptsThatComeAfterThePlatformWasSavedAreLost() throws MigrationException {
    SimMigration broken =
        new SimMigration(running("&task-time=2ms"), side(true, "")) {
          private ByteBuffer tooEarly = ByteBuffer.allocate(0);

          @Override
          void stopSource() throws MigrationException {
            tooEarly = source.vm.savePlatform();
            clock.advance(5_000_000);
            super.stopSource();
          }

          @Override
          void afterLoad() throws MigrationException {
            destination.vm.loadPlatform(tooEarly);
          }
        };
    broken.load();
    assertThat(broken.destination.violations())
        .anyMatch(what -> what.matches("nic0: interrupts 0x\\d were lost"));
  }

  @Test
  void aPendingInterruptMoves() throws MigrationException {
    SimSide source = running("&task-time=2ms");
    SimMigration move = new SimMigration(source, side(true, ""));
    for (SimSide.Device device : source.devices.values()) {
      device.host().interrupts().mask(Interrupts.MSIX, SimRegisters.VECTOR_TASKS);
    }
    clock.advance(5_000_000);
    move.load();
    assertThat(source.device("nic0").truth().irqPending()).isNotZero();
    assertThat(move.destination.violations()).isEmpty();
    long seen = tasks(move.destination);
    move.destination.run();
    clock.advance(100_000_000);
    move.destination.vm.pause();
    move.destination.stopDevices();
    assertThat(move.destination.violations()).isEmpty();
    // Had it been lost, the ring would have run full: 64 tasks for each device.
    assertThat(tasks(move.destination)).isGreaterThan(seen + 128);
  }

  private static long tasks(SimSide side) throws MigrationException {
    return side.count("tasks");
  }

  @Test
  void aDeviceGoesOnWithDmaWhenStopped() throws MigrationException {
    SimSide side = running("&rogue=true");
    side.vm.pause();
    side.stopDevices();
    clock.advance(5_000_000);
    assertThat(side.violations())
        .anyMatch(what -> what.matches("nic0: \\d+ DMA accesses were started while stopped"));
  }

  @Test
  void dmaToUnmappedMemoryFailsAndTouchesNothing() throws MigrationException {
    SimSide side = running("");
    MemoryRange high = side.vm.memory().layout().get(1);
    side.device("nic0").host().dma().unmap(high);
    ByteBuffer memory = side.vm.memory().slice(high);
    side.vm.pause();
    byte[] before = new byte[memory.remaining()];
    memory.get(0, before);
    clock.advance(5_000_000);
    byte[] after = new byte[before.length];
    memory.get(0, after);
    assertThat(after).isEqualTo(before);
    side.stopDevices();
    assertThat(side.violations())
        .anyMatch(what -> what.matches("nic0: \\d+ DMA accesses reached no memory"));
  }

  @Test
  void openPageRequestsAreSeen() throws MigrationException {
    SimSide side = new SimSide(clock, false, Map.of("page-requests", "9"), new ArrayList<>());
    side.vm.resume();
    clock.advance(5_000_000);
    side.vm.pause();
    assertThat(side.violations()).containsExactly("9 page requests were left open");
    side.vm.resume();
    side.vm.settlePageRequests(100_000_000);
    side.vm.pause();
    assertThat(side.violations()).isEmpty();
  }
}
