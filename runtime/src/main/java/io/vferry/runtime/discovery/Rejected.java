package io.vferry.runtime.discovery;

import java.util.Optional;

/**
 * Something that looked like a service and cannot be used. It never keeps others from being used.
 *
 * @param name what it calls itself, as far as that became known: an id, else its class, else its
 *     file
 * @param location the jar, directory or module in which it was found, for people
 * @param reason one sentence: why it cannot be used, and what to do
 * @param cause what was thrown, if something was
 */
public record Rejected(String name, String location, String reason, Optional<Throwable> cause) {

  /** Returns the whole story on one line. */
  @Override
  public String toString() {
    return name + " (" + location + "): " + reason;
  }
}
