package io.vferry.cli.manifest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * Reads a YAML file into nodes that know their places.
 *
 * <p>Takes the parser's events one by one, so that size, depth and number of aliases are limited
 * while reading. An alias gives the same node again; nothing is ever multiplied out.
 */
final class YamlReader {

  static final int MAX_BYTES = 1 << 20;
  static final int MAX_DEPTH = 16;
  static final int MAX_ALIASES = 100;

  private static final Set<String> PLAIN_TAGS =
      Set.of("!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq");

  private final String file;
  private final Map<Anchor, YamlNode> anchors = new HashMap<>();
  private int aliases;

  private YamlReader(String file) {
    this.file = file;
  }

  /** Reads a file that holds one document. */
  static YamlNode read(Path path) throws ManifestException {
    String file = path.toString();
    return new YamlReader(file).document(decode(file, bytes(path, file)));
  }

  private static byte[] bytes(Path path, String file) throws ManifestException {
    Place whole = Place.whole(file);
    if (Files.isDirectory(path)) {
      throw new ManifestException(whole, "is a directory; name the manifest inside it");
    }
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new ManifestException(
            whole, "is longer than 1 MiB, which is the most that a manifest may have");
      }
      return bytes;
    } catch (NoSuchFileException e) {
      throw new ManifestException(whole, "there is no such file");
    } catch (AccessDeniedException e) {
      throw new ManifestException(whole, "cannot be read: permission denied");
    } catch (IOException e) {
      throw new ManifestException(whole, "cannot be read: " + reason(e));
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private static String decode(String file, byte[] bytes) throws ManifestException {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
    String text = out.flip().toString();
    if (result.isError()) {
      throw new ManifestException(
          placeAtEndOf(file, text),
          "the file is no text: byte 0x%02x at offset %d is not UTF-8"
              .formatted(bytes[in.position()] & 0xff, in.position()));
    }
    return text;
  }

  private static Place placeAtEndOf(String file, String text) {
    int line = 1 + (int) text.chars().filter(c -> c == '\n').count();
    int column = text.length() - text.lastIndexOf('\n');
    return new Place(file, line, column);
  }

  private YamlNode document(String text) throws ManifestException {
    try {
      LoadSettings settings = LoadSettings.builder().setLabel(file).build();
      Iterator<Event> events = new ParserImpl(settings, new StreamReader(settings, text));
      events.next(); // stream start
      if (events.next().getEventId() == Event.ID.StreamEnd) {
        throw new ManifestException(
            Place.whole(file), "is empty; a manifest has 'vm' and 'devices'");
      }
      YamlNode root = node(events, events.next(), 1);
      events.next(); // document end
      Event after = events.next();
      if (after.getEventId() != Event.ID.StreamEnd) {
        throw new ManifestException(
            place(after), "a second document begins here; a manifest is one document");
      }
      return root;
    } catch (MarkedYamlEngineException e) {
      Optional<Mark> mark = e.getProblemMark().or(e::getContextMark);
      throw new ManifestException(
          mark.map(this::place).orElse(Place.whole(file)),
          "this is no YAML: " + (e.getProblem() == null ? e.getContext() : e.getProblem()));
    } catch (ReaderException e) {
      throw new ManifestException(
          placeAtEndOf(file, text.substring(0, text.offsetByCodePoints(0, e.getPosition()))),
          "the file is no text: it holds the control character 0x%02x".formatted(e.getCodePoint()));
    } catch (YamlEngineException e) {
      throw new ManifestException(Place.whole(file), "this is no YAML: " + e.getMessage());
    }
  }

  private YamlNode node(Iterator<Event> events, Event first, int depth) throws ManifestException {
    Place place = place(first);
    if (depth > MAX_DEPTH) {
      throw new ManifestException(
          place, "nested " + depth + " levels deep; a manifest has at most " + MAX_DEPTH);
    }
    if (first instanceof AliasEvent alias) {
      return alias(alias, place);
    }
    if (first instanceof ScalarEvent scalar) {
      checkTag(scalar.getTag(), place);
      YamlNode node = new YamlNode.Scalar(place, scalar.getValue(), scalar.isPlain());
      scalar.getAnchor().ifPresent(anchor -> anchors.put(anchor, node));
      return node;
    }
    CollectionStartEvent start = (CollectionStartEvent) first;
    checkTag(start.getTag(), place);
    YamlNode node =
        start.getEventId() == Event.ID.SequenceStart
            ? sequence(events, place, depth)
            : mapping(events, place, depth);
    // Only now: an alias inside its own anchor would make a loop.
    start.getAnchor().ifPresent(anchor -> anchors.put(anchor, node));
    return node;
  }

  private YamlNode alias(AliasEvent alias, Place place) throws ManifestException {
    if (++aliases > MAX_ALIASES) {
      throw new ManifestException(place, "more than " + MAX_ALIASES + " aliases in one manifest");
    }
    YamlNode target = anchors.get(alias.getAlias());
    if (target == null) {
      throw new ManifestException(
          place, "there is no anchor '&" + alias.getAlias().getValue() + "' before this alias");
    }
    return target;
  }

  private YamlNode sequence(Iterator<Event> events, Place place, int depth)
      throws ManifestException {
    List<YamlNode> items = new ArrayList<>();
    for (Event e = events.next(); e.getEventId() != Event.ID.SequenceEnd; e = events.next()) {
      items.add(node(events, e, depth + 1));
    }
    return new YamlNode.Sequence(place, Collections.unmodifiableList(items));
  }

  private YamlNode mapping(Iterator<Event> events, Place place, int depth)
      throws ManifestException {
    Map<String, YamlNode.Entry> entries = new LinkedHashMap<>();
    for (Event e = events.next(); e.getEventId() != Event.ID.MappingEnd; e = events.next()) {
      Place keyPlace = place(e);
      if (!(node(events, e, depth + 1) instanceof YamlNode.Scalar key)) {
        throw new ManifestException(keyPlace, "a key must be a word");
      }
      YamlNode value = node(events, events.next(), depth + 1);
      YamlNode.Entry twin = entries.put(key.text(), new YamlNode.Entry(keyPlace, value));
      if (twin != null) {
        throw new ManifestException(
            keyPlace,
            "key '"
                + key.text()
                + "' is here twice; the first is on line "
                + twin.keyPlace().line());
      }
    }
    return new YamlNode.Mapping(place, Collections.unmodifiableMap(entries));
  }

  private static void checkTag(Optional<String> tag, Place place) throws ManifestException {
    if (tag.isPresent() && !PLAIN_TAGS.contains(tag.get())) {
      throw new ManifestException(
          place, "tag '" + tag.get() + "' has no meaning in a manifest; remove it");
    }
  }

  private Place place(Event event) {
    return event.getStartMark().map(this::place).orElse(Place.whole(file));
  }

  private Place place(Mark mark) {
    return new Place(file, mark.getLine() + 1, mark.getColumn() + 1);
  }
}
