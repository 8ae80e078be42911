package io.vferry.tck;

import static io.vferry.tck.Role.DESTINATION;
import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Save and load streams. */
final class StreamChecks {

  private static final List<Integer> PIECES = List.of(1, 3, 64, 4096, 65_536, 1 << 20);
  private static final String FAILED = "failed";
  private static final int FAILED_READS = 6;
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
            StreamChecks::secondSave),
        Check.of(
            Chapter.STREAMS,
            "failed-read-leaves-no-hole",
            "A stream in which a read failed does not go on, or goes on with nothing left out.",
            StreamChecks::readOn));
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
    return plot.saves(SOURCE, readBytes).loads(DESTINATION, writeBytes).script();
  }

  private static List<Script> discipline(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (boolean direct : new boolean[] {true, false}) {
      String kind = direct ? "direct" : "heap";
      scripts.add(
          Plot.at(facts, SOURCE, DeviceState.STOP_COPY)
              .in(
                  SOURCE,
                  DeviceState.STOP_COPY,
                  "source: read into the middle of a " + kind + " buffer",
                  scene -> readInside(scene.party(SOURCE), direct))
              .script());
      scripts.add(
          Plot.at(facts, DESTINATION, DeviceState.RESUMING)
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
            Plot.at(facts, SOURCE, state)
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
        Plot.at(facts, SOURCE, DeviceState.STOP_COPY)
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
          plot.saves(SOURCE, Plot.PIECE_BYTES).loads(DESTINATION, Plot.PIECE_BYTES).script());
    }
    return scripts;
  }

  private static List<Script> endsWithSession(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (Arc arc : facts.arcs()) {
      if (!arc.endsStream()) {
        continue;
      }
      scripts.add(
          Plot.before(facts, SOURCE, arc)
              .arc(SOURCE, arc)
              .useEnded(SOURCE, "after-session")
              .script());
    }
    return scripts;
  }

  private static List<Script> close(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (state.saving() || state == DeviceState.RESUMING) {
        scripts.add(
            Plot.at(facts, SOURCE, state)
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
    }
    if (scene.loading(SOURCE)) {
      LoadStream stream = party.loading();
      Party.act("close", stream::close);
      Party.act("close", stream::close);
    }
    new Plot(facts).useEnded(party, "after-close");
  }

  private static List<Script> closedLoad(Facts facts) {
    return List.of(
        Plot.at(facts, DESTINATION, DeviceState.RESUMING)
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
      Plot plot = Plot.at(facts, SOURCE, DeviceState.STOP_COPY);
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
              .saves(SOURCE, Plot.PIECE_BYTES)
              .loads(DESTINATION, Plot.PIECE_BYTES)
              .script());
    }
    return scripts;
  }

  private static List<Script> readOn(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      for (int access = 0; state.saving() && access < FAILED_READS; access++) {
        int number = access;
        Plot plot = new Plot(facts).open(SOURCE);
        if (facts.guest()) {
          plot.boot(SOURCE).elapse(5_000_000);
        }
        plot.go(SOURCE, state)
            .in(
                SOURCE,
                state,
                "source: read, and access number %d to the device fails; read on to the end"
                    .formatted(access + 1),
                scene -> readOn(scene, facts, number))
            .step(
                Step.of("destination: load what was read", scene -> loadsWhole(scene, facts))
                    .onlyIf(Scene::hasImage));
        if (facts.guest()) {
          plot.carry(SOURCE, DESTINATION).audit(DESTINATION);
        }
        scripts.add(plot.script());
      }
    }
    return scripts;
  }

  /** Keeps a stream that came to its end; one that fails for good is as well. */
  private static void readOn(Scene scene, Facts facts, int access)
      throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    party.failingSteps(access, () -> party.drain(Plot.PIECE_BYTES));
    scene.note(FAILED, party.tap().failed());
    try {
      for (Arc arc : facts.path(party.at(), DeviceState.STOP_COPY)) {
        party.perform(arc);
      }
      scene.image(party.finish(Plot.PIECE_BYTES));
      party.saved(scene.image());
    } catch (MigrationException e) {
      party.endGuest();
    }
  }

  private static void loadsWhole(Scene scene, Facts facts) throws MigrationException, Violation {
    Party party = scene.party(DESTINATION);
    for (Arc arc : facts.path(DeviceState.RUNNING, DeviceState.RESUMING)) {
      party.perform(arc);
    }
    try {
      party.write(scene.image(), Plot.PIECE_BYTES);
      party.wroteWhole();
      party.loaded(scene.image());
      party.perform(Arc.RESUMING_TO_STOP);
    } catch (MigrationException e) {
      throw new Violation(
          "hole",
          "the access '%s' failed, then the stream said END, but it cannot be loaded: %s"
              .formatted(scene.noted(FAILED, String.class).orElse(""), e.getMessage()),
          e);
    }
  }
}
