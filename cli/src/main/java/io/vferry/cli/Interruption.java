package io.vferry.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Turns Ctrl-C and SIGTERM into a request that a command can meet in its own time.
 *
 * <p>The JVM answers these signals by running shutdown hooks while all threads go on; the hook here
 * passes the request on and holds the process until the command has ended by itself. Any thread.
 */
final class Interruption {

  private static final long PATIENCE_SECONDS = 60;

  private final CountDownLatch ended = new CountDownLatch(1);
  private @Nullable Runnable action;
  private boolean requested;
  private boolean hooked;
  private int exitCode = ExitCode.CANCELLED.number();

  /**
   * Says what a request means from now on. If there was one already, it is met at once.
   *
   * @param meaning must return soon
   */
  void means(Runnable meaning) {
    synchronized (this) {
      action = meaning;
      if (!hooked) {
        hooked = true;
        Runtime.getRuntime().addShutdownHook(new Thread(this::hold, "vferry-interruption"));
      }
      if (!requested) {
        return;
      }
    }
    meaning.run();
  }

  synchronized boolean requested() {
    return requested;
  }

  /** Says that the command has ended and everything is printed. */
  synchronized void ended(int code) {
    exitCode = code;
    ended.countDown();
  }

  private void hold() {
    if (ended.getCount() == 0) {
      return;
    }
    Runnable meaning;
    synchronized (this) {
      requested = true;
      meaning = action;
    }
    if (meaning != null) {
      meaning.run();
    }
    try {
      if (!ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        Runtime.getRuntime().halt(ExitCode.ATTENTION.number());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (this) {
      Runtime.getRuntime().halt(exitCode);
    }
  }
}
