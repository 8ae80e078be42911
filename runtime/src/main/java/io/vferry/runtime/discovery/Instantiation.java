package io.vferry.runtime.discovery;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** Creates instances of services, whatever their constructors do. */
final class Instantiation {

  private Instantiation() {}

  static <T> T create(Kind<T> kind, ServiceLoader.Provider<T> provider) throws MigrationException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(provider.type().getClassLoader());
    try {
      return provider.get();
    } catch (Throwable raw) {
      if (raw instanceof VirtualMachineError fatal && !(raw instanceof StackOverflowError)) {
        throw fatal;
      }
      // The service loader wraps the exceptions that a constructor throws, and lets errors pass.
      Throwable cause = raw.getCause();
      Throwable thrown = raw instanceof ServiceConfigurationError && cause != null ? cause : raw;
      throw refusal(
          "the constructor of this %s failed: %s".formatted(kind.noun(), Linkage.explain(thrown)),
          thrown);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Returns the exception that says why something found cannot be used. */
  static MigrationException refusal(String reason) {
    return new MigrationException(DeviceError.DRIVER_BROKEN, reason);
  }

  /** Returns the exception that says why something found cannot be used, with its cause. */
  static MigrationException refusal(String reason, Throwable cause) {
    return new MigrationException(DeviceError.DRIVER_BROKEN, reason, cause);
  }
}
