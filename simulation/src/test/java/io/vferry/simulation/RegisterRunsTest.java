package io.vferry.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.user.server.ServerListener;
import io.vferry.host.linux.user.server.SessionCounters;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.state.Arc;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Runs of registers go to a served function in few messages, and arrive as if in many. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class RegisterRunsTest {

  private static final int QUEUES = 64;

  /** Linux 6.12, {@code drivers/crypto/hisilicon/qm.c}. */
  private static final int VF_STATE = 0x60;

  private final SystemHostClock clock = new SystemHostClock(RegisterRunsTest::daemon);
  private final AtomicLong commands = new AtomicLong();

  @AfterEach
  void endClock() {
    clock.close();
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "clock");
    thread.setDaemon(true);
    return thread;
  }

  /** A device whose regions do one write at a time, as those of most hosts do. */
  private record OneByOne(HostDevice device) implements WrappedDevice {

    private record Single(Region region) implements Region {
      @Override
      public RegionInfo info() {
        return region.info();
      }

      @Override
      public void read(long offset, ByteBuffer into) throws MigrationException {
        region.read(offset, into);
      }

      @Override
      public void write(long offset, ByteBuffer from) throws MigrationException {
        region.write(offset, from);
      }

      @Override
      public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
        return region.map(offset, lengthBytes);
      }
    }

    @Override
    public Region region(int index) throws MigrationException {
      return new Single(device.region(index));
    }
  }

  /** Says that the guest's driver is ready. */
  private static void makeReady(HostDevice device) throws MigrationException {
    device.region(2).write(VF_STATE, ByteBuffer.allocate(Integer.BYTES));
  }

  /** Moves a function; returns how many commands the destination's servers took from its driver. */
  private long move(boolean oneByOne) throws MigrationException, InterruptedException {
    String address = "sim:hisi-zip-vf?queues=%d&task-rate=0".formatted(QUEUES);
    HisiAccMigrationDriver driver = new HisiAccMigrationDriver();
    ByteBuffer image = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    HostDevice from =
        new ServedHosts(new HisiAccDeviceModel(), Optional.empty())
            .open(address, new OpenContext("from", clock));
    try (MigratableDevice source = driver.attach(from)) {
      makeReady(from);
      source.perform(Arc.RUNNING_TO_STOP);
      ArcOutcome.Saving saving = (ArcOutcome.Saving) source.perform(Arc.STOP_TO_STOP_COPY);
      while (saving.stream().read(image) != SaveStream.Status.END) {
        // It gives a little at a time.
      }
    }
    image.flip();
    // As if a guest had set up its event queues and the tables of its queues.
    image.putInt(0x44, 0x10000).putInt(0x60, 0x20000);
    image.putLong(0x90, 0x10000).putLong(0x98, 0x20000);
    image.putLong(0xa0, 0x30000).putLong(0xa8, 0x40000);
    CountDownLatch gone = new CountDownLatch(2);
    ServerListener listener =
        new ServerListener() {
          @Override
          public void disconnected(String reason, SessionCounters counters) {
            commands.addAndGet(counters.commands());
            gone.countDown();
          }
        };
    HostDevice to =
        new ServedHosts(new HisiAccDeviceModel(), Optional.empty(), Map.of(), listener)
            .open(address, new OpenContext("to", clock));
    commands.set(0);
    try (MigratableDevice destination = driver.attach(oneByOne ? new OneByOne(to) : to)) {
      destination.perform(Arc.RUNNING_TO_STOP);
      ArcOutcome.Loading loading = (ArcOutcome.Loading) destination.perform(Arc.STOP_TO_RESUMING);
      LoadStream stream = loading.stream();
      stream.write(image.duplicate());
      destination.perform(Arc.RESUMING_TO_STOP);
      destination.perform(Arc.STOP_TO_RUNNING);
      ByteBuffer state = ByteBuffer.allocate(Integer.BYTES);
      to.region(2).read(VF_STATE, state);
      assertThat(state.getInt(0)).as("ready: the last register of a load").isZero();
    }
    from.close();
    to.close();
    // Of the function and of its physical one.
    gone.await();
    return commands.get();
  }

  @Test
  void takeOneMessageEach() throws MigrationException, InterruptedException {
    long single = move(true);
    long together = move(false);
    // 21 registers, 5, 2 and a doorbell for each queue.
    assertThat(single - together).isEqualTo(20 + 4 + 1 + QUEUES - 1);
  }
}
