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

  private final Interrupts.Listener listener;

  /** Wakes the thread: to end, or to say how far it is. */
  private final EventFd wake;

  private final List<EventFd> vectors;
  private final Thread thread;

  private boolean ending;

  /** How often somebody has asked to be told how far the thread is. */
  private long asked;

  /** Up to which of these the thread has told the listener; only the thread changes it. */
  private long reached;

  private InterruptLoop(
      String name, EventFd wake, List<EventFd> vectors, Interrupts.Listener listener) {
    this.listener = listener;
    this.wake = wake;
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
    wake.close();
    vectors.forEach(EventFd::close);
  }

  /**
   * Waits until the listener has been told of all that was signalled before; of nothing if the
   * caller is the listener, which would wait for itself.
   *
   * @throws InterruptedException if the thread is interrupted; the listener is told all the same
   */
  synchronized void settle() throws InterruptedException {
    if (Thread.currentThread() == thread) {
      return;
    }
    asked++;
    long mine = asked;
    wake.signal();
    while (reached < mine && !ending) {
      wait();
    }
  }

  /** Says up to where the listener has been told; returns whether that was all. */
  private synchronized boolean passed(long round) {
    reached = Math.max(reached, round);
    notifyAll();
    return ending;
  }

  private synchronized long round() {
    return asked;
  }

  private synchronized void end() {
    ending = true;
    notifyAll();
  }

  /**
   * Ends the thread. When this returns the listener is not called any more, unless the caller is
   * the listener.
   */
  void stop() {
    end();
    wake.signal();
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
    Argument pollfds = new Argument(files * Fd.POLLFD_BYTES);
    // The thread alone closes these files, so their numbers stay valid while it polls.
    for (int i = 0; i < files; i++) {
      int number = (i == 0 ? wake : vectors.get(i - 1)).fd().claim();
      pollfds
          .putInt(i * Fd.POLLFD_BYTES, number)
          .putShort(i * Fd.POLLFD_BYTES + Fd.POLLFD_EVENTS, Libc.POLLIN);
    }
    try {
      while (true) {
        // Signals that came before a round was asked for are seen by a poll that begins later.
        long round = round();
        int ready = Fd.poll(pollfds, files, round > reached ? 0 : -1);
        if (ready < 0 && ready != -Errno.EINTR) {
          LOG.log(System.Logger.Level.ERROR, "poll failed: {0}", Errno.text(-ready));
          return;
        }
        if (ready < 0) {
          continue;
        }
        boolean woken = pollfds.getShort(Fd.POLLFD_REVENTS) != 0 && wake.take() > 0;
        for (int i = 1; i < files; i++) {
          if (pollfds.getShort(i * Fd.POLLFD_BYTES + Fd.POLLFD_REVENTS) != 0
              && vectors.get(i - 1).take() > 0) {
            tell(i - 1);
          }
        }
        if (passed(round) && woken) {
          return;
        }
      }
    } finally {
      end();
      wake.fd().release();
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
