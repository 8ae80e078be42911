package io.vferry.runtime.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Heartbeats and the dead, in virtual time. */
class WatchdogTest {

  private static final long MILLI = 1_000_000;

  private final VirtualClock clock = new VirtualClock();
  private final TransportSettings settings =
      TransportSettings.defaults().withDeadlines(1_000, 100, 1_000, 1_000);
  private final List<MigrationException> deaths = new ArrayList<>();
  private final SessionFailure failure = new SessionFailure();
  private final PipeLink link = new PipeLink(1 << 20, Integer.MAX_VALUE, new Random(0));
  private final ControlOutbox outbox = new ControlOutbox(link, clock, failure);
  private final ControlReader reader =
      new ControlReader(
          link,
          new ControlInbox(failure),
          new ControlReader.Events() {
            @Override
            public void credit(long bytes) {}

            @Override
            public void goodbye() {}

            @Override
            public void aborted(String why) {}
          },
          clock,
          failure);
  private final Watchdog watchdog = new Watchdog(clock, settings, outbox, deaths::add);

  private void live(int periods) throws Exception {
    for (int i = 0; i < periods; i++) {
      clock.advance(100 * MILLI);
      outbox.doWork();
      reader.doWork();
    }
  }

  @Test
  void anIdleConnectionLivesOnHeartbeatsUntilTheyStop() throws Exception {
    watchdog.watch(outbox);
    watchdog.watch(reader);
    watchdog.start();
    live(1000);
    assertThat(deaths).isEmpty();
    clock.advance(1_000 * MILLI);
    assertThat(deaths).isEmpty();
    clock.advance(200 * MILLI);
    assertThat(deaths).hasSize(1);
    assertThat(deaths.get(0).code()).isEqualTo(RuntimeError.TRANSPORT_STALLED);
    assertThat(deaths.get(0).detail()).isEqualTo("nothing was heard from pipe for 1100 ms");
    clock.advance(10_000 * MILLI);
    assertThat(deaths).as("a session dies once").hasSize(1);
  }

  @Test
  void nothingIsWatchedAfterTheStop() {
    watchdog.watch(reader);
    watchdog.start();
    watchdog.stop();
    clock.advance(60_000 * MILLI);
    assertThat(deaths).isEmpty();
  }
}
