package io.vferry.cli;

import static picocli.CommandLine.Model.UsageMessageSpec.SECTION_KEY_DESCRIPTION;

import io.vferry.cli.manifest.ManifestException;
import io.vferry.spi.error.MigrationException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Where the process starts. */
public final class Main {

  private Main() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    Interruption interruption = new Interruption();
    PrintWriter out = writer(FileDescriptor.out);
    PrintWriter err = writer(FileDescriptor.err);
    int exitCode = run(interruption, out, err, args);
    out.flush();
    err.flush();
    interruption.ended(exitCode);
    System.exit(exitCode);
  }

  static int run(Interruption interruption, PrintWriter out, PrintWriter err, String... args) {
    return commandLine(interruption).setOut(out).setErr(err).execute(args);
  }

  static CommandLine commandLine(Interruption interruption) {
    CommandLine commandLine = new CommandLine(new RootCommand(), new Commands(interruption));
    commandLine
        .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
        .setUsageHelpWidth(78)
        .setParameterExceptionHandler(Main::usageError)
        .setExecutionExceptionHandler(Main::failure);
    layOut(commandLine);
    return commandLine;
  }

  private static PrintWriter writer(FileDescriptor descriptor) {
    String encoding = System.getProperty("native.encoding");
    Charset charset = encoding == null ? Charset.defaultCharset() : Charset.forName(encoding);
    OutputStream stream = new FileOutputStream(descriptor);
    return new PrintWriter(new OutputStreamWriter(stream, charset), true);
  }

  /** Gives all help texts one layout, with the exit codes of the command; also below it. */
  private static void layOut(CommandLine commandLine) {
    VferryCommand command = commandLine.getCommand();
    Map<String, String> exitCodes = new LinkedHashMap<>();
    Set<ExitCode> possible = command.exitCodes();
    for (ExitCode code : possible) {
      exitCodes.put("%3d".formatted(code.number()), code.meaning());
    }
    commandLine
        .getCommandSpec()
        .versionProvider(new VersionText())
        .usageMessage()
        .headerHeading("Name%n  " + commandLine.getCommandSpec().qualifiedName() + " - ")
        .synopsisHeading("%nSynopsis%n  ")
        .synopsisSubcommandLabel("COMMAND")
        .descriptionHeading("%nDescription%n")
        .parameterListHeading("%nArguments%n")
        .optionListHeading("%nOptions%n")
        .commandListHeading("%nCommands%n")
        .exitCodeListHeading("%nExit codes%n")
        .exitCodeList(exitCodes)
        .sortOptions(false)
        .abbreviateSynopsis(true);
    commandLine
        .getHelpSectionMap()
        .put(SECTION_KEY_DESCRIPTION, help -> indented(help.description()));
    commandLine.getSubcommands().values().forEach(Main::layOut);
  }

  private static String indented(String text) {
    return text.lines()
        .map(line -> line.isEmpty() ? "\n" : "  " + line + "\n")
        .collect(Collectors.joining());
  }

  private static int usageError(ParameterException e, String[] args) {
    CommandLine commandLine = e.getCommandLine();
    String name = commandLine.getCommandSpec().qualifiedName();
    commandLine
        .getErr()
        .println(name + ": " + usageMessage(e) + " ('" + name + " --help' says more)");
    return ExitCode.USAGE.number();
  }

  private static String usageMessage(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched) {
      String first = unmatched.getUnmatched().get(0);
      List<String> guesses = unmatched.getSuggestions();
      String what =
          unmatched.isUnknownOption()
              ? "unknown option"
              : unmatched.getCommandLine().getParent() == null
                  ? "unknown command"
                  : "one argument too many,";
      return what
          + " '"
          + first
          + "'"
          + (guesses.isEmpty() ? "" : "; did you mean '" + guesses.get(0) + "'?");
    }
    if (e instanceof MissingParameterException missing && !missing.getMissing().isEmpty()) {
      return "missing "
          + missing.getMissing().stream()
              .map(Main::nameOf)
              .reduce((a, b) -> a + " and " + b)
              .orElseThrow();
    }
    String message = String.valueOf(e.getMessage());
    return message.lines().findFirst().orElse(message);
  }

  private static String nameOf(ArgSpec argument) {
    return argument instanceof OptionSpec option
        ? "option " + option.longestName()
        : argument.paramLabel();
  }

  private static int failure(Exception e, CommandLine commandLine, CommandLine.ParseResult parsed) {
    VferryCommand command = commandLine.getCommand();
    PrintWriter err = commandLine.getErr();
    boolean verbose = command.common().verbose;
    ExitCode code = report(e, err, verbose);
    if (verbose && e.getCause() != null && code != ExitCode.INTERNAL) {
      e.printStackTrace(err);
    }
    err.flush();
    return code.number();
  }

  private static ExitCode report(Exception e, PrintWriter err, boolean verbose) {
    if (e instanceof ManifestException) {
      err.println(e.getMessage());
      return ExitCode.USAGE;
    }
    if (e instanceof CommandException expected) {
      err.println(expected.getMessage());
      return expected.exitCode();
    }
    if (e instanceof MigrationException refused) {
      err.println("vferry: " + refused.getMessage());
      return ExitCode.REFUSED;
    }
    err.println("vferry: internal error: " + e + (verbose ? "" : " (-v shows where)"));
    if (verbose) {
      e.printStackTrace(err);
    }
    return ExitCode.INTERNAL;
  }
}
