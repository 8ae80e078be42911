package io.vferry.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.Phase;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LiveProgressTest {

  private static final long LIMIT_SECONDS = 60;

  private static MigrationStatus status(Phase phase, double totalMillis) {
    return new MigrationStatus(
        phase, totalMillis, Optional.empty(), new MigrationStatus.Ram(0, 0, 0, 0, 0, 0), List.of());
  }

  private static ProgressView view() {
    return new ProgressView("vm", 300, 80, 10, false, false);
  }

  /** A terminal that tells when something was drawn, and can be stopped. */
  private static final class Terminal extends StringWriter {

    private final CountDownLatch drawn = new CountDownLatch(1);
    private final CountDownLatch goesOn = new CountDownLatch(1);
    private final boolean stopped;

    Terminal(boolean stopped) {
      this.stopped = stopped;
    }

    @Override
    public void write(String text, int offset, int length) {
      super.write(text, offset, length);
      drawn.countDown();
      if (stopped) {
        awaitIt();
      }
    }

    private void awaitIt() {
      boolean interrupted = false;
      while (true) {
        try {
          goesOn.await();
          break;
        } catch (InterruptedException e) {
          // As a write to a stopped terminal, which an interrupt does not end.
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  void drawsWhatItWasToldByItself() throws InterruptedException {
    Terminal terminal = new Terminal(false);
    try (LiveProgress progress =
        LiveProgress.start(view(), true, new PrintWriter(terminal, true))) {
      progress.progress(status(Phase.PRECOPY, 1000));
      assertThat(terminal.drawn.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(terminal.toString()).contains("precopy");
  }

  @Test
  void showsTheLastStatusAtTheEnd() {
    StringWriter text = new StringWriter();
    try (LiveProgress progress = LiveProgress.start(view(), false, new PrintWriter(text))) {
      progress.progress(status(Phase.PRECOPY, 1000));
      progress.progress(status(Phase.COMPLETED, 1001));
    }
    assertThat(text.toString().lines().reduce("", (first, last) -> last)).contains("completed");
  }

  @Test
  void aStoppedTerminalHoldsUpNobody() throws InterruptedException {
    Terminal terminal = new Terminal(true);
    LiveProgress progress = LiveProgress.start(view(), true, new PrintWriter(terminal, true));
    progress.progress(status(Phase.PRECOPY, 1000));
    assertThat(terminal.drawn.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
    progress.progress(status(Phase.COMPLETED, 2000));
    terminal.goesOn.countDown();
    progress.close();
    assertThat(terminal.toString()).contains("precopy").contains("completed");
  }
}
