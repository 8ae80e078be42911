package io.vferry.cli.manifest;

import java.util.List;
import java.util.Map;

/** A piece of a YAML document and the place where it begins. */
sealed interface YamlNode {

  Place place();

  /** What it is, for messages. */
  String kind();

  /**
   * Text or a number; the schema decides.
   *
   * @param plain whether it stands without quotes
   */
  record Scalar(Place place, String text, boolean plain) implements YamlNode {
    @Override
    public String kind() {
      if (!plain) {
        return "the text \"" + text + "\"";
      }
      return text.isEmpty() || text.equals("null") || text.equals("~")
          ? "nothing"
          : "'" + text + "'";
    }

    boolean isNothing() {
      return plain && (text.isEmpty() || text.equals("null") || text.equals("~"));
    }
  }

  /** A list. */
  record Sequence(Place place, List<YamlNode> items) implements YamlNode {
    @Override
    public String kind() {
      return "a list";
    }
  }

  /** A mapping; in the order written. */
  record Mapping(Place place, Map<String, Entry> entries) implements YamlNode {
    @Override
    public String kind() {
      return "a mapping";
    }
  }

  /** An entry of a mapping; {@code keyPlace} is where the key stands. */
  record Entry(Place keyPlace, YamlNode value) {}
}
