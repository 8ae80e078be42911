package io.vferry.runtime.discovery;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * Stands around each call of a service. While the call runs, the thread's context class loader is
 * the service's own, because libraries look for their parts there. What the service throws against
 * the rules, and null, becomes {@code DRIVER_BROKEN} naming the service and its jar. Failures of
 * the virtual machine itself (no memory, internal errors) pass.
 */
final class Fence {

  /** A call of a service. */
  @FunctionalInterface
  interface Call<T> {
    @Nullable T run() throws MigrationException;
  }

  /** A call of a service that gives nothing. */
  @FunctionalInterface
  interface Action {
    void run() throws MigrationException;
  }

  private static final System.Logger LOG = System.getLogger(Fence.class.getName());

  private final String who;
  private final @Nullable ClassLoader loader;

  /**
   * Creates a fence.
   *
   * @param who the service as messages name it, with its jar
   * @param loader of the service's classes
   */
  Fence(String who, @Nullable ClassLoader loader) {
    this.who = who;
    this.loader = loader;
  }

  /** Returns the service as messages name it. */
  String who() {
    return who;
  }

  /** Calls; {@code what} names the method for messages. */
  <T> T call(String what, Call<T> call) throws MigrationException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    try {
      T result = call.run();
      if (result == null) {
        throw broken(what + " returned null");
      }
      return result;
    } catch (MigrationException ruled) {
      throw ruled;
    } catch (Throwable unruled) {
      throw broken(what, unruled);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Calls something that gives nothing. */
  void run(String what, Action action) throws MigrationException {
    call(
        what,
        () -> {
          action.run();
          return this;
        });
  }

  /** Calls something that has no way to fail; a failure goes to the log. */
  void runQuietly(String what, Action action) {
    try {
      run(what, action);
    } catch (MigrationException failure) {
      LOG.log(Level.WARNING, failure.getMessage());
    }
  }

  /** Returns the exception for a broken rule. */
  MigrationException broken(String deed) {
    return new MigrationException(DeviceError.DRIVER_BROKEN, who + " broke the rules: " + deed);
  }

  private MigrationException broken(String what, Throwable thrown) {
    if (thrown instanceof VirtualMachineError fatal && !(thrown instanceof StackOverflowError)) {
      throw fatal;
    }
    if (thrown instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    return new MigrationException(
        DeviceError.DRIVER_BROKEN,
        who + " broke the rules: " + what + " threw " + Thrown.describe(thrown),
        thrown);
  }
}
