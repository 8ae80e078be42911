package io.vferry.cli.output;

import io.vferry.runtime.report.Figure;
import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.Phase;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Prints a migration under way. Pure: the same status gives the same lines.
 *
 * @param vm name of the virtual machine
 * @param downtimeLimitMillis what the prediction is compared with
 * @param columns width of the terminal; nothing is wider
 * @param maxDevices how many devices get a line of their own
 * @param colour whether escape sequences may be used
 * @param unicode whether block characters may be used
 */
public record ProgressView(
    String vm,
    long downtimeLimitMillis,
    int columns,
    int maxDevices,
    boolean colour,
    boolean unicode) {

  private static final int BAR_WIDTH = 20;

  private static final String BOLD = "1";
  private static final String GREEN = "32";
  private static final String YELLOW = "33";
  private static final String FAINT = "2";

  /** Returns the lines of a live view. */
  public List<String> lines(MigrationStatus status) {
    List<String> lines = new ArrayList<>();
    lines.add(headline(status));
    lines.add(paint(FAINT, row("", "", " ".repeat(BAR_WIDTH), "sent", "left")));
    if (status.ram().totalBytes() > 0) {
      lines.add(memory(status.ram()));
    }
    List<MigrationStatus.Device> shown = mostInteresting(status.devices());
    for (MigrationStatus.Device device : status.devices()) {
      if (shown.contains(device)) {
        lines.add(device(device));
      }
    }
    int hidden = status.devices().size() - shown.size();
    if (hidden > 0) {
      lines.add(cut("and " + hidden + " more devices"));
    }
    if (status.ram().totalBytes() > 0) {
      lines.add(paint(FAINT, rates(status.ram())));
    }
    return lines;
  }

  /** Returns one line for a log. */
  public String line(MigrationStatus status) {
    MigrationStatus.Ram ram = status.ram();
    long sent = 0;
    long left = 0;
    int done = 0;
    for (MigrationStatus.Device device : status.devices()) {
      sent += device.transferredBytes();
      left += device.remainingBytes();
      done += device.done() ? 1 : 0;
    }
    StringBuilder line =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%7s  %-11s",
                seconds(status.totalTimeMillis()),
                status.phase().label()));
    if (ram.totalBytes() > 0) {
      line.append(
          "  memory round %d, %s sent, %s left"
              .formatted(
                  ram.dirtySyncCount(),
                  Figure.bytes(ram.transferredBytes()),
                  Figure.bytes(ram.remainingBytes())));
    }
    if (!status.devices().isEmpty()) {
      line.append(
          "  devices %d of %d done, %s sent, %s left"
              .formatted(done, status.devices().size(), Figure.bytes(sent), Figure.bytes(left)));
    }
    return line.toString();
  }

  private String headline(MigrationStatus status) {
    String left = "%s  %s  ".formatted(shorten(vm, 24), seconds(status.totalTimeMillis()));
    String phase = status.phase().label();
    if (left.length() + phase.length() > columns - 1) {
      return cut(phase);
    }
    if (status.expectedDowntime().isEmpty()) {
      return paint(BOLD, left) + paint(phaseColour(status.phase()), phase);
    }
    long expected = Math.round(status.expectedDowntime().get().millis());
    String prediction =
        "  expected-downtime %d ms, limit %d ms".formatted(expected, downtimeLimitMillis);
    if (left.length() + phase.length() + prediction.length() > columns - 1) {
      prediction = "";
    }
    return paint(BOLD, left)
        + paint(phaseColour(status.phase()), phase)
        + paint(expected <= downtimeLimitMillis ? GREEN : YELLOW, prediction);
  }

  private static String phaseColour(Phase phase) {
    return phase == Phase.SWITCHOVER || phase == Phase.STOP_COPY || phase == Phase.READY
        ? YELLOW
        : GREEN;
  }

  private String memory(MigrationStatus.Ram ram) {
    double share = 1 - (double) ram.remainingBytes() / ram.totalBytes();
    return row(
        "memory",
        "round " + ram.dirtySyncCount(),
        TextBar.draw(share, BAR_WIDTH, unicode),
        Figure.bytes(ram.transferredBytes()),
        Figure.bytes(ram.remainingBytes()));
  }

  private String device(MigrationStatus.Device device) {
    long all = device.transferredBytes() + device.remainingBytes();
    double share = device.done() ? 1 : all == 0 ? 0 : (double) device.transferredBytes() / all;
    String bar = TextBar.draw(share, BAR_WIDTH, unicode);
    return row(
        device.id(),
        device.state().name(),
        device.done() ? paint(GREEN, bar) : bar,
        Figure.bytes(device.transferredBytes()),
        device.done() ? "done" : Figure.bytes(device.remainingBytes()));
  }

  /** 73 characters, not counting escape sequences in the bar. */
  private String row(String name, String state, String bar, String sent, String left) {
    String row = "%-15s %-13s %s %10s %10s".formatted(shorten(name, 15), state, bar, sent, left);
    return columns > 73 ? row : cut(row);
  }

  private String rates(MigrationStatus.Ram ram) {
    return cut(
        "memory: %s sent, the guest dirties %s"
            .formatted(
                Figure.bytesPerSecond(ram.bytesPerSecond()),
                Figure.bytesPerSecond(ram.dirtyBytesPerSecond())));
  }

  /** If there are too many devices, those that are still to be done. */
  private List<MigrationStatus.Device> mostInteresting(List<MigrationStatus.Device> devices) {
    return devices.stream()
        .sorted(Comparator.comparing(MigrationStatus.Device::done))
        .limit(maxDevices)
        .toList();
  }

  private static String seconds(double millis) {
    return String.format(Locale.ROOT, "%.1f s", millis / 1000);
  }

  private String shorten(String text, int length) {
    if (text.length() <= length) {
      return text;
    }
    return text.substring(0, length - 1) + (unicode ? "…" : "~");
  }

  private String cut(String line) {
    return line.length() < columns ? line : line.substring(0, Math.max(0, columns - 1));
  }

  private String paint(String style, String text) {
    return colour && !text.isEmpty() ? "\u001b[" + style + "m" + text + "\u001b[0m" : text;
  }
}
