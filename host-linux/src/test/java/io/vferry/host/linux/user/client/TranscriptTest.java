package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.Companions;
import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.state.Arc;
import java.nio.ByteBuffer;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * A whole migration byte by byte, as the specification and libvfio-user's server have it: number,
 * command, size, flags and error of each header in this order, all of 16, 16, 32, 32 and 32 bits,
 * the low byte first.
 */
class TranscriptTest {

  /** What is said before anything else; the last message is number 5. */
  private static final String OPENING =
      """
      # VERSION 0.0, 187 bytes
      > 0000 0100 bb000000 00000000 00000000  0000 0000
        "{\\"capabilities\\":{\\"max_msg_fds\\":253,\\"max_data_xfer_size\\":1048576,"
        "\\"twin_socket\\":{\\"supported\\":true},\\"write_multiple\\":true,\\"reassembly\\":true,"
        "\\"migration\\":{\\"pgsize\\":4096}}}" 00
      < 0000 0100 70000000 01000000 00000000  0000 0000
        "{\\"capabilities\\":{\\"max_msg_fds\\":8,\\"max_data_xfer_size\\":1048576,"
        "\\"migration\\":{\\"pgsize\\":4096}}}" 00
      # DEVICE_FEATURE, get MIGRATION: stop-copy and pre-copy
      > 0100 1000 18000000 00000000 00000000  10000000 01000100
      < 0100 1000 20000000 01000000 00000000  10000000 01000100 0500000000000000
      # get MIG_DEVICE_STATE: RUNNING, file 0
      > 0200 1000 18000000 00000000 00000000  10000000 02000100
      < 0200 1000 20000000 01000000 00000000  10000000 02000100 02000000 00000000
      # probe whether DMA_LOGGING_START can be set: it cannot
      > 0300 1000 18000000 00000000 00000000  08000000 06000600
      < 0300 1000 10000000 21000000 16000000
      # DEVICE_GET_INFO: can be reset, one region, no interrupt
      > 0400 0400 20000000 00000000 00000000  10000000 00000000 00000000 00000000
      < 0400 0400 20000000 01000000 00000000  10000000 01000000 01000000 00000000
      # DEVICE_GET_REGION_INFO 0: 4096 bytes to be read and written
      > 0500 0500 30000000 00000000 00000000
        20000000 00000000 00000000 00000000 0000000000000000 0000000000000000
      < 0500 0500 30000000 01000000 00000000
        20000000 03000000 00000000 00000000 0010000000000000 0000000000000000
      """;

  /** Asks for the state, as the driver does before each arc and the device does again. */
  private static String stateIs(int number, int state) {
    return """
    > %1$02x00 1000 18000000 00000000 00000000  10000000 02000100
    < %1$02x00 1000 20000000 01000000 00000000  10000000 02000100 %2$02x000000 00000000
    """
        .formatted(number, state);
  }

  private static String setState(int number, int state) {
    return """
    > %1$02x00 1000 20000000 00000000 00000000  10000000 02000200 %2$02x000000 ffffffff
    < %1$02x00 1000 20000000 01000000 00000000  10000000 02000200 %2$02x000000 ffffffff
    """
        .formatted(number, state);
  }

  private static MigratableDevice open(Transcript transcript) throws MigrationException {
    DeviceAddress address = new DeviceAddress("vfio-user", "/run/device.sock", Map.of());
    return new VfioMigrationDriver()
        .attach(
            VfioUserBackend.open(
                address,
                ClientParameters.of(address),
                NoClock.INSTANCE,
                Companions.NONE,
                transcript));
  }

