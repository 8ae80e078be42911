package io.vferry.tck;

import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The log of DMA writes. */
final class DirtyChecks {

  private static final long WORK_NANOS = 10_000_000;
  private static final long PAGE_BYTES = 4096;
  private static final int FAILED_ACCESSES = 6;

  private DirtyChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.DIRTY,
            "every-write",
            "Each page that the device wrote while the log was on is reported, in whatever states"
                + " it was meanwhile.",
            DirtyChecks::everyWrite,
            Need.DMA_LOG,
            Need.GUEST),
        Check.of(
            Chapter.DIRTY,
            "write-after-report",
            "A page that is written again after it was reported is reported again.",
            DirtyChecks::rounds,
            Need.DMA_LOG,
            Need.GUEST),
        Check.of(
            Chapter.DIRTY,
            "only-inside-the-bitmap",
            "A report about a part of memory leaves the other parts for later reports.",
            DirtyChecks::parts,
            Need.DMA_LOG,
            Need.GUEST),
        Check.of(
            Chapter.DIRTY,
            "only-adds",
            "A report never clears a bit that was set before.",
            DirtyChecks::onlyAdds,
            Need.DMA_LOG),
        Check.of(
            Chapter.DIRTY,
            "page-size",
            "The log tells the page size it uses: a power of two, at least what was wished for.",
            DirtyChecks::pageSize,
            Need.DMA_LOG),
        Check.of(
            Chapter.DIRTY,
            "start-and-stop",
            "A second start fails with WRONG_STATE; a stop does nothing if the log is off; after a"
                + " stop it can be started again.",
            DirtyChecks::startAndStop,
            Need.DMA_LOG),
        Check.of(
            Chapter.DIRTY,
            "failure-is-told",
            "If an access to the device fails in a report, the report fails, never tells less; then"
                + " the log can be stopped and started again, after a reset at the latest.",
            DirtyChecks::failures,
            Need.DMA_LOG,
            Need.GUEST));
  }

  private static DmaLog log(Scene scene) throws MigrationException, Violation {
    return scene.party(SOURCE).capability(DmaLog.class).orElseThrow();
  }

  private static MemoryRange range(Scene scene) {
    return scene
        .present(SOURCE)
        .flatMap(Party::guest)
        .flatMap(Guest::range)
        .orElse(new MemoryRange(16L << 20, 16 * PAGE_BYTES));
  }

  private static Step start() {
    return Step.of(
            "source: start the DMA log",
            scene -> {
              DmaLog log = log(scene);
              Party.call("start", () -> log.start(List.of(range(scene)), PAGE_BYTES));
              scene.note("on", true);
              remember(scene);
            })
        .onlyIf(scene -> scene.noted("on", Boolean.class).isEmpty());
  }

  private static void remember(Scene scene) throws Violation {
    if (scene.hasGuest(SOURCE)) {
      scene.guest(SOURCE).takeWritten();
      scene.note("memory", scene.guest(SOURCE).snapshot());
    }
  }

  private static boolean on(Scene scene) {
    return scene.noted("on", Boolean.class).isPresent();
  }

  /** Reports what was written and compares it with what changed since this was last done. */
  private static void compare(Scene scene, List<MemoryRange> ranges)
      throws MigrationException, Violation {
    DmaLog log = log(scene);
    MemoryRange whole = range(scene);
    DirtyBitmap dirty = new DirtyBitmap(whole, PAGE_BYTES);
    for (MemoryRange part : ranges) {
      DirtyBitmap bitmap = new DirtyBitmap(part, PAGE_BYTES);
      Party.act("report", () -> log.report(bitmap));
      bitmap.forEachRun(
          (first, count) ->
              dirty.mark(new MemoryRange(part.start() + first * PAGE_BYTES, count * PAGE_BYTES)));
    }
    Guest guest = scene.guest(SOURCE);
    Optional<DirtyBitmap> byGuest = guest.takeWritten();
    byte[] before = scene.noted("memory", byte[].class).orElse(guest.snapshot());
    byte[] after = guest.snapshot();
    for (long page = 0; page < dirty.pages(); page++) {
      int from = (int) (page * PAGE_BYTES);
      int to = (int) Math.min(after.length, from + PAGE_BYTES);
      boolean changed = !Arrays.equals(before, from, to, after, from, to);
      long address = whole.start() + from;
      boolean explained = byGuest.isPresent() && isDirty(byGuest.get(), address);
      if (changed && !dirty.isDirty(page) && !explained) {
        throw new Violation(
            "missed",
            "the device wrote the page at 0x%x and the log does not report it".formatted(address));
      }
    }
    scene.note("memory", after);
  }

  private static boolean isDirty(DirtyBitmap bitmap, long address) {
    return bitmap.isDirty((address - bitmap.range().start()) / bitmap.pageSizeBytes());
  }

  private static List<Script> everyWrite(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      scripts.add(
          new Plot(facts)
              .open(SOURCE)
              .boot(SOURCE)
              .elapse(WORK_NANOS)
              .step(start())
              .elapse(WORK_NANOS)
              .go(SOURCE, state)
              .elapse(WORK_NANOS)
              .go(SOURCE, DeviceState.STOP)
              .step(report("compare the report with memory"))
              .script());
    }
    return scripts;
  }

  private static Step report(String text) {
    return Step.of(text, scene -> compare(scene, List.of(range(scene))))
        .onlyIf(scene -> on(scene) && scene.hasGuest(SOURCE));
  }

  private static List<Script> rounds(Facts facts) {
    Plot plot = new Plot(facts).open(SOURCE).boot(SOURCE).elapse(WORK_NANOS).step(start());
    for (int round = 0; round < 5; round++) {
      plot.elapse(3_700_000).step(report("compare the report with memory"));
    }
    return List.of(
        plot.go(SOURCE, DeviceState.STOP).step(report("compare the report with memory")).script());
  }

  private static List<Script> parts(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(SOURCE)
            .boot(SOURCE)
            .elapse(WORK_NANOS)
            .step(start())
            .elapse(WORK_NANOS)
            .go(SOURCE, DeviceState.STOP)
            .step(
                Step.of(
                        "report memory page by page and compare it",
                        scene -> {
                          List<MemoryRange> pages = new ArrayList<>();
                          MemoryRange whole = range(scene);
                          for (long at = 0; at < whole.length(); at += PAGE_BYTES) {
                            pages.add(new MemoryRange(whole.start() + at, PAGE_BYTES));
                          }
                          compare(scene, pages);
                        })
                    .onlyIf(scene -> on(scene) && scene.hasGuest(SOURCE)))
            .script());
  }

  private static List<Script> onlyAdds(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(SOURCE)
            .step(start())
            .step(
                "source: report into a bitmap with all bits set",
                scene -> {
                  DirtyBitmap bitmap = new DirtyBitmap(range(scene), PAGE_BYTES);
                  bitmap.markAll();
                  DmaLog log = log(scene);
                  Party.act("report", () -> log.report(bitmap));
                  if (bitmap.dirtyPages() != bitmap.pages()) {
                    throw new Violation(
                        "cleared",
                        "the report cleared %d of %d bits"
                            .formatted(bitmap.pages() - bitmap.dirtyPages(), bitmap.pages()));
                  }
                })
            .script());
  }

  private static List<Script> pageSize(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (long wish : List.of(4096L, 65_536L, 2L << 20)) {
      scripts.add(
          new Plot(facts)
              .open(SOURCE)
              .step(
                  "source: start the DMA log with the wish for pages of %d bytes".formatted(wish),
                  scene -> {
                    DmaLog log = log(scene);
                    MemoryRange aligned = new MemoryRange(16L << 20, 2L << 20);
                    long size = Party.call("start", () -> log.start(List.of(aligned), wish));
                    if (size < wish || Long.bitCount(size) != 1) {
                      throw new Violation("page-size", "start() says pages of " + size + " bytes");
                    }
                    Party.act("stop", log::stop);
                  })
              .script());
    }
    return scripts;
  }

  private static List<Script> startAndStop(Facts facts) {
    return List.of(
        new Plot(facts)
            .open(SOURCE)
            .step("source: stop the log that is off", scene -> Party.act("stop", log(scene)::stop))
            .step(start())
            .step(
                "source: start it again",
                scene -> {
                  DmaLog log = log(scene);
                  if (on(scene)) {
                    Plot.mustFail(
                        "a second start",
                        List.of(DeviceError.WRONG_STATE),
                        "started-twice",
                        () -> log.start(List.of(range(scene)), PAGE_BYTES));
                  }
                })
            .step("source: stop it twice", DirtyChecks::stopTwice)
            .step(
                "source: start it again",
                scene -> {
                  DmaLog log = log(scene);
                  Party.call("start", () -> log.start(List.of(range(scene)), PAGE_BYTES));
                })
            .script());
  }

  private static void stopTwice(Scene scene) throws MigrationException, Violation {
    DmaLog log = log(scene);
    Party.act("stop", log::stop);
    Party.act("stop", log::stop);
  }

  private static List<Script> failures(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (int access = 0; access < FAILED_ACCESSES; access++) {
      int number = access;
      scripts.add(
          new Plot(facts)
              .open(SOURCE)
              .boot(SOURCE)
              .step(start())
              .elapse(WORK_NANOS)
              .step(
                  Step.of(
                          "source: report, and access number %d to the device fails"
                              .formatted(access + 1),
                          scene -> reportFails(scene, number))
                      .onlyIf(DirtyChecks::on))
              .step(
                  Step.of("source: stop the log and start it again", DirtyChecks::startAnew)
                      .onlyIf(DirtyChecks::on))
              .elapse(WORK_NANOS)
              .go(SOURCE, DeviceState.STOP)
              .step(
                  Step.of(
                          "report all memory and compare it",
                          scene -> compare(scene, List.of(range(scene))))
                      .onlyIf(scene -> on(scene) && scene.hasGuest(SOURCE)))
              .script());
    }
    return scripts;
  }

  private static void reportFails(Scene scene, int access) throws MigrationException, Violation {
    Party party = scene.party(SOURCE);
    DmaLog log = log(scene);
    DirtyBitmap dirty = new DirtyBitmap(range(scene), PAGE_BYTES);
    Optional<MigrationException> failure = party.failing(access, "report", () -> log.report(dirty));
    if (failure.isEmpty() && !party.tap().failed().isEmpty()) {
      throw new Violation(
          "report-swallowed",
          "the access '%s' failed, but the report succeeded".formatted(party.tap().failed()));
    }
  }

  private static void startAnew(Scene scene) throws MigrationException, Violation {
    DmaLog log = log(scene);
    // A stop may fail after a failure; logging counts as off all the same.
    Plot.failure("stop", log::stop);
    if (Plot.failure("start", () -> log.start(List.of(range(scene)), PAGE_BYTES)).isPresent()) {
      scene.party(SOURCE).reset();
      Party.call("start", () -> log.start(List.of(range(scene)), PAGE_BYTES));
    }
    remember(scene);
  }
}
