package io.vferry.compat.v1;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.MigrationException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What an access gives: 0, or the error number it fails with. */
final class Errnos {

  private Errnos() {}

  static int of(ThrowingCallable access) {
    MigrationException failure = catchThrowableOfType(MigrationException.class, access);
    return failure == null ? 0 : failure.errno().orElseThrow();
  }
}
