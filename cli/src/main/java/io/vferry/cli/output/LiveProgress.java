package io.vferry.cli.output;

import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.ProgressListener;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Shows how a migration goes on: on a terminal a view that is drawn anew ten times a second,
 * elsewhere a line now and then.
 *
 * <p>Drawing has its own thread, so that a terminal that has been stopped never stops a migration.
 */
public final class LiveProgress implements ProgressListener, AutoCloseable {

  private static final long REDRAW_MILLIS = 100;
  private static final long CLOSE_SECONDS = 2;
  private static final double LINE_EVERY_MILLIS = 5000;
  private static final String ERASE_LINE = "\u001b[2K";

  private final ProgressView view;
  private final boolean redraw;
  private final PrintWriter out;
  private final AtomicReference<@Nullable MigrationStatus> latest = new AtomicReference<>();
  private final ScheduledExecutorService drawing =
      Executors.newSingleThreadScheduledExecutor(LiveProgress::thread);
  private int linesDrawn;
  private @Nullable Phase lastPhase;
  private double nextLineMillis;

  private LiveProgress(ProgressView view, boolean redraw, PrintWriter out) {
    this.view = view;
    this.redraw = redraw;
    this.out = out;
  }

  private static Thread thread(Runnable task) {
    Thread thread = new Thread(task, "vferry-progress");
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Begins.
   *
   * @param redraw whether {@code out} is a terminal
   */
  public static LiveProgress start(ProgressView view, boolean redraw, PrintWriter out) {
    LiveProgress progress = new LiveProgress(view, redraw, out);
    // It ends with its executor, in close.
    ScheduledFuture<?> unused =
        progress.drawing.scheduleWithFixedDelay(
            progress::showLatest, REDRAW_MILLIS, REDRAW_MILLIS, TimeUnit.MILLISECONDS);
    return progress;
  }

  @Override
  public void progress(MigrationStatus status) {
    latest.set(status);
  }

  private void showLatest() {
    Optional.ofNullable(latest.getAndSet(null)).ifPresent(this::show);
  }

  private void show(MigrationStatus status) {
    if (redraw) {
      draw(status);
    } else if (status.phase() != lastPhase || status.totalTimeMillis() >= nextLineMillis) {
      lastPhase = status.phase();
      nextLineMillis = status.totalTimeMillis() + LINE_EVERY_MILLIS;
      out.println(view.line(status));
    }
  }

  private void draw(MigrationStatus status) {
    List<String> lines = view.lines(status);
    StringBuilder text = new StringBuilder();
    if (linesDrawn > 0) {
      text.append("\u001b[").append(linesDrawn).append('A');
    }
    for (String line : lines) {
      text.append('\r').append(ERASE_LINE).append(line).append('\n');
    }
    for (int i = lines.size(); i < linesDrawn; i++) {
      text.append(ERASE_LINE).append('\n');
    }
    linesDrawn = Math.max(linesDrawn, lines.size());
    out.print(text);
    out.flush();
  }

  /** Shows the last status and ends; not if a terminal that has been stopped does not let it. */
  @Override
  public void close() {
    drawing.shutdownNow();
    try {
      if (drawing.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        showLatest();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
