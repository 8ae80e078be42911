package io.vferry.host.linux.user.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.Companions;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.client.LibvfioUser.Version;
import io.vferry.host.linux.user.socket.MessageSocket;
import io.vferry.host.linux.user.socket.OpenFiles;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A device behind a real socket. After each test no file is open that was not before. */
abstract class SocketFixture {

  static final int PAGE = 4096;

  long openBefore;
  ServerThread thread;
  HostDevice device;

  @BeforeEach
  final void count() {
    openBefore = OpenFiles.count();
  }

  @AfterEach
  final void nothingStaysOpen() throws MigrationException {
    if (device != null) {
      device.close();
    }
    if (thread != null) {
      thread.close();
    }
    assertThat(OpenFiles.count()).isEqualTo(openBefore);
  }

  final void open(LibvfioUser server, String parameters) throws Exception {
    List<Fd> pair = MessageSocket.pair();
    thread = new ServerThread(pair.get(0), server);
    DeviceAddress address = DeviceAddress.parse("vfio-user:/run/test.sock" + parameters);
    device =
        VfioUserBackend.open(
            address,
            ClientParameters.of(address),
            NoClock.INSTANCE,
            Companions.NONE,
            new MessageSocket(pair.get(1), MessageSocket.Limits.DEFAULT));
  }

  /** Returns a server with 64 bytes of BAR 0. */
  static LibvfioUser server() {
    return new LibvfioUser(Version.JUNE, 64);
  }

  static ByteBuffer aligned(int bytes) {
    return ByteBuffer.allocateDirect(bytes + PAGE).alignedSlice(PAGE).slice(0, bytes);
  }
}
