package io.vferry.runtime;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayDeque;
import java.util.Deque;

/** What has to be closed, the last first, whatever fails. Any thread. */
final class Closings {

  /** Something to be closed. */
  @FunctionalInterface
  interface Closing {
    void close() throws MigrationException;
  }

  private final Deque<Closing> closings = new ArrayDeque<>();

  synchronized void add(Closing closing) {
    closings.push(closing);
  }

  /** Closes all of it; a failure is logged. */
  synchronized void closeAll() {
    while (!closings.isEmpty()) {
      try {
        closings.pop().close();
      } catch (MigrationException e) {
        System.getLogger(Vferry.class.getName())
            .log(System.Logger.Level.WARNING, e.getMessage(), e);
      }
    }
  }
}
