package io.vferry.host.linux.user.client;

import com.google.auto.service.AutoService;
import io.vferry.host.linux.Companions;
import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.socket.MessageSocket;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Devices that other processes of this host serve by the vfio-user protocol.
 *
 * <p>An address is {@code vfio-user:SOCKET}, the path of the socket on which the server listens.
 * Parameters:
 *
 * <ul>
 *   <li>{@code deadline=TIME}: how long the server may take to answer a command, {@code 60s} unless
 *       said otherwise. A reset or a change of state may take long; a server that is silent for
 *       longer is given up for good.
 *   <li>{@code transfer=SIZE}: how many bytes of data this side takes in one message, {@code 1MiB}
 *       unless said otherwise. What is used is the smaller of this and the server's own limit.
 *   <li>{@code write-chunk=SIZE|auto}: how many bytes of data are sent in one message. {@code
 *       auto}, the default, sends 32 KiB to a server that does not say that it puts the pieces of a
 *       message together ({@code reassembly} in its version), because libvfio-user loses the thread
 *       beyond 36 KiB, and as much as the server takes to one that says so.
 *   <li>{@code dma=fds|messages}: whether the server gets memory as a file, where the memory has
 *       one (the default), or asks for each access by message. Memory that is no shared mapping of
 *       a file is always accessed by message.
 *   <li>{@code precopy-data=keep|discard}: {@code discard} is for devices that give in STOP_COPY
 *       everything again which they gave in PRE_COPY, as the sample of libvfio-user does, and
 *       refuse both one after the other. Such a device is used without pre-copy.
 *   <li>{@code twin-socket=on|off}: whether the server is offered a second socket for the memory
 *       accesses it asks for; {@code on} is the default.
 *   <li>{@code leftover=reset|keep}: what to do with a device that is not RUNNING when it is
 *       opened, because its last client left it so. {@code reset} is the default.
 *   <li>{@code pf=SOCKET}: the server of the physical function of a virtual one, opened along with
 *       it and given to the driver as companion {@code pf}.
 *   <li>{@code vf-index=NUMBER}: which of the virtual functions of {@code pf} it is, from 0; the
 *       protocol does not tell, and drivers that work through the physical function ask for it.
 * </ul>
 */
@AutoService(HostBackend.class)
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class VfioUserBackend implements HostBackend {

  private static final String SCHEME = "vfio-user";

  /** Room in a message for everything but data. */
  private static final int MESSAGE_FIELDS_BYTES = 4096;

  /** A description of a region may be so long, whatever the limit of data is. */
  private static final int LARGEST_DESCRIPTION_BYTES = 1 << 20;

  /** Creates the backend. */
  public VfioUserBackend() {}

  @Override
  public String scheme() {
    return SCHEME;
  }

  @Override
  public Availability availability() {
    return Libc.availability();
  }

  /** Servers cannot be found, only named. */
  @Override
  public List<HostDeviceInfo> list() {
    return List.of();
  }

  @Override
  public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
    ClientParameters parameters = ClientParameters.of(address);
    Availability availability = availability();
    if (!availability.available()) {
      throw new MigrationException(
          DeviceError.OPEN_FAILED,
          "device %s (%s): %s".formatted(context.deviceId(), address, availability.reason()));
    }
    return Companions.openWith(
        this,
        parameters.physicalFunction(),
        context,
        companions ->
            open(address, parameters, context.clock(), companions, connect(address, parameters)));
  }

  private static MessageSocket.Limits limits(ClientParameters parameters) {
    return new MessageSocket.Limits(
        Math.max(parameters.transferBytes(), LARGEST_DESCRIPTION_BYTES) + MESSAGE_FIELDS_BYTES,
        parameters.deadlineNanos());
  }

  private static MessageSocket connect(DeviceAddress address, ClientParameters parameters)
      throws MigrationException {
    try {
      return MessageSocket.connect(Path.of(address.path()), limits(parameters));
    } catch (KernelError e) {
      throw e.as(
          DeviceError.OPEN_FAILED,
          switch (e.errno()) {
            case Errno.ENOENT ->
                "there is no socket %s; start the vfio-user server first".formatted(address.path());
            case Errno.ECONNREFUSED ->
                "nobody listens on socket %s; the vfio-user server has ended"
                    .formatted(address.path());
            case Errno.EACCES -> "socket %s may not be used by this user".formatted(address.path());
            case Errno.EAGAIN ->
                "vfio-user server %s accepts nobody; it may serve another client"
                    .formatted(address.path());
            default -> "vfio-user server %s cannot be reached".formatted(address.path());
          });
    }
  }

  /** Opens a device over a connection, which is closed with it, and if it cannot be opened. */
  static VfioUserDevice open(
      DeviceAddress address,
      ClientParameters parameters,
      HostClock clock,
      Companions companions,
      MessageConnection connection)
      throws MigrationException {
    String server = address.path();
    ServedMemory served = new ServedMemory(parameters.transferBytes());
    Conversation conversation = Conversation.over(server, connection, served);
    ClientChannel channel =
        new ClientChannel(server, conversation, parameters.deadlineNanos(), System::nanoTime);
    boolean opened = false;
    try {
      Agreement agreement = Agreement.reach(channel, parameters);
      if (agreement.twin().isPresent()) {
        channel.listenTo(
            Conversation.ofOrders(server, twin(agreement.twin().get(), parameters), served));
      }
      Optional<ClientMigration> migration =
          ClientMigration.of(server, channel, agreement, parameters.keepPrecopyData());
      // First of all: libvfio-user describes nothing of a device that is stopped.
      if (migration.isPresent()) {
        parameters
            .leftover()
            .settle(
                "the device at vfio-user server " + server,
                migration.get(),
                () -> VfioUserDevice.reset(server, channel, migration),
                "start the server anew");
      }
      boolean logs = !parameters.memoryByFiles() || canLog(channel);
      ClientLog log = new ClientLog(server, channel, agreement.readBytes(), logs);
      served.onWrite(log::written);
      VfioUserDevice device =
          new VfioUserDevice(
              Discovery.of(address, parameters, channel, agreement, migration),
              agreement,
              new ClientDma(server, channel, served, log, agreement, parameters.memoryByFiles()),
              log,
              clock,
              companions);
      opened = true;
      return device;
    } catch (KernelError e) {
      throw e.as(
          DeviceError.OPEN_FAILED,
          "vfio-user server %s refuses what each client asks at first".formatted(server));
    } finally {
      if (!opened) {
        channel.close();
      }
    }
  }

  private static MessageSocket twin(Fd twin, ClientParameters parameters) {
    return new MessageSocket(twin, limits(parameters));
  }

  private static boolean canLog(ClientChannel channel) throws MigrationException {
    try {
      return channel.ask(
          Request.of(
              Command.DEVICE_FEATURE,
              FeatureMessage.of(
                  VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START
                      | FeatureMessage.SET
                      | FeatureMessage.PROBE,
                  Payload.NONE)),
          ReplyReader.NOTHING);
    } catch (KernelError e) {
      return false;
    }
  }
}
