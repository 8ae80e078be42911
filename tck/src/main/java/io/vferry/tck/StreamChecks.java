package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Save and load streams. */
final class StreamChecks {

  private static final List<Integer> PIECES = List.of(1, 3, 64, 4096, 65_536, 1 << 20);
  private static final byte GUARD = (byte) 0xa5;

  private StreamChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.STREAMS,
            "any-read-size",
            "However the reads are cut, from 1 byte to 1 MiB, the stream can be loaded.",
            facts -> sizes(facts, true)),
        Check.of(
            Chapter.STREAMS,
            "any-write-size",
            "However the writes are cut, from 1 byte to 1 MiB, a whole stream is taken.",
            facts -> sizes(facts, false)),
        Check.of(
            Chapter.STREAMS,
            "buffer-discipline",
            "A read writes only between position and limit, and a write leaves the bytes as they"
                + " are.",
            StreamChecks::discipline),
        Check.of(
            Chapter.STREAMS,
            "no-end-in-precopy",
            "In pre-copy a read gives data or NOTHING_NOW, never END.",
            StreamChecks::noEnd,
            Need.PRE_COPY),
        Check.of(
            Chapter.STREAMS,
            "end-in-stop-copy",
            "In STOP_COPY a read gives data or END, never NOTHING_NOW; after END always END.",
            StreamChecks::end),
        Check.of(
            Chapter.STREAMS,
            "goes-on-from-precopy",
            "A stream that began in pre-copy goes on in STOP_COPY, and all of it is one load.",
            StreamChecks::goesOn,
            Need.PRE_COPY),
        Check.of(
            Chapter.STREAMS,
            "ends-with-session",
            "Once the device has left the saving states, or RESUMING, its stream fails with"
                + " SESSION_CLOSED.",
            StreamChecks::endsWithSession),
        Check.of(
            Chapter.STREAMS,
            "close-keeps-state",
            "Closing a stream leaves the device where it is; closing again does nothing, and a read"
                + " afterwards fails with SESSION_CLOSED.",
            StreamChecks::close),
        Check.of(
            Chapter.STREAMS,
            "closed-load-is-whole",
            "A load stream that was closed after all was written can be proved whole.",
            StreamChecks::closedLoad),
        Check.of(
            Chapter.STREAMS,
            "second-save",
            "A save that follows another one, read or not, gives a whole stream of its own.",
            StreamChecks::secondSave));
  }

  private static List<Script> sizes(Facts facts, boolean read) {
    List<Script> scripts = new ArrayList<>();
    for (int piece : PIECES) {
      scripts.add(
          transfer(facts, read ? piece : Plot.PIECE_BYTES, read ? Plot.PIECE_BYTES : piece));
    }
    return scripts;
  }

  private static Script transfer(Facts facts, int readBytes, int writeBytes) {
    Plot plot = new Plot(facts).open(SOURCE);
    if (facts.features().preCopy()) {
      plot.go(SOURCE, DeviceState.PRE_COPY).drain(SOURCE, readBytes);
    }
    return plot.go(SOURCE, DeviceState.STOP_COPY)
        .finish(SOURCE, readBytes)
        .go(DESTINATION, DeviceState.RESUMING)
        .load(DESTINATION, writeBytes)
        .arc(DESTINATION, Arc.RESUMING_TO_STOP)
        .script();
  }

  private static List<Script> discipline(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (boolean direct : new boolean[] {true, false}) {
      String kind = direct ? "direct" : "heap";
      scripts.add(
          new Plot(facts)
              .open(SOURCE)
              .go(SOURCE, DeviceState.STOP_COPY)
              .in(
                  SOURCE,
                  DeviceState.STOP_COPY,
                  "source: read into the middle of a " + kind + " buffer",
                  scene -> readInside(scene.party(SOURCE), direct))
              .script());
      scripts.add(
          new Plot(facts)
              .open(DESTINATION)
              .go(DESTINATION, DeviceState.RESUMING)
              .in(
                  DESTINATION,
                  DeviceState.RESUMING,
                  "destination: write from the middle of a " + kind + " buffer",
                  scene -> writeInside(scene.party(DESTINATION), facts, direct))
              .script());
    }
    return scripts;
  }

  private static ByteBuffer buffer(int capacity, boolean direct) {
    ByteBuffer buffer =
        direct ? ByteBuffer.allocateDirect(capacity) : ByteBuffer.allocate(capacity);
    for (int index = 0; index < capacity; index++) {
      buffer.put(index, GUARD);
    }
    return buffer;
  }

  private static void readInside(Party party, boolean direct) throws MigrationException, Violation {
    ByteBuffer buffer = buffer(300, direct).position(100).limit(200);
    party.read(buffer);
    if (buffer.limit() != 200) {
      throw new Violation("limit", "read changed the limit from 200 to " + buffer.limit());
    }
    int end = buffer.position();
    buffer.clear();
    for (int index = 0; index < 300; index++) {
      if ((index < 100 || index >= end) && buffer.get(index) != GUARD) {
        throw new Violation(
            "outside",
            "read changed byte %d of the buffer, but it gave bytes 100 to %d"
                .formatted(index, end - 1));
      }
    }
  }

  private static void writeInside(Party party, Facts facts, boolean direct)
      throws MigrationException, Violation {
    byte[] image = facts.image().get();
    ByteBuffer buffer = buffer(image.length + 200, direct);
    buffer.put(100, image).position(100).limit(100 + image.length);
    LoadStream stream = party.loading();
    Party.act("write", () -> stream.write(buffer));
    if (buffer.hasRemaining()) {
      throw new Violation("left", "write left %d bytes".formatted(buffer.remaining()));
    }
    byte[] after = new byte[image.length];
    buffer.clear().get(100, after);
    if (!java.util.Arrays.equals(image, after)) {
      throw new Violation("changed", "write changed the bytes it was given");
    }
    party.perform(Arc.RESUMING_TO_STOP);
  }

  private static List<Script> noEnd(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : List.of(DeviceState.PRE_COPY, DeviceState.PRE_COPY_P2P)) {
      if (facts.features().supports(state)) {
        scripts.add(
            new Plot(facts)
                .open(SOURCE)
                .go(SOURCE, state)
                .in(
                    SOURCE,
                    state,
                    "source: read until nothing comes, four times",
                    scene -> {
                      for (int round = 0; round < 4; round++) {
                        if (scene.party(SOURCE).drain(4096) == SaveStream.Status.END) {
                          throw new Violation(
                              "end-in-precopy", "read gave END in " + scene.at(SOURCE));
                        }
                      }
                    })
                .script());
      }
    }
    return scripts;
  }

  private static List<Script> end(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(SOURCE)
            .go(SOURCE, DeviceState.STOP_COPY)
            .finish(SOURCE, 4096)
            .in(
                SOURCE,
                DeviceState.STOP_COPY,
                "source: read three times more",
                scene -> {
                  for (int round = 0; round < 3; round++) {
                    SaveStream.Status status = scene.party(SOURCE).read(ByteBuffer.allocate(16));
                    if (status != SaveStream.Status.END) {
                      throw new Violation("after-end", "a read after END gave " + status);
                    }
                  }
                })
            .script());
  }

  private static List<Script> goesOn(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int reads : List.of(0, 1, 100, Integer.MAX_VALUE)) {
      Plot plot = new Plot(facts).open(SOURCE);
      if (facts.guest()) {
        plot.boot(SOURCE).elapse(1_000_000);
      }
      plot.go(SOURCE, DeviceState.PRE_COPY);
      if (reads == Integer.MAX_VALUE) {
        plot.drain(SOURCE, 4096);
        if (facts.guest()) {
          plot.elapse(3_000_000);
        }
        plot.in(
            SOURCE,
            DeviceState.PRE_COPY,
            "source: ask for the progress",
            scene -> {
              PrecopyProgress progress =
                  scene.party(SOURCE).capability(PrecopyProgress.class).orElseThrow();
              Party.call("remaining", progress::remaining);
            });
        plot.drain(SOURCE, 4096);
      } else if (reads > 0) {
        plot.in(
            SOURCE,
            DeviceState.PRE_COPY,
            "source: read up to %d bytes".formatted(reads),
            scene -> scene.party(SOURCE).read(ByteBuffer.allocate(reads)));
      }
      scripts.add(
          plot.go(SOURCE, DeviceState.STOP_COPY)
              .finish(SOURCE, Plot.PIECE_BYTES)
              .go(DESTINATION, DeviceState.RESUMING)
              .load(DESTINATION, Plot.PIECE_BYTES)
              .arc(DESTINATION, Arc.RESUMING_TO_STOP)
              .script());
    }
    return scripts;
  }

  private static List<Script> endsWithSession(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      if (!arc.endsStream()) {
        continue;
      }
      Plot plot = new Plot(facts).open(SOURCE).go(SOURCE, arc.from());
      if (arc == Arc.RESUMING_TO_STOP) {
        plot.loadGood(SOURCE);
      }
      scripts.add(
          plot.arc(SOURCE, arc)
              .step(
                  Step.of(
                          "source: use the stream of the session that ended",
                          scene -> useEnded(scene.party(SOURCE), facts))
                      .onlyIf(scene -> scene.at(SOURCE) == arc.to()))
              .script());
    }
    return scripts;
  }

  private static void useEnded(Party party, Facts facts) throws Violation {
    if (party.save().isPresent()) {
      SaveStream stream = party.saving();
      Plot.mustFail(
          "read",
          List.of(DeviceError.SESSION_CLOSED),
          "read-after-session",
          () -> stream.read(ByteBuffer.allocateDirect(64)));
    }
    if (party.load().isPresent()) {
      LoadStream stream = party.loading();
      byte[] image = facts.image().get();
      Plot.mustFail(
          "write",
          List.of(DeviceError.SESSION_CLOSED),
          "write-after-session",
          () -> stream.write(ByteBuffer.wrap(image, 0, Math.min(16, image.length))));
    }
  }

  private static List<Script> close(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (state.saving() || state == DeviceState.RESUMING) {
        scripts.add(
            new Plot(facts)
                .open(SOURCE)
                .go(SOURCE, state)
                .step(
                    "source: close the stream twice and use it", scene -> closeTwice(scene, facts))
                .expect(SOURCE, state, "close-moves")
                .script());
      }
    }
    return scripts;
  }

  private static void closeTwice(Scene scene, Facts facts) throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    if (scene.saving(SOURCE)) {
      SaveStream stream = party.saving();
      Party.act("close", stream::close);
      Party.act("close", stream::close);
      Plot.mustFail(
          "read after close",
          List.of(DeviceError.SESSION_CLOSED),
          "read-after-close",
          () -> stream.read(ByteBuffer.allocateDirect(64)));
    }
    if (scene.loading(SOURCE)) {
      LoadStream stream = party.loading();
      Party.act("close", stream::close);
      Party.act("close", stream::close);
      byte[] image = facts.image().get();
      Plot.mustFail(
          "write after close",
          List.of(DeviceError.SESSION_CLOSED),
          "write-after-close",
          () -> stream.write(ByteBuffer.wrap(image, 0, Math.min(16, image.length))));
    }
  }

  private static List<Script> closedLoad(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(DESTINATION)
            .go(DESTINATION, DeviceState.RESUMING)
            .loadGood(DESTINATION)
            .step(
                Step.of(
                        "destination: close the stream",
                        scene -> {
                          LoadStream stream = scene.party(DESTINATION).loading();
                          Party.act("close", stream::close);
                        })
                    .onlyIf(scene -> scene.loading(DESTINATION)))
            .arc(DESTINATION, Arc.RESUMING_TO_STOP)
            .script());
  }

  private static List<Script> secondSave(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int first : List.of(0, 10, Integer.MAX_VALUE)) {
      Plot plot = new Plot(facts).open(SOURCE).go(SOURCE, DeviceState.STOP_COPY);
      if (first == Integer.MAX_VALUE) {
        plot.finish(SOURCE, Plot.PIECE_BYTES);
      } else if (first > 0) {
        plot.in(
            SOURCE,
            DeviceState.STOP_COPY,
            "source: read up to %d bytes".formatted(first),
            scene -> scene.party(SOURCE).read(ByteBuffer.allocate(first)));
      }
      scripts.add(
          plot.go(SOURCE, DeviceState.STOP)
              .go(SOURCE, DeviceState.STOP_COPY)
              .finish(SOURCE, Plot.PIECE_BYTES)
              .go(DESTINATION, DeviceState.RESUMING)
              .load(DESTINATION, Plot.PIECE_BYTES)
              .arc(DESTINATION, Arc.RESUMING_TO_STOP)
              .script());
    }
    return scripts;
  }
}
