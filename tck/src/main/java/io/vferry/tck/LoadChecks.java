package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** Data that must not be loaded. */
final class LoadChecks {

  static final List<DeviceError> REFUSALS =
      List.of(DeviceError.DATA_CORRUPT, DeviceError.DATA_INCOMPATIBLE, DeviceError.DATA_TOO_LONG);
  private static final int CUTS = 40;
  private static final int FLIPS = 64;
  private static final int FIELDS = 24;

  private LoadChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.LOAD,
            "truncated",
            "A stream that was cut off anywhere is refused when RESUMING is left, at the latest.",
            LoadChecks::truncated),
        Check.of(
            Chapter.LOAD,
            "too-long",
            "A stream with bytes after its end is refused.",
            facts ->
                refused(facts, "a whole stream and one byte more", LoadChecks::withTrailingByte)),
        Check.of(
            Chapter.LOAD,
            "repeated",
            "A stream that comes twice, or of which a part comes twice, is refused.",
            LoadChecks::repeated),
        Check.of(
            Chapter.LOAD,
            "reordered",
            "A stream whose parts come in another order is refused.",
            LoadChecks::reordered,
            Need.CHECKSUM,
            Need.OWN_FORMAT),
        Check.of(
            Chapter.LOAD,
            "bit-flips",
            "A stream in which one bit changed is refused.",
            LoadChecks::flips,
            Need.CHECKSUM,
            Need.OWN_FORMAT),
        Check.of(
            Chapter.LOAD,
            "rubbish",
            "Bytes that no driver wrote are refused.",
            LoadChecks::rubbish),
        Check.of(
            Chapter.LOAD,
            "foreign",
            "The stream of a device of another kind is refused with DATA_INCOMPATIBLE or"
                + " DATA_CORRUPT.",
            facts -> refused(facts, "a foreign stream", whole -> facts.foreignImage().get()),
            Need.FOREIGN),
        Check.of(
            Chapter.LOAD,
            "newer",
            "The stream of a device that is newer than this one is refused with DATA_INCOMPATIBLE"
                + " or DATA_CORRUPT.",
            facts -> refused(facts, "a newer stream", whole -> facts.newerImage().get()),
            Need.NEWER),
        Check.of(
            Chapter.LOAD,
            "earlier",
            "A stream that an earlier version wrote is still taken.",
            LoadChecks::earlier,
            Need.EARLIER),
        Check.of(
            Chapter.LOAD,
            "refusal-stays",
            "After a write was refused, each further write and leaving RESUMING fail.",
            LoadChecks::stays),
        Check.of(
            Chapter.LOAD,
            "works-after-refusal",
            "After refused data and a reset the device loads a whole stream.",
            LoadChecks::worksAfter),
        Check.of(
            Chapter.LOAD,
            "second-load-is-checked",
            "A second load on the same open device is checked as the first one was.",
            LoadChecks::secondLoad));
  }

  /** Makes bad data of good ones. */
  private interface Spoiler {
    byte[] spoil(byte[] whole) throws Violation;
  }

  private static List<Script> refused(Facts facts, String text, Spoiler spoiler) {
    return List.of(script(facts, text, spoiler));
  }

  private static Script script(Facts facts, String text, Spoiler spoiler) {
    return Plot.at(facts, DESTINATION, DeviceState.RESUMING)
        .in(
            DESTINATION,
            DeviceState.RESUMING,
            "destination: write " + text + " and leave RESUMING",
            scene -> {
              byte[] whole = facts.image().get();
              mustRefuse(scene.party(DESTINATION), spoiler.spoil(whole), text);
            })
        .script();
  }

  private static void mustRefuse(Party party, byte[] bad, String text)
      throws MigrationException, Violation {
    LoadStream stream = party.loading();
    party.touched();
    for (int offset = 0; offset < bad.length; offset += Plot.PIECE_BYTES) {
      ByteBuffer piece =
          ByteBuffer.wrap(bad, offset, Math.min(Plot.PIECE_BYTES, bad.length - offset));
      Optional<MigrationException> failure = Plot.failure("write", () -> stream.write(piece));
      if (failure.isPresent()) {
        Plot.checkCode("write of " + text, failure.get(), REFUSALS, "refusal-code");
        break;
      }
    }
    leaveMustFail(party, text + " was written");
  }

  /** Leaves RESUMING, which must fail and must not let the device out. */
  static void leaveMustFail(Party party, String why) throws MigrationException, Violation {
    Optional<MigrationException> failure =
        Plot.failure("leave RESUMING", () -> party.device().perform(Arc.RESUMING_TO_STOP));
    if (failure.isEmpty()) {
      throw new Violation(
          "loaded",
          "%s, but leaving RESUMING succeeded and the device is in %s"
              .formatted(why, party.state()));
    }
    Plot.checkCode("leaving RESUMING", failure.get(), REFUSALS, "refusal-code");
    DeviceState now = party.look();
    if (now != DeviceState.RESUMING && now != DeviceState.ERROR) {
      throw new Violation(
          "state-after-refusal",
          "%s and leaving RESUMING failed, but state() says %s, not RESUMING or ERROR"
              .formatted(why, now));
    }
  }

  private static List<Script> truncated(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int cut = 0; cut <= CUTS; cut++) {
      int part = cut;
      scripts.add(
          script(
              facts,
              cut == 0
                  ? "nothing"
                  : cut == CUTS
                      ? "a stream without its last byte"
                      : "the first %d/%d of a stream".formatted(cut, CUTS),
              whole ->
                  Arrays.copyOf(
                      whole,
                      part == CUTS
                          ? whole.length - 1
                          : (int) ((long) whole.length * part / CUTS))));
    }
    return scripts;
  }

  private static byte[] withTrailingByte(byte[] whole) {
    return Arrays.copyOf(whole, whole.length + 1);
  }

  private static byte[] join(byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    ByteBuffer joined = ByteBuffer.allocate(length);
    for (byte[] part : parts) {
      joined.put(part);
    }
    return joined.array();
  }

  private static List<Script> repeated(Facts facts) {
    return List.of(
        script(facts, "a stream twice", whole -> join(whole, whole)),
        script(
            facts,
            "the first half of a stream twice, then the rest",
            whole -> {
              byte[] half = Arrays.copyOf(whole, (whole.length + 1) / 2);
              return join(half, whole);
            }));
  }

  private static List<Script> reordered(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int parts : List.of(2, 3, 5, 8)) {
      scripts.add(
          script(
              facts,
              "a stream in %d equal parts in the opposite order".formatted(parts),
              whole -> {
                byte[][] pieces = new byte[parts][];
                for (int part = 0; part < parts; part++) {
                  int from = (int) ((long) whole.length * part / parts);
                  int to = (int) ((long) whole.length * (part + 1) / parts);
                  pieces[parts - 1 - part] = Arrays.copyOfRange(whole, from, to);
                }
                return join(pieces);
              }));
    }
    // Cut where the driver's own inspector says that one thing ends and the next begins.
    List<StreamInspector.Field> fields = fields(facts);
    for (int index = 0; index + 1 < fields.size() && index < FIELDS; index++) {
      StreamInspector.Field first = fields.get(index);
      StreamInspector.Field second = fields.get(index + 1);
      byte[] one = bytes(facts, first);
      byte[] two = bytes(facts, second);
      if (!Arrays.equals(join(one, two), join(two, one))) {
        scripts.add(
            script(
                facts,
                "a stream with '%s' at byte %d after '%s'"
                    .formatted(first.name(), first.offset(), second.name()),
                whole -> {
                  byte[] bad = whole.clone();
                  byte[] swapped = join(two, one);
                  System.arraycopy(swapped, 0, bad, (int) first.offset(), swapped.length);
                  return bad;
                }));
      }
    }
    return scripts;
  }

  /** Returns the parts of the recorded stream; empty if nobody knows them. */
  private static List<StreamInspector.Field> fields(Facts facts) {
    byte[] image = facts.image().bytes();
    try {
      Optional<StreamInspector> inspector =
          Party.call("inspector", () -> facts.subject().driver().inspector());
      if (inspector.isEmpty()) {
        return List.of();
      }
      return Party.call("inspect", () -> inspector.get().inspect(ByteBuffer.wrap(image))).stream()
          .filter(field -> field.offset() >= 0 && field.lengthBytes() > 0)
          .filter(field -> field.offset() + field.lengthBytes() <= image.length)
          .toList();
    } catch (MigrationException | Violation e) {
      // The check of the inspector tells.
      return List.of();
    }
  }

  private static byte[] bytes(Facts facts, StreamInspector.Field field) {
    int from = (int) field.offset();
    return Arrays.copyOfRange(facts.image().bytes(), from, from + (int) field.lengthBytes());
  }

  private static List<Script> flips(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(facts.limits().seed());
    for (int flip = 0; flip < FLIPS; flip++) {
      double where = flip < 2 ? flip * 0.999_999 : random.nextDouble();
      int bit = random.nextInt(8);
      scripts.add(
          script(
              facts,
              "a stream with bit %d flipped in the byte at %.4f of its length"
                  .formatted(bit, where),
              whole -> {
                byte[] bad = whole.clone();
                int at = Math.min(bad.length - 1, (int) (bad.length * where));
                bad[at] ^= (byte) (1 << bit);
                return bad;
              }));
    }
    return scripts;
  }

  static byte[] rubbish(Facts facts, int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(facts.limits().seed()).nextBytes(bytes);
    return bytes;
  }

  private static List<Script> rubbish(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int length : List.of(1, 40, 4096, 100_000)) {
      scripts.add(
          script(facts, length + " bytes that no driver wrote", whole -> rubbish(facts, length)));
    }
    scripts.add(script(facts, "4096 zeros", whole -> new byte[4096]));
    byte[] ones = new byte[4096];
    Arrays.fill(ones, (byte) 0xff);
    scripts.add(script(facts, "4096 bytes 0xff, which make all lengths huge", whole -> ones));
    return scripts;
  }

  private static List<Script> earlier(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (byte[] stream : facts.subject().earlierStreams()) {
      scripts.add(
          Plot.at(facts, DESTINATION, DeviceState.RESUMING)
              .in(
                  DESTINATION,
                  DeviceState.RESUMING,
                  "destination: write stream number %d of an earlier version"
                      .formatted(scripts.size() + 1),
                  scene -> {
                    scene.party(DESTINATION).write(stream, Plot.PIECE_BYTES);
                    scene.party(DESTINATION).wroteWhole();
                  })
              .arc(DESTINATION, Arc.RESUMING_TO_STOP)
              .script());
    }
    return scripts;
  }

  private static List<Script> stays(Facts facts) {
    return List.of(
        Plot.at(facts, DESTINATION, DeviceState.RESUMING)
            .in(
                DESTINATION,
                DeviceState.RESUMING,
                "destination: write rubbish until it is refused, then a whole stream",
                scene -> {
                  Party party = scene.party(DESTINATION);
                  LoadStream stream = party.loading();
                  party.touched();
                  byte[] bad = rubbish(facts, 100_000);
                  boolean refused =
                      Plot.failure("write", () -> stream.write(ByteBuffer.wrap(bad))).isPresent();
                  byte[] good = facts.image().get();
                  Optional<MigrationException> next =
                      Plot.failure("write", () -> stream.write(ByteBuffer.wrap(good)));
                  if (refused && next.isEmpty()) {
                    throw new Violation(
                        "write-after-refusal",
                        "a write was refused, but the next one went through");
                  }
                  leaveMustFail(party, "rubbish was written and then a whole stream");
                })
            .script());
  }

  private static List<Script> worksAfter(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int part : List.of(1, 2, 3)) {
      scripts.add(
          Plot.at(facts, DESTINATION, DeviceState.RESUMING)
              .in(
                  DESTINATION,
                  DeviceState.RESUMING,
                  "destination: write %d/3 of a stream, then rubbish, and try to leave"
                      .formatted(part),
                  scene -> {
                    Party party = scene.party(DESTINATION);
                    byte[] whole = facts.image().get();
                    byte[] bad =
                        join(
                            Arrays.copyOf(whole, whole.length * part / 3 - 1), rubbish(facts, 200));
                    LoadStream stream = party.loading();
                    party.touched();
                    Plot.failure("write", () -> stream.write(ByteBuffer.wrap(bad)));
                    Plot.failure(
                        "leave RESUMING", () -> party.device().perform(Arc.RESUMING_TO_STOP));
                  })
              .reset(DESTINATION)
              .loadsGood(DESTINATION)
              .script());
    }
    return scripts;
  }

  private static List<Script> secondLoad(Facts facts) {
    return List.of(
        second(facts, "rubbish", party -> mustRefuse(party, rubbish(facts, 4096), "rubbish")),
        second(facts, "nothing", party -> leaveMustFail(party, "nothing was written")));
  }

  private interface SecondLoad {
    void run(Party party) throws MigrationException, Violation;
  }

  private static Script second(Facts facts, String text, SecondLoad load) {
    return new Plot(facts)
        .open(DESTINATION)
        .loadsGood(DESTINATION)
        .arc(DESTINATION, Arc.STOP_TO_RESUMING)
        .in(
            DESTINATION,
            DeviceState.RESUMING,
            "destination: write %s and leave RESUMING".formatted(text),
            scene -> load.run(scene.party(DESTINATION)))
        .script();
  }
}
