package io.vferry.runtime.discovery;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Map;

/** Compatibility behind a fence, which also keeps the description within its promised bounds. */
record FencedCompatibility(Fence fence, Compatibility inner) implements Compatibility {

  private static final int MOST_ENTRIES = 64;
  private static final int LONGEST_TEXT = 256;

  @Override
  public Map<String, String> describe() throws MigrationException {
    Map<String, String> description = fence.call("describe", () -> Map.copyOf(inner.describe()));
    if (description.size() > MOST_ENTRIES) {
      throw fence.broken("describe gave " + description.size() + " entries");
    }
    for (Map.Entry<String, String> entry : description.entrySet()) {
      if (entry.getKey().length() > LONGEST_TEXT || entry.getValue().length() > LONGEST_TEXT) {
        throw fence.broken("describe gave an entry of more than " + LONGEST_TEXT + " characters");
      }
    }
    return description;
  }

  @Override
  public List<Difference> compare(Map<String, String> source) throws MigrationException {
    return fence.call("compare", () -> List.copyOf(inner.compare(source)));
  }
}
