package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Map;

/**
 * Optional feature: finds out before anything moves whether a destination device can take the state
 * of a source device. Works in each state; one thread at a time.
 */
public interface Compatibility {

  /**
   * A difference that forbids the move.
   *
   * @param key what differs
   * @param source its value on the source
   * @param destination its value here
   */
  record Difference(String key, String source, String destination) {}

  /**
   * Describes this device as a source.
   *
   * @return by name in kebab case, at most 64 entries of at most 256 characters each
   * @throws MigrationException {@code IO_FAILED} if the device could not be asked
   */
  Map<String, String> describe() throws MigrationException;

  /**
   * Judges whether this device can be the destination.
   *
   * @param source what the source's device described; untrusted
   * @return what is in the way; empty if nothing
   * @throws MigrationException {@code DATA_CORRUPT} if the description makes no sense, {@code
   *     IO_FAILED} if this device could not be asked
   */
  List<Difference> compare(Map<String, String> source) throws MigrationException;
}
