package io.vferry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.vferry.cli.manifest.Spelling;
import io.vferry.cli.output.JsonText;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** Prints how a device gets from one state to another. */
@Command(
    name = "path",
    header = "shows the arcs that lead from one device state to another",
    customSynopsis = {
      "vferry path FROM TO [--features LIST] [OPTION...]",
      "  vferry path --all [--features LIST] [OPTION...]"
    },
    description = {
      "Prints the base transitions, called arcs, in the order in which a device performs them: the"
          + " shortest path, with no saving state on the way, as the kernel's"
          + " vfio_mig_get_next_state computes it. Optional states that the device lacks are"
          + " stepped over; as an end of the path they are refused.",
      "",
      "States are ERROR, STOP, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY and"
          + " PRE_COPY_P2P.",
      "",
      "With '--output json' an answer is {\"from\", \"to\", \"arcs\": [[from, to], ...]} or {\"from\","
          + " \"to\", \"refused\": reason}; with --all, an array of 64 of them."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  $ vferry path RUNNING STOP --features p2p",
      "  RUNNING -> RUNNING_P2P",
      "  RUNNING_P2P -> STOP",
      "",
      "  $ vferry path --all --features p2p,pre-copy --output json"
    })
final class PathCommand implements VferryCommand {

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "FROM",
      description = "The state in which the device is.")
  private @Nullable String from;

  @Parameters(index = "1", arity = "0..1", paramLabel = "TO", description = "The state to reach.")
  private @Nullable String to;

  @Option(names = "--all", description = "Show all 64 pairs of states.")
  private boolean all;

  @Option(
      names = "--features",
      paramLabel = "LIST",
      converter = FeaturesConverter.class,
      description =
          "What the device can do beyond stop-copy: 'p2p', 'pre-copy', both separated by a comma,"
              + " or 'none', the default.")
  private FeatureSet features = FeatureSet.STOP_COPY;

  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE, ExitCode.REFUSED);
  }

  @Override
  public Integer call() throws CommandException {
    PrintWriter out = common.out();
    if (all) {
      if (from != null) {
        throw common.usageError("--all stands in place of FROM and TO");
      }
      if (common.json()) {
        out.println(JsonText.of(this::writeAll));
      } else {
        printAll(out);
      }
      return ExitCode.OK.number();
    }
    if (from == null || to == null) {
      throw common.usageError("missing " + (from == null ? "FROM and TO, or --all" : "TO"));
    }
    return one(out, state("FROM", from), state("TO", to));
  }

  private int one(PrintWriter out, DeviceState from, DeviceState to) throws CommandException {
    Transition transition = TransitionTable.of(features).transition(from, to);
    if (common.json()) {
      out.println(JsonText.of(json -> write(json, from, to, transition)));
    } else if (transition instanceof Transition.Path path) {
      path.arcs().forEach(out::println);
    }
    if (transition instanceof Transition.Refused refused) {
      throw new CommandException(
          ExitCode.REFUSED, "refused: " + from + " -> " + to + ": " + refused.reason());
    }
    return ExitCode.OK.number();
  }

  /** Takes {@code RUNNING_P2P} as well as {@code running-p2p}. */
  private DeviceState state(String argument, String text) {
    String name = text.toUpperCase(Locale.ROOT).replace('-', '_');
    List<String> names = Arrays.stream(DeviceState.values()).map(DeviceState::name).toList();
    if (!names.contains(name)) {
      throw common.usageError(
          "%s: '%s' is no device state; %s".formatted(argument, text, Spelling.hint(name, names)));
    }
    return DeviceState.valueOf(name);
  }

  private void printAll(PrintWriter out) {
    for (DeviceState first : DeviceState.values()) {
      for (DeviceState last : DeviceState.values()) {
        Transition transition = TransitionTable.of(features).transition(first, last);
        out.printf("%-12s  %-12s  %s%n", first, last, inWords(transition));
      }
    }
  }

  private static String inWords(Transition transition) {
    if (transition instanceof Transition.Path path) {
      return path.arcs().isEmpty()
          ? "nothing to do"
          : path.arcs().get(0).from()
              + path.arcs().stream().map(arc -> " -> " + arc.to()).collect(Collectors.joining());
    }
    return "refused: " + ((Transition.Refused) transition).reason();
  }

  private void writeAll(JsonGenerator json) throws IOException {
    json.writeStartArray();
    for (DeviceState first : DeviceState.values()) {
      for (DeviceState last : DeviceState.values()) {
        write(json, first, last, TransitionTable.of(features).transition(first, last));
      }
    }
    json.writeEndArray();
  }

  private static void write(
      JsonGenerator json, DeviceState from, DeviceState to, Transition transition)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("from", from.name());
    json.writeStringField("to", to.name());
    if (transition instanceof Transition.Path path) {
      json.writeArrayFieldStart("arcs");
      for (Arc arc : path.arcs()) {
        json.writeArray(new String[] {arc.from().name(), arc.to().name()}, 0, 2);
      }
      json.writeEndArray();
    } else {
      json.writeStringField("refused", ((Transition.Refused) transition).reason());
    }
    json.writeEndObject();
  }

  /** Reads a list of features. */
  static final class FeaturesConverter implements ITypeConverter<FeatureSet> {
    @Override
    public FeatureSet convert(String text) {
      boolean p2p = false;
      boolean preCopy = false;
      for (String word : text.split(",", -1)) {
        switch (word) {
          case "p2p" -> p2p = true;
          case "pre-copy" -> preCopy = true;
          case "stop-copy", "none", "" -> {}
          default ->
              throw new TypeConversionException(
                  "'%s' is no feature; %s"
                      .formatted(word, Spelling.hint(word, List.of("p2p", "pre-copy", "none"))));
        }
      }
      return FeatureSet.of(p2p, preCopy);
    }
  }
}
