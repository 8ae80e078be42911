package io.vferry.cli.manifest;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** A mapping of the manifest whose keys are known beforehand. */
final class Fields {

  private final String owner;
  private final YamlNode.Mapping mapping;

  private Fields(String owner, YamlNode.Mapping mapping) {
    this.owner = owner;
    this.mapping = mapping;
  }

  /**
   * Takes a node that must be a mapping with no other keys.
   *
   * @param owner what it describes, for messages
   */
  static Fields of(YamlNode node, String owner, List<String> known) throws ManifestException {
    if (!(node instanceof YamlNode.Mapping mapping)) {
      throw new ManifestException(
          node.place(), owner + " must be a mapping (key: value), not " + node.kind());
    }
    for (Map.Entry<String, YamlNode.Entry> entry : mapping.entries().entrySet()) {
      if (!known.contains(entry.getKey())) {
        throw new ManifestException(
            entry.getValue().keyPlace(),
            "unknown key '%s' in %s; %s"
                .formatted(entry.getKey(), owner, Spelling.hint(entry.getKey(), known)));
      }
    }
    return new Fields(owner, mapping);
  }

  Place place() {
    return mapping.place();
  }

  Iterable<Map.Entry<String, YamlNode.Entry>> entries() {
    return mapping.entries().entrySet();
  }

  Optional<YamlNode> node(String key) {
    return Optional.ofNullable(mapping.entries().get(key)).map(YamlNode.Entry::value);
  }

  YamlNode required(String key) throws ManifestException {
    YamlNode.Entry entry = mapping.entries().get(key);
    if (entry == null) {
      throw new ManifestException(mapping.place(), owner + " has no '" + key + "'");
    }
    return entry.value();
  }

  Place placeOf(String key) {
    return node(key).map(YamlNode::place).orElse(mapping.place());
  }

  Optional<String> text(String key) throws ManifestException {
    Optional<YamlNode> node = node(key);
    return node.isEmpty() ? Optional.empty() : Optional.of(text(key, node.get()));
  }

  /** Takes a text and turns it into something; a complaint about it gets the text's place. */
  <T> Optional<T> convert(String key, Function<String, T> conversion) throws ManifestException {
    Optional<String> text = text(key);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(conversion.apply(text.get()));
    } catch (IllegalArgumentException e) {
      throw new ManifestException(placeOf(key), key + ": " + e.getMessage());
    }
  }

  static String text(String key, YamlNode node) throws ManifestException {
    if (!(node instanceof YamlNode.Scalar scalar) || scalar.isNothing()) {
      throw new ManifestException(
          node.place(), "'" + key + "' must be one value, not " + node.kind());
    }
    return scalar.text();
  }

  static List<YamlNode> list(String key, YamlNode node) throws ManifestException {
    if (!(node instanceof YamlNode.Sequence sequence)) {
      throw new ManifestException(node.place(), "'" + key + "' must be a list, not " + node.kind());
    }
    return new ArrayList<>(sequence.items());
  }
}
