package io.vferry.host.linux.testbed;

import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Runs checks one after the other and prints what came out: the test framework for a place where a
 * class costs milliseconds to load.
 */
final class Checks {

  /** What a check does. */
  @FunctionalInterface
  interface Body {
    void run() throws Exception;
  }

  /** A call that shall fail. */
  @FunctionalInterface
  interface Failing {
    void run() throws MigrationException;
  }

  private int failed;

  /** Runs one check. */
  void check(String name, Body body) {
    try {
      body.run();
      System.out.println("ok    " + name);
    } catch (Exception | AssertionError e) {
      failed++;
      System.out.println("FAIL  " + name);
      e.printStackTrace(System.out);
    }
  }

  /** Returns how many failed. */
  int failed() {
    return failed;
  }

  static void equal(@Nullable Object expected, @Nullable Object actual, String what) {
    if (!Objects.equals(expected, actual)) {
      throw new AssertionError(what + ": expected " + expected + " but was " + actual);
    }
  }

  static void that(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  /** Runs what must fail with a code, and returns the failure. */
  static MigrationException fails(ErrorCode code, Failing call) {
    try {
      call.run();
    } catch (MigrationException e) {
      if (!e.code().equals(code)) {
        throw new AssertionError("expected " + code.name() + " but was " + e.getMessage(), e);
      }
      return e;
    }
    throw new AssertionError("expected " + code.name() + " but nothing failed");
  }
}
