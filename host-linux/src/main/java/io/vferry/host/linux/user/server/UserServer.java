package io.vferry.host.linux.user.server;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.ListeningSocket;
import io.vferry.host.linux.user.socket.MessageSocket;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.HostClock;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Serves one device at a socket in the file system: one client at a time, the next when it has
 * left. Only this user, and root, can connect. Whoever waits for its turn gets no answer meanwhile.
 *
 * <p>The protocol is that of QEMU 10.2, {@code docs/interop/vfio-user.rst}, with what its later
 * revision adds.
 */
public final class UserServer implements AutoCloseable {

  private final ListeningSocket socket;
  private final ServedDevice device;
  private final ServerSettings settings;
  private final HostClock clock;
  private final ServerListener listener;
  private final AtomicReference<@Nullable MessageSocket> current = new AtomicReference<>();
  private volatile boolean closed;

  private UserServer(
      ListeningSocket socket,
      ServedDevice device,
      ServerSettings settings,
      HostClock clock,
      ServerListener listener) {
    this.socket = socket;
    this.device = device;
    this.settings = settings;
    this.clock = clock;
    this.listener = listener;
  }

  /**
   * Creates the socket; {@link #run} serves whoever connects.
   *
   * @param path of the socket; one that a process left when it was killed is replaced
   * @param device stays the caller's
   * @param clock by which a client that does not answer for its memory is given up; stays the
   *     caller's. Not the clock of the device: its tasks may be what waits for the client
   * @throws MigrationException {@code OPEN_FAILED} if the socket cannot be created, with the remedy
   *     in its text
   */
  public static UserServer listen(
      Path path,
      ServedDevice device,
      ServerSettings settings,
      HostClock clock,
      ServerListener listener)
      throws MigrationException {
    Availability calls = Libc.availability();
    if (!calls.available()) {
      throw new MigrationException(
          DeviceError.OPEN_FAILED, "no device can be served here: " + calls.reason());
    }
    try {
      return new UserServer(ListeningSocket.at(path), device, settings, clock, listener);
    } catch (KernelError e) {
      throw e.as(
          DeviceError.OPEN_FAILED,
          "the socket %s cannot be created%s"
              .formatted(
                  path,
                  e.errno() == Errno.EADDRINUSE ? ", because another process serves there" : ""));
    }
  }

  /** Returns where the socket is. */
  public Path path() {
    return socket.path();
  }

  /**
   * Serves one client after the other, on this thread, until {@link #close}.
   *
   * @throws MigrationException {@code IO_FAILED} if nobody can connect any more; what the device
   *     says if it does not answer
   */
  public void run() throws MigrationException {
    while (!closed) {
      MessageSocket connection;
      try {
        connection = socket.accept(MessageSocket.Limits.DEFAULT);
      } catch (ConnectionException e) {
        if (closed) {
          return;
        }
        throw new MigrationException(DeviceError.IO_FAILED, String.valueOf(e.getMessage()), e);
      }
      current.set(connection);
      if (closed) {
        connection.close();
        return;
      }
      try {
        ClientConversation.over(connection, device, settings, clock, listener);
      } finally {
        connection.close();
        current.set(null);
      }
    }
  }

  /** Ends the conversation under way, removes the socket, and lets {@link #run} return. */
  @Override
  public void close() {
    closed = true;
    socket.close();
    MessageSocket connection = current.get();
    if (connection != null) {
      connection.close();
    }
  }
}
