package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Map;

/**
 * Optional feature: finds out before anything moves whether a destination device can take the state
 * of a source device.
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
   */
  Map<String, String> describe() throws MigrationException;

  /**
   * Judges whether this device can be the destination.
   *
   * @param source what the source's device described; untrusted
   * @return what is in the way; empty if nothing
   */
  List<Difference> compare(Map<String, String> source) throws MigrationException;
}
