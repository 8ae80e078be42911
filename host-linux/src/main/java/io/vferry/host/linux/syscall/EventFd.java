package io.vferry.host.linux.syscall;

/** A counter of the kernel that one side signals and the other waits for. */
public final class EventFd implements AutoCloseable {

  private final Fd fd;

  /** Creates one that is not signalled. */
  public EventFd() throws KernelError {
    this.fd = new Fd(KernelError.check("eventfd", Fd.eventfd()));
  }

  public Fd fd() {
    return fd;
  }

  /** Signals; whoever polls wakes. */
  public void signal() {
    Argument one = new Argument(Long.BYTES).putLong(0, 1);
    fd.write(one.address(), Long.BYTES);
    one.keep();
  }

  /** Takes all signals; returns how many there were, 0 if none. */
  public long take() {
    Argument count = new Argument(Long.BYTES);
    long read = fd.read(count.address(), Long.BYTES);
    return read == Long.BYTES ? count.getLong(0) : 0;
  }

  @Override
  public void close() {
    fd.close();
  }
}