  @Test
  void theSource() throws MigrationException {
    Transcript transcript =
        new Transcript(
            OPENING
                + stateIs(6, 2)
                // RUNNING to PRE_COPY.
                + stateIs(7, 2)
                + stateIs(8, 2)
                + setState(9, 6)
                + """
                # GET_PRECOPY_INFO, which this server does not know
                > 0a00 1300 28000000 00000000 00000000
                  18000000 00000000 0000000000000000 0000000000000000
                < 0a00 1300 10000000 21000000 16000000
                # MIG_DATA_READ of 12 bytes: there are 12
                > 0b00 1100 18000000 00000000 00000000  14000000 0c000000
                < 0b00 1100 24000000 01000000 00000000  14000000 0c000000 0102030405060708090a0b0c
                # again: 2 bytes, padded to what was asked for
                > 0c00 1100 18000000 00000000 00000000  14000000 0c000000
                < 0c00 1100 24000000 01000000 00000000  0a000000 02000000 0d0e00000000000000000000
                # again: nothing now
                > 0d00 1100 18000000 00000000 00000000  14000000 0c000000
                < 0d00 1100 24000000 01000000 00000000  08000000 00000000 000000000000000000000000
                """
                // PRE_COPY to STOP_COPY.
                + stateIs(14, 6)
                + stateIs(15, 6)
                + setState(16, 3)
                + """
                # the rest, in a reply that is as long as its data
                > 1100 1100 18000000 00000000 00000000  14000000 0c000000
                < 1100 1100 1b000000 01000000 00000000  0b000000 03000000 0f1011
                # the end
                > 1200 1100 18000000 00000000 00000000  14000000 0c000000
                < 1200 1100 18000000 01000000 00000000  08000000 00000000
                """
                // STOP_COPY to STOP.
                + stateIs(19, 3)
                + stateIs(20, 3)
                + setState(21, 1));
    MigratableDevice device = open(transcript);
    ArcOutcome.Saving saving = (ArcOutcome.Saving) device.perform(Arc.RUNNING_TO_PRE_COPY);
    SaveStream stream = saving.stream();
    assertThat(
            device
                .capability(io.vferry.spi.driver.PrecopyProgress.class)
                .orElseThrow()
                .remaining()
                .initialBytes())
        .isZero();
    ByteBuffer read = ByteBuffer.allocate(100);
    assertThat(read(stream, read)).isEqualTo(SaveStream.Status.DATA);
    assertThat(read(stream, read)).isEqualTo(SaveStream.Status.DATA);
    assertThat(read(stream, read)).isEqualTo(SaveStream.Status.NOTHING_NOW);
    device.perform(Arc.PRE_COPY_TO_STOP_COPY);
    assertThat(read(stream, read)).isEqualTo(SaveStream.Status.DATA);
    assertThat(read(stream, read)).isEqualTo(SaveStream.Status.END);
    device.perform(Arc.STOP_COPY_TO_STOP);
    byte[] all = new byte[17];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) (i + 1);
    }
    assertThat(read.flip()).isEqualTo(ByteBuffer.wrap(all));
    transcript.assertOver();
  }

  private static SaveStream.Status read(SaveStream stream, ByteBuffer into)
      throws MigrationException {
    SaveStream.Status status = stream.read(into.limit(into.position() + 12));
    into.limit(into.capacity());
    return status;
  }

  @Test
  void theDestination() throws MigrationException {
    Transcript transcript =
        new Transcript(
            OPENING
                + stateIs(6, 2)
                // RUNNING to STOP, and on to RESUMING.
                + stateIs(7, 2)
                + stateIs(8, 2)
                + setState(9, 1)
                + stateIs(10, 1)
                + stateIs(11, 1)
                + setState(12, 4)
                + """
                # MIG_DATA_WRITE of 5 bytes; the reply is a header
                > 0d00 1200 1d000000 00000000 00000000  0d000000 05000000 0102030405
                < 0d00 1200 10000000 01000000 00000000
                # and of 3; the reply says how many were taken, as in the later revision
                > 0e00 1200 1b000000 00000000 00000000  0b000000 03000000 060708
                < 0e00 1200 18000000 01000000 00000000  08000000 03000000
                """
                // RESUMING to STOP, and on to RUNNING.
                + stateIs(15, 4)
                + stateIs(16, 4)
                + setState(17, 1)
                + stateIs(18, 1)
                + stateIs(19, 1)
                + setState(20, 2));
    MigratableDevice device = open(transcript);
    device.perform(Arc.RUNNING_TO_STOP);
    ArcOutcome.Loading loading = (ArcOutcome.Loading) device.perform(Arc.STOP_TO_RESUMING);
    LoadStream stream = loading.stream();
    stream.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}));
    stream.write(ByteBuffer.wrap(new byte[] {6, 7, 8}));
    device.perform(Arc.RESUMING_TO_STOP);
    device.perform(Arc.STOP_TO_RUNNING);
    transcript.assertOver();
  }
}
