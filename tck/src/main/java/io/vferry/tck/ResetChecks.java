package io.vferry.tck;

import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reset. */
final class ResetChecks {

  private ResetChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.RESET,
            "every-state",
            "Reset leads to RUNNING from each state, and the device can go everywhere again.",
            ResetChecks::everyState),
        Check.of(
            Chapter.RESET,
            "ends-streams",
            "After a reset each stream that was open fails with SESSION_CLOSED.",
            ResetChecks::endsStreams),
        Check.of(
            Chapter.RESET,
            "guest-reset-ends-streams",
            "After a reset by the guest, past the driver, no stream that was open goes on.",
            ResetChecks::guestReset),
        Check.of(
            Chapter.RESET,
            "forgets-loaded-data",
            "What was loaded before a reset does not make the next load whole.",
            ResetChecks::forgetsData),
        Check.of(
            Chapter.RESET,
            "forgets-bad-verdict",
            "A load that was refused does not keep the next one, after a reset, from succeeding.",
            ResetChecks::forgetsVerdict));
  }

  private static List<Script> everyState(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      scripts.add(
          Plot.at(facts, SOURCE, state)
              .reset(SOURCE)
              .saves(SOURCE, Plot.PIECE_BYTES)
              .reset(SOURCE)
              .go(SOURCE, DeviceState.RESUMING)
              .script());
    }
    return scripts;
  }

  private static List<Script> endsStreams(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (state.saving() || state == DeviceState.RESUMING) {
        scripts.add(
            Plot.at(facts, SOURCE, state).reset(SOURCE).useEnded(SOURCE, "after-reset").script());
      }
    }
    return scripts;
  }

  private static List<Script> guestReset(Facts facts) {
    List<Script> scripts = new ArrayList<>();
    for (DeviceState state : facts.states()) {
      if (state.saving()) {
        scripts.add(
            Plot.at(facts, SOURCE, state)
                .step(
                    "the guest resets the device, past the driver; source: read the stream from"
                        + " before the reset to its end",
                    scene -> {
                      scene.party(SOURCE).host().reset();
                      readsOn(scene.party(SOURCE));
                    })
                .reset(SOURCE)
                .saves(SOURCE, Plot.PIECE_BYTES)
                .script());
      }
    }
    return scripts;
  }

  /** What waits in a buffer may still come, but the stream must not end as if it were whole. */
  private static void readsOn(Party party) throws Violation {
    try {
      if (party.drain(Plot.PIECE_BYTES) == SaveStream.Status.END) {
        throw new Violation(
            "end-after-guest-reset", "the stream of a device that was reset says END");
      }
    } catch (MigrationException e) {
      Plot.checkCode(
          "read",
          e,
          List.of(DeviceError.SESSION_CLOSED, DeviceError.IO_FAILED),
          "read-after-guest-reset");
    }
  }

  private static List<Script> forgetsData(Facts facts) {
    return List.of(
        Plot.at(facts, SOURCE, DeviceState.RESUMING)
            .loadGood(SOURCE)
            .reset(SOURCE)
            .go(SOURCE, DeviceState.RESUMING)
            .step(
                Step.of(
                        "source: " + Arc.RESUMING_TO_STOP + " without any data",
                        scene ->
                            LoadChecks.leaveMustFail(scene.party(SOURCE), "nothing was written"))
                    .onlyIf(scene -> scene.loading(SOURCE) && !scene.written(SOURCE)))
            .script(),
        Plot.at(facts, SOURCE, DeviceState.RESUMING)
            .step(
                Step.of(
                        "source: write the first half of a stream",
                        scene -> {
                          byte[] image = facts.image().get();
                          scene
                              .party(SOURCE)
                              .write(Arrays.copyOf(image, image.length / 2), Plot.PIECE_BYTES);
                        })
                    .onlyIf(scene -> scene.loading(SOURCE)))
            .reset(SOURCE)
            .loadsGood(SOURCE)
            .script());
  }

  private static List<Script> forgetsVerdict(Facts facts) {
    return List.of(
        new Plot(facts).open(SOURCE).loadsRubbish(SOURCE).reset(SOURCE).loadsGood(SOURCE).script());
  }
}
