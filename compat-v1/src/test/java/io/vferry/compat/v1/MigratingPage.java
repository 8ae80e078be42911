package io.vferry.compat.v1;

import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The tables of docs/migrating-from-v1.md that a program can make, each by its name. */
final class MigratingPage {

  private static final List<FeatureSet> KINDS =
      List.of(
          FeatureSet.STOP_COPY_P2P_PRE_COPY,
          FeatureSet.STOP_COPY_PRE_COPY,
          FeatureSet.STOP_COPY_P2P,
          FeatureSet.STOP_COPY);

  private MigratingPage() {}

  /** Returns the page with its tables written anew. */
  static String withTables(String page) {
    String result = page;
    for (String name : List.of("numbers", "patterns", "fields", "changes", "stopping")) {
      String begin = "<!-- table: " + name + " -->\n";
      String end = "<!-- end -->";
      int from = result.indexOf(begin);
      int to = result.indexOf(end, Math.max(0, from));
      if (from < 0 || to < 0) {
        throw new AssertionError("the page has no place for the table '" + name + "'");
      }
      result = result.substring(0, from + begin.length()) + table(name) + result.substring(to);
    }
    return result;
  }

  private static String table(String name) {
    return switch (name) {
      case "numbers" -> numbers();
      case "patterns" -> patterns();
      case "fields" -> fields();
      case "changes" -> changes();
      default -> stopping();
    };
  }

  private static String rows(List<List<String>> rows) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows.size(); i++) {
      text.append("| ").append(String.join(" | ", rows.get(i))).append(" |\n");
      if (i == 0) {
        text.append("|").append("---|".repeat(rows.get(0).size())).append("\n");
      }
    }
    return text.toString();
  }

  private static String numbers() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("number", "in v1", "in v2"));
    for (int number = 0; number < 8; number++) {
      String v1 = V1State.ofBits(number).map(Enum::name).orElse("no state");
      String v2 = DeviceState.ofNumber(number).map(Enum::name).orElseThrow();
      rows.add(List.of(Integer.toString(number), v1, v2));
    }
    return rows(rows);
  }

  private static String patterns() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("bits", "RESUMING", "SAVING", "RUNNING", "v1 state", "v2 state"));
    for (int bits = 0; bits < 8; bits++) {
      V1State state = V1State.ofBits(bits).orElse(null);
      rows.add(
          List.of(
              Integer.toString(bits),
              bit(bits, V1State.RESUMING_BIT),
              bit(bits, V1State.SAVING_BIT),
              bit(bits, V1State.RUNNING_BIT),
              state == null ? "invalid" : state.name(),
              state == null ? "–" : state.deviceState().name()));
    }
    return rows(rows);
  }

  private static String bit(int bits, int bit) {
    return (bits & bit) != 0 ? "1" : "0";
  }

  private static String fields() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("offset", "bytes", "field"));
    for (V1Field field : V1Field.values()) {
      rows.add(
          List.of(
              Integer.toString(field.offset()),
              Integer.toString(field.widthBytes()),
              "`" + field.title() + "`"));
    }
    return rows(rows);
  }

  private static String changes() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("v1 write", "by the text of v1", "P2P and pre-copy", "pre-copy", "P2P", "neither"));
    for (V1State from : V1State.values()) {
      for (V1State to : V1State.values()) {
        if (from != to && from != V1State.ERROR && to != V1State.ERROR) {
          List<String> row = new ArrayList<>();
          row.add(from.bits() + " → " + to.bits());
          row.add(
              switch (V1Legality.of(from, to).verdict()) {
                case LEGAL -> "named";
                case LUCK -> qemuMakes(from, to) ? "silent; QEMU does it" : "silent";
                case ILLEGAL -> "silent; v2 forbids it";
              });
          KINDS.forEach(kind -> row.add(path(kind, from, to)));
          rows.add(row);
        }
      }
    }
    return rows(rows);
  }

  private static boolean qemuMakes(V1State from, V1State to) {
    return V1Legality.of(from, to).reason().contains("because QEMU makes it");
  }

  private static String path(FeatureSet kind, V1State from, V1State to) {
    DeviceState begin = real(kind, from);
    Transition transition =
        from == V1State.STOP_COPY && to == V1State.PRE_COPY
            ? new Transition.Refused("")
            : TransitionTable.of(kind).transition(begin, real(kind, to));
    if (transition instanceof Transition.Path path) {
      return path.arcs().isEmpty()
          ? "nothing"
          : path.arcs().stream().map(Arc::to).map(Enum::name).collect(Collectors.joining(", "));
    }
    return "EINVAL";
  }

  private static DeviceState real(FeatureSet kind, V1State state) {
    return state == V1State.PRE_COPY && !kind.preCopy() ? DeviceState.RUNNING : state.deviceState();
  }

  private static String stopping() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("v2 state", "`AT_ONCE` writes", "`NO_DMA_BIT` writes", "`QUIESCENT_POINT` writes"));
    for (DeviceState state : DeviceState.values()) {
      if (state != DeviceState.ERROR) {
        List<String> row = new ArrayList<>();
        row.add(state.name());
        for (V1Stopping stopping : V1Stopping.values()) {
          row.add(
              stopping.features().supports(state)
                  ? Integer.toString(new V1Stops(stopping).bits(state))
                  : "–");
        }
        rows.add(row);
      }
    }
    return rows(rows);
  }
}
