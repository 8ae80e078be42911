package io.vferry.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.user.server.ServedDevice;
import io.vferry.host.linux.user.server.ServerListener;
import io.vferry.host.linux.user.server.ServerSettings;
import io.vferry.host.linux.user.server.UserServer;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.model.DeviceModel;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import io.vferry.vendor.sim.SimDeviceModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** No register waits for memory, however long the client takes to answer for that. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class UnsharedMemoryTest {

  private static final int ROUNDS = 20;
  private static final int PAGES = 16;

  // The simulated device, as its guest's driver knows it.
  private static final int GUEST_BAR = 0;
  private static final int CONTROL = 0x08;
  private static final int RING_SUBMIT = 0x10;
  private static final int DOORBELL = 0x20;
  private static final int DMA_BASE = 0x30;
  private static final int DMA_PAGES = 0x38;
  private static final int SCRATCH = 0x58;
  private static final int CONFIG = 7;
  private static final int COMMAND_REGISTER = 4;
  private static final int MEMORY_AND_BUS_MASTER = 6;
  private static final int LEDGER_DMA_WRITES = 0x128;
  private static final int LEDGER_FETCHED = 0x138;
  private static final int LEDGER_DMA_WHILE_STOPPED = 0x198;
  private static final int LEDGER_DMA_FAULTS = 0x1a0;

  // Its migration registers.
  private static final int MIGRATION_BAR = 2;
  private static final int COMMAND = 0x00;
  private static final int RESULT = 0x08;
  private static final int STATE = 0x10;
  private static final int ARC_RESULT = 0x60;
  private static final int RUNNING_TO_RUNNING_P2P = 0x1025;
  private static final int RUNNING_P2P_TO_STOP = 0x1051;
  private static final int DONE = 0;
  private static final int PENDING = 8;
  private static final int STOP = 1;
  private static final int RUNNING = 2;
  private static final int RUNNING_P2P = 5;

  // A virtual function of a card in the model of mlx5, and the card.
  private static final int FUNCTION_CONTROL = 0x000;
  private static final int FUNCTION_DMA_BASE = 0x028;
  private static final int FUNCTION_DMA_PAGES = 0x030;
  private static final int FUNCTION_SCRATCH = 0x050;
  private static final int CARD_QUEUE = 0x10;
  private static final int CARD_DOORBELL = 0x18;
  private static final int CARD_FIRMWARE = 0x000;

  @TempDir private Path folder;

  private interface Conversation {
    void hold(BusyClient client) throws Exception;
  }

  private void serve(DeviceModel model, String address, Conversation conversation)
      throws Exception {
    Path socket = folder.resolve("s");
    try (SystemHostClock devices = new SystemHostClock(UnsharedMemoryTest::daemon);
        SystemHostClock clients = new SystemHostClock(UnsharedMemoryTest::daemon);
        HostDevice device =
            model.create(DeviceAddress.parse(address), new OpenContext("dev", devices))) {
      Thread serving;
      try (UserServer server =
          UserServer.listen(
              socket,
              new ServedDevice("dev", device, Optional.empty()),
              ServerSettings.DEFAULT,
              clients,
              new ServerListener() {})) {
        serving = daemon(() -> run(server));
        serving.start();
        try (BusyClient client = new BusyClient(socket, PAGES + 1)) {
          conversation.hold(client);
        }
      }
      serving.join();
    }
  }

  private static void run(UserServer server) {
    try {
      server.run();
    } catch (MigrationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "unshared-memory");
    thread.setDaemon(true);
    return thread;
  }

  private void simulated(String dmaRate, Conversation conversation) throws Exception {
    serve(
        new SimDeviceModel(),
        "sim:mlx5?state=64KiB&service-time=0&dma-rate=" + dmaRate,
        client -> {
          client.write(CONFIG, COMMAND_REGISTER, MEMORY_AND_BUS_MASTER);
          client.write(GUEST_BAR, DMA_BASE, BusyClient.MEMORY);
          client.write(GUEST_BAR, DMA_PAGES, PAGES);
          client.write(
              GUEST_BAR, RING_SUBMIT, BusyClient.MEMORY + (long) PAGES * BusyClient.PAGE_BYTES);
          client.write(GUEST_BAR, CONTROL, 1);
          conversation.hold(client);
        });
  }

  @Test
  void aRegisterIsAnsweredWhileTheDeviceReads() throws Exception {
    simulated(
        "0",
        client -> {
          client.write(GUEST_BAR, DOORBELL, 1);
          client.awaitQuestion();
          client.write(GUEST_BAR, SCRATCH, 4711);
          assertThat(client.read(GUEST_BAR, SCRATCH)).isEqualTo(4711);
          assertThat(client.read(CONFIG, LEDGER_FETCHED)).isZero();
          client.answer();
          while (client.read(CONFIG, LEDGER_FETCHED) == 0) {
            Thread.onSpinWait();
          }
          assertThat(client.read(CONFIG, LEDGER_DMA_FAULTS)).isZero();
        });
  }

  @Test
  void aRegisterIsAnsweredWhileTheDeviceWrites() throws Exception {
    simulated(
        "64MiB",
        client -> {
          for (int round = 1; round <= ROUNDS; round++) {
            client.awaitQuestion();
            client.write(GUEST_BAR, SCRATCH, round);
            assertThat(client.read(GUEST_BAR, SCRATCH)).isEqualTo(round);
            client.answer();
          }
          assertThat(client.pagesWritten()).isEqualTo(ROUNDS);
          assertThat(client.read(CONFIG, LEDGER_DMA_FAULTS)).isZero();
        });
  }

  private static void begin(BusyClient client, int arc) throws IOException {
    client.write(MIGRATION_BAR, COMMAND, arc);
    assertThat(client.read(MIGRATION_BAR, RESULT)).isEqualTo(DONE);
  }

  @Test
  void stoppingIsAnsweredAtOnceAndHappensWhenTheMemoryWasAnswered() throws Exception {
    simulated(
        "64MiB",
        client -> {
          client.awaitQuestion();
          begin(client, RUNNING_TO_RUNNING_P2P);
          assertThat(client.read(MIGRATION_BAR, ARC_RESULT)).isEqualTo(DONE);
          begin(client, RUNNING_P2P_TO_STOP);
          for (int look = 0; look < ROUNDS; look++) {
            assertThat(client.read(MIGRATION_BAR, ARC_RESULT)).isEqualTo(PENDING);
          }
          assertThat(client.read(MIGRATION_BAR, STATE)).isEqualTo(RUNNING_P2P);
          client.answer();
          while (client.read(MIGRATION_BAR, ARC_RESULT) == PENDING) {
            Thread.onSpinWait();
          }
          assertThat(client.read(MIGRATION_BAR, ARC_RESULT)).isEqualTo(DONE);
          assertThat(client.read(MIGRATION_BAR, STATE)).isEqualTo(STOP);
          // What the device says it wrote is all here, and it begins nothing any more.
          assertThat(client.read(CONFIG, LEDGER_DMA_WRITES)).isEqualTo(client.pagesWritten());
          assertThat(client.pagesWritten()).isPositive();
          assertThat(client.read(CONFIG, LEDGER_DMA_WHILE_STOPPED)).isZero();
          assertThat(client.read(CONFIG, LEDGER_DMA_FAULTS)).isZero();
        });
  }

  @Test
  void aResetIsAnsweredAndForgetsWhatTheMemoryAnswersLater() throws Exception {
    simulated(
        "64MiB",
        client -> {
          client.awaitQuestion();
          client.reset();
          client.answer();
          assertThat(client.read(MIGRATION_BAR, STATE)).isEqualTo(RUNNING);
          assertThat(client.read(GUEST_BAR, CONTROL)).isZero();
          assertThat(client.read(CONFIG, LEDGER_DMA_WRITES)).isZero();
          assertThat(client.read(CONFIG, LEDGER_DMA_FAULTS)).isZero();
        });
  }

  private static void write(BusyClient client, int offset, long value) throws IOException {
    client.write(GUEST_BAR, offset, Long.reverseBytes(value));
  }

  private static long read(BusyClient client, int offset) throws IOException {
    return Long.reverseBytes(client.read(GUEST_BAR, offset));
  }

  private void function(Conversation conversation) throws Exception {
    serve(
        new Mlx5DeviceModel(),
        "sim:mlx5-vf?pf=card&state=64KiB&dma-rate=64MiB",
        client -> {
          client.write(CONFIG, COMMAND_REGISTER, MEMORY_AND_BUS_MASTER);
          write(client, FUNCTION_DMA_BASE, BusyClient.MEMORY);
          write(client, FUNCTION_DMA_PAGES, PAGES);
          write(client, FUNCTION_CONTROL, 1);
          conversation.hold(client);
        });
  }

  @Test
  void aRegisterOfAFunctionIsAnsweredBeforeTheMemoryIs() throws Exception {
    function(
        client -> {
          for (int round = 1; round <= ROUNDS; round++) {
            client.awaitQuestion();
            write(client, FUNCTION_SCRATCH, round);
            assertThat(read(client, FUNCTION_SCRATCH)).isEqualTo(round);
            client.answer();
          }
          assertThat(client.pagesWritten()).isEqualTo(ROUNDS);
        });
  }

  @Test
  void aFunctionThatIsResetForgetsWhatTheMemoryAnswersLater() throws Exception {
    function(
        client -> {
          client.awaitQuestion();
          client.reset();
          assertThat(read(client, FUNCTION_CONTROL)).isZero();
          client.answer();
          // It works again, and with what it is told now.
          write(client, FUNCTION_DMA_BASE, BusyClient.MEMORY);
          write(client, FUNCTION_DMA_PAGES, PAGES);
          write(client, FUNCTION_CONTROL, 1);
          client.awaitQuestion();
          assertThat(read(client, FUNCTION_CONTROL)).isEqualTo(1);
          client.answer();
          assertThat(client.pagesWritten()).isEqualTo(2);
        });
  }

  @Test
  void aRegisterOfACardIsAnsweredWhileItFetchesACommand() throws Exception {
    serve(
        new Mlx5DeviceModel(),
        "sim:mlx5-pf?pf=card",
        client -> {
          client.write(CONFIG, COMMAND_REGISTER, MEMORY_AND_BUS_MASTER);
          long firmware = read(client, CARD_FIRMWARE);
          assertThat(firmware).isNotZero();
          write(client, CARD_QUEUE, BusyClient.MEMORY);
          for (int round = 0; round < ROUNDS; round++) {
            write(client, CARD_DOORBELL, 1L << Integer.SIZE);
            client.awaitQuestion();
            assertThat(read(client, CARD_FIRMWARE)).isEqualTo(firmware);
            client.answer();
          }
        });
  }
}
