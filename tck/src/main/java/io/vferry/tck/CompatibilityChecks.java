package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;
import static io.vferry.tck.Role.FOREIGN;
import static io.vferry.tck.Role.NEWER;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Whether a destination fits, found out early. */
final class CompatibilityChecks {

  private static final int MAX_ENTRIES = 64;
  private static final int MAX_CHARACTERS = 256;

  private CompatibilityChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.COMPATIBILITY,
            "description",
            "A device describes itself in each state alike, within the limits of the interface.",
            CompatibilityChecks::description,
            Need.COMPATIBILITY),
        Check.of(
            Chapter.COMPATIBILITY,
            "accepts-its-like",
            "A device of the same kind is no difference.",
            facts -> compare(facts, SOURCE, false),
            Need.COMPATIBILITY),
        Check.of(
            Chapter.COMPATIBILITY,
            "names-the-difference",
            "A device of another kind is a difference, before anything moves.",
            facts -> compare(facts, FOREIGN, true),
            Need.COMPATIBILITY,
            Need.FOREIGN),
        Check.of(
            Chapter.COMPATIBILITY,
            "names-what-is-newer",
            "A newer device is a difference, before anything moves.",
            facts -> compare(facts, NEWER, true),
            Need.COMPATIBILITY,
            Need.OWN_FORMAT,
            Need.NEWER),
        Check.of(
            Chapter.COMPATIBILITY,
            "doubts-rubbish",
            "A description that makes no sense is a difference or DATA_CORRUPT, never a match.",
            CompatibilityChecks::rubbish,
            Need.COMPATIBILITY),
        Check.of(
            Chapter.COMPATIBILITY,
            "found-in-precopy",
            "That a destination cannot take the state is found in the data of the pre-copy, before"
                + " the source stops.",
            CompatibilityChecks::foundInPrecopy,
            Need.PRE_COPY,
            Need.FOREIGN));
  }

  private static Map<String, String> describe(Party party) throws MigrationException, Violation {
    Compatibility compatibility = party.capability(Compatibility.class).orElseThrow();
    return Party.call("describe", compatibility::describe);
  }

  private static List<Script> description(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      scripts.add(
          new Plot(facts)
              .open(SOURCE)
              .step(
                  "source: describe the device",
                  scene -> {
                    Map<String, String> entries = describe(scene.party(SOURCE));
                    check(entries);
                    scene.note("description", entries);
                  })
              .go(SOURCE, state)
              .step(
                  "source: describe the device again",
                  scene -> {
                    Map<String, String> entries = describe(scene.party(SOURCE));
                    Map<?, ?> before = scene.noted("description", Map.class).orElse(entries);
                    if (!before.equals(entries)) {
                      throw new Violation(
                          "description-changed",
                          "describe() says %s, but said %s before".formatted(entries, before));
                    }
                  })
              .script());
    }
    return scripts;
  }

  private static void check(Map<String, String> entries) throws Violation {
    if (entries.isEmpty() || entries.size() > MAX_ENTRIES) {
      throw new Violation(
          "description-size", "describe() gives %d entries".formatted(entries.size()));
    }
    for (Map.Entry<String, String> entry : entries.entrySet()) {
      if (!entry.getKey().matches("[a-z][a-z0-9]*(-[a-z0-9]+)*")) {
        throw new Violation("description-key", "'" + entry.getKey() + "' is not in kebab case");
      }
      if (entry.getKey().length() > MAX_CHARACTERS || entry.getValue().length() > MAX_CHARACTERS) {
        throw new Violation("description-length", "entry '" + entry.getKey() + "' is too long");
      }
    }
  }

  private static List<Script> compare(Facts facts, Role other, boolean different) {
    return List.of(
        new Plot(facts)
            .open(other)
            .step(
                other.text() + ": describe the device",
                scene -> scene.note("description", describe(scene.party(other))))
            .step(
                Step.of(
                        "destination: compare itself with the description of the " + other.text(),
                        scene -> {
                          Map<String, String> theirs = Map.copyOf(noted(scene));
                          Compatibility own =
                              scene
                                  .party(DESTINATION)
                                  .capability(Compatibility.class)
                                  .orElseThrow();
                          List<Compatibility.Difference> differences =
                              Party.call("compare", () -> own.compare(theirs));
                          if (differences.isEmpty() == different) {
                            throw new Violation(
                                "verdict",
                                different
                                    ? "compare found no difference to " + theirs
                                    : "compare found a difference to a device of the same kind: "
                                        + differences);
                          }
                        })
                    .onlyIf(scene -> scene.noted("description", Map.class).isPresent()))
            .script());
  }

  private static Map<String, String> noted(Scene scene) {
    Map<String, String> copy = new java.util.HashMap<>();
    Map<?, ?> noted = scene.noted("description", Map.class).orElse(Map.of());
    noted.forEach((key, value) -> copy.put("" + key, "" + value));
    return copy;
  }

  private static List<Script> rubbish(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    List<Map<String, String>> descriptions =
        List.of(
            Map.of(), Map.of("kit", "rubbish"), Map.of("", "\n"), Map.of("kit", "9".repeat(400)));
    for (Map<String, String> rubbish : descriptions) {
      scripts.add(
          new Plot(facts)
              .open(DESTINATION)
              .step(
                  "destination: compare itself with a description of %d entries that make no sense"
                      .formatted(rubbish.size()),
                  scene -> doubts(scene.party(DESTINATION), rubbish))
              .script());
    }
    scripts.add(
        new Plot(facts)
            .open(DESTINATION)
            .step(
                "destination: compare itself with its own description, each value of which is"
                    + " spoiled in turn",
                scene -> {
                  Party party = scene.party(DESTINATION);
                  Map<String, String> own = describe(party);
                  for (String key : own.keySet()) {
                    Map<String, String> spoiled = new java.util.HashMap<>(own);
                    spoiled.put(key, "\u0000 no such value");
                    doubts(party, spoiled);
                  }
                })
            .script());
    return scripts;
  }

  private static void doubts(Party party, Map<String, String> rubbish)
      throws MigrationException, Violation {
    Compatibility own = party.capability(Compatibility.class).orElseThrow();
    List<Compatibility.Difference> differences;
    try {
      differences = Party.call("compare", () -> own.compare(rubbish));
    } catch (MigrationException e) {
      Plot.checkCode("compare", e, List.of(DeviceError.DATA_CORRUPT), "rubbish-code");
      return;
    }
    if (differences.isEmpty()) {
      throw new Violation("rubbish", "compare took " + rubbish + " for the same device");
    }
  }

  private static List<Script> foundInPrecopy(Facts facts) {
    return List.of(
        Plot.at(facts, FOREIGN, DeviceState.PRE_COPY)
            .step(
                Step.of(
                        "foreign: read what there is in pre-copy",
                        scene -> {
                          Party party = scene.party(FOREIGN);
                          Plot.drain(party, Plot.PIECE_BYTES);
                          scene.image(party.recording());
                        })
                    .onlyIf(scene -> scene.saving(FOREIGN)))
            .go(DESTINATION, DeviceState.RESUMING)
            .step(
                Step.of(
                        "destination: write it",
                        scene -> {
                          LoadStream stream = scene.party(DESTINATION).loading();
                          byte[] precopied = Arrays.copyOf(scene.image(), scene.image().length);
                          Optional<MigrationException> failure =
                              Plot.failure("write", () -> stream.write(ByteBuffer.wrap(precopied)));
                          if (failure.isEmpty()) {
                            throw new Violation(
                                "found-late",
                                "all %d bytes that a foreign device gave in pre-copy were taken"
                                    .formatted(precopied.length));
                          }
                        })
                    .onlyIf(scene -> scene.loading(DESTINATION) && scene.hasImage()))
            .script());
  }
}
