package io.vferry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.vferry.cli.output.JsonText;
import io.vferry.compat.v1.V1Access;
import io.vferry.compat.v1.V1Trace;
import io.vferry.compat.v1.V1Translation;
import io.vferry.compat.v1.V1Translation.Verdict;
import io.vferry.compat.v1.V1Translator;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.FeatureSet;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Explains a recording of v1 accesses. */
@Command(
    name = "translate",
    header = "explains recorded v1 accesses and what replaces them",
    customSynopsis = "vferry v1 translate TRACE [--features LIST] [OPTION...]",
    description = {
      "Reads what a v1 client did to one device, and prints for each access what it means, the v2"
          + " calls and arcs that replace it, and whether it was legal, illegal, or only worked by"
          + " luck.",
      "",
      "TRACE is a text file with one access on each line; numbers are decimal or begin with 0x, and"
          + " '#' begins a comment:",
      "",
      "  read device_state = 1      a field, and the value that was read",
      "  write device_state 3",
      "  read data 0x1000 4096      offset in the region, length",
      "  write data 0x1000 4096",
      "  read @8 8 = 4096           an access by offset and length",
      "  write device_state 2 ! 5   it failed with this errno",
      "  reset",
      "  dirty start                also: dirty stop",
      "  dirty bitmap 0x0 0x200000  also: dirty unmap",
      "",
      "Fields are device_state, pending_bytes, data_offset and data_size. The device runs at first.",
      "",
      "With '--output json' each access is a line {\"line\", \"access\", \"meaning\", \"v2\":"
          + " [call, ...], \"verdict\": \"legal\", \"luck\" or \"illegal\", \"remarks\": [...]}."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  $ vferry v1 translate qemu.trace --features p2p,pre-copy",
      "  $ vferry v1 translate qemu.trace -o json | jq 'select(.verdict == \"illegal\")'"
    })
final class V1TranslateCommand implements VferryCommand {

  @Parameters(paramLabel = "TRACE", description = "The recording.")
  private Path trace = Path.of("");

  @Option(
      names = "--features",
      paramLabel = "LIST",
      converter = PathCommand.FeaturesConverter.class,
      description =
          "What the device can do beyond stop-copy: 'p2p', 'pre-copy', both separated by a comma,"
              + " the default, or 'none'.")
  private FeatureSet features = FeatureSet.STOP_COPY_P2P_PRE_COPY;

  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE);
  }

  @Override
  public Integer call() throws CommandException {
    V1Translator translator = new V1Translator(features);
    Map<Verdict, Integer> counts = new EnumMap<>(Verdict.class);
    try (BufferedReader lines = Files.newBufferedReader(trace, StandardCharsets.UTF_8)) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        Optional<V1Access> access = parse(number, line);
        if (access.isPresent()) {
          V1Translation translation = translator.translate(access.get());
          counts.merge(translation.verdict(), 1, Integer::sum);
          print(number, line.strip(), translation);
        }
      }
      if (!common.json()) {
        summarise(counts);
      }
    } catch (IOException | UncheckedIOException e) {
      throw new CommandException(
          ExitCode.USAGE, "vferry v1 translate: cannot read " + trace + ": " + e.getMessage(), e);
    }
    return ExitCode.OK.number();
  }

  private void summarise(Map<Verdict, Integer> counts) {
    StringJoiner verdicts = new StringJoiner(", ");
    for (Verdict verdict : Verdict.values()) {
      verdicts.add(counts.getOrDefault(verdict, 0) + " " + verdict.title());
    }
    int all = counts.values().stream().mapToInt(Integer::intValue).sum();
    common.out().printf("%n%d accesses: %s%n", all, verdicts);
  }

  private Optional<V1Access> parse(int number, String line) throws CommandException {
    try {
      return V1Trace.parse(line);
    } catch (MigrationException e) {
      throw new CommandException(
          ExitCode.USAGE, "%s:%d: %s".formatted(trace, number, e.detail()), e);
    }
  }

  private void print(int number, String line, V1Translation translation) {
    PrintWriter out = common.out();
    if (common.json()) {
      out.println(JsonText.of(json -> write(json, number, line, translation)));
      return;
    }
    out.printf("%4d  %s%n", number, line);
    out.printf("      means  %s%n", translation.meaning());
    translation.replacement().forEach(call -> out.printf("      v2     %s%n", call));
    if (translation.verdict() != Verdict.LEGAL) {
      out.printf("      %s%n", translation.verdict().title());
      translation.remarks().forEach(remark -> out.printf("             %s%n", remark));
    }
  }

  private static void write(JsonGenerator json, int number, String line, V1Translation translation)
      throws IOException {
    json.writeStartObject();
    json.writeNumberField("line", number);
    json.writeStringField("access", line);
    json.writeStringField("meaning", translation.meaning());
    json.writeArrayFieldStart("v2");
    for (String call : translation.replacement()) {
      json.writeString(call);
    }
    json.writeEndArray();
    json.writeStringField(
        "verdict",
        switch (translation.verdict()) {
          case LEGAL -> "legal";
          case LUCK -> "luck";
          case ILLEGAL -> "illegal";
        });
    json.writeArrayFieldStart("remarks");
    for (String remark : translation.remarks()) {
      json.writeString(remark);
    }
    json.writeEndArray();
    json.writeEndObject();
  }
}
