package io.vferry.host.linux.user.socket;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.user.socket.ConnectionException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A socket in the file system to which others connect. Only this user can, and root. One thread at
 * a time accepts; any thread may close, which ends an accept that waits.
 */
public final class ListeningSocket implements AutoCloseable {

  private static final int BACKLOG = 16;

  private final Path path;
  private final Fd fd;
  private final Object fileKey;
  private volatile boolean closed;

  private ListeningSocket(Path path, Fd fd, Object fileKey) {
    this.path = path;
    this.fd = fd;
    this.fileKey = fileKey;
  }

  /**
   * Creates the socket. One that is there already and on which nobody listens any more, left by a
   * process that was killed, is replaced.
   *
   * @throws KernelError {@code EADDRINUSE} if somebody listens there, {@code EEXIST} if something
   *     else than a socket is there
   */
  public static ListeningSocket at(Path path) throws KernelError {
    Argument address = UnixAddress.of(path);
    Fd fd = new Fd(KernelError.check("socket", Fd.unixSocket()));
    boolean bound = false;
    try {
      removeStale(path);
      call("bind " + path, fd, number -> Libc.bind(number, address.address(), address.sizeBytes()));
      bound = true;
      address.keep();
      // Nobody can connect before listen, so nobody slips in before the permissions are set.
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      Object key = attributes(path).fileKey();
      call("listen on " + path, fd, number -> Libc.listen(number, BACKLOG));
      return new ListeningSocket(path, fd, key);
    } catch (KernelError | IOException | RuntimeException e) {
      fd.close();
      if (bound) {
        deleteQuietly(path);
      }
      throw e instanceof KernelError known
          ? known
          : new KernelError("set the permissions of " + path, Errno.EACCES);
    }
  }

  private static void removeStale(Path path) throws KernelError {
    try {
      if (!attributes(path).isOther()) {
        throw new KernelError("a file that is no socket is at " + path + "; bind", Errno.EEXIST);
      }
    } catch (IOException e) {
      return;
    }
    try {
      MessageSocket.connect(path, MessageSocket.Limits.DEFAULT).close();
    } catch (KernelError e) {
      if (e.errno() != Errno.ECONNREFUSED) {
        throw e;
      }
      deleteQuietly(path);
      return;
    }
    throw new KernelError("another process listens at " + path + "; bind", Errno.EADDRINUSE);
  }

  private static BasicFileAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  private static void deleteQuietly(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // Whoever binds next is told.
    }
  }

  private static void call(String name, Fd fd, Fd.Call call) throws KernelError {
    KernelError.check(name, fd.call(call));
  }

  /** Returns where it is. */
  public Path path() {
    return path;
  }

  /**
   * Waits for somebody to connect.
   *
   * @throws ConnectionException {@code CLOSED} once this is closed
   */
  public MessageSocket accept(MessageSocket.Limits limits) throws ConnectionException {
    long accepted = fd.call(number -> Libc.accept4(number, 0, 0, Libc.SOCK_CLOEXEC));
    if (accepted >= 0) {
      return new MessageSocket(new Fd((int) accepted), limits);
    }
    if (closed) {
      throw new ConnectionException(Reason.CLOSED, "the socket " + path + " was closed");
    }
    KernelError e = new KernelError("accept", (int) -accepted);
    throw new ConnectionException(
        Reason.FAILED, "no connection can be accepted at " + path + ": " + e.getMessage(), e);
  }

  /** Stops listening and removes the socket, unless another one is there meanwhile. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    fd.call(number -> Libc.shutdown(number, Libc.SHUT_RDWR));
    fd.close();
    try {
      if (fileKey.equals(attributes(path).fileKey())) {
        deleteQuietly(path);
      }
    } catch (IOException e) {
      // It is gone already.
    }
  }
}
