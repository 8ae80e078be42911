package io.vferry.host.linux.user.socket;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A {@code struct sockaddr_un}: the path of a socket. */
final class UnixAddress {

  private static final int PATH = 2;
  private static final int LONGEST_PATH_BYTES = 107;

  private UnixAddress() {}

  static Argument of(Path path) throws KernelError {
    byte[] text = path.toString().getBytes(StandardCharsets.UTF_8);
    if (text.length > LONGEST_PATH_BYTES) {
      throw new KernelError(
          "the path of a socket has at most " + LONGEST_PATH_BYTES + " bytes; to use " + path,
          Errno.ENAMETOOLONG);
    }
    Argument address = new Argument(PATH + text.length + 1).putShort(0, Libc.AF_UNIX);
    address.bytes().put(PATH, text);
    return address;
  }
}
