package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.spi.host.Interrupts;
import java.util.ArrayList;
import java.util.List;

/** The thread that waits for the interrupts of one kind of one device and tells the listener. */
final class InterruptLoop {

  private static final System.Logger LOG = System.getLogger(InterruptLoop.class.getName());
  private static final int POLLFD_BYTES = 8;
  private static final int POLLFD_EVENTS = 4;
  private static final int POLLFD_REVENTS = 6;

  private final Interrupts.Listener listener;
  private final EventFd stop;
  private final List<EventFd> vectors;
  private final Thread thread;

  private InterruptLoop(
      String name, EventFd stop, List<EventFd> vectors, Interrupts.Listener listener) {
    this.listener = listener;
    this.stop = stop;
    this.vectors = List.copyOf(vectors);
    this.thread = new Thread(this::run, name);
    this.thread.setDaemon(true);
  }

  /**
   * Creates the counters of all vectors; {@link #start} starts the thread, {@link #stop} frees all.
   *
   * @param name of the thread
   */
  static InterruptLoop create(String name, int count, Interrupts.Listener listener)
      throws KernelError {
    List<EventFd> created = new ArrayList<>();
    try {
      for (int i = 0; i <= count; i++) {
        created.add(new EventFd());
      }
    } catch (KernelError e) {
      created.forEach(EventFd::close);
      throw e;
    }
    return new InterruptLoop(name, created.get(0), created.subList(1, created.size()), listener);
  }

  /** Returns the counters, by vector. */
  List<EventFd> vectors() {
    return vectors;
  }

  void start() {
    thread.start();
  }

  /** Frees what {@link #create} took, if the thread was never started. */
  void discard() {
    stop.close();
    vectors.forEach(EventFd::close);
  }

  /**
   * Ends the thread. When this returns the listener is not called any more, unless the caller is
   * the listener.
   */
  void stop() {
    stop.signal();
    if (Thread.currentThread() == thread) {
      return;
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    int files = vectors.size() + 1;
    Argument pollfds = new Argument(files * POLLFD_BYTES);
    // The thread alone closes these files, so their numbers stay valid while it polls.
    for (int i = 0; i < files; i++) {
      int number = (i == 0 ? stop : vectors.get(i - 1)).fd().claim();
      pollfds
          .putInt(i * POLLFD_BYTES, number)
          .putShort(i * POLLFD_BYTES + POLLFD_EVENTS, Libc.POLLIN);
    }
    try {
      while (true) {
        int ready = Fd.poll(pollfds, files);
        if (ready < 0 && ready != -Errno.EINTR) {
          LOG.log(System.Logger.Level.ERROR, "poll failed: {0}", Errno.text(-ready));
          return;
        }
        for (int i = 0; i < files; i++) {
          if (pollfds.getShort(i * POLLFD_BYTES + POLLFD_REVENTS) == 0) {
            continue;
          }
          if (i == 0) {
            return;
          }
          if (vectors.get(i - 1).take() > 0) {
            tell(i - 1);
          }
        }
      }
    } finally {
      stop.fd().release();
      vectors.forEach(vector -> vector.fd().release());
      discard();
    }
  }

  /** A listener that throws must not silence the interrupts that follow. */
  private void tell(int vector) {
    try {
      listener.signalled(vector);
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "an interrupt listener threw on vector " + vector, e);
    }
  }
}
