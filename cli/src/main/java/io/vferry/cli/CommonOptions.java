package io.vferry.cli;

import java.io.PrintWriter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that each command has. */
final class CommonOptions {

  /** Held, because a logger that nobody holds forgets its level. */
  private final Logger ours = Logger.getLogger("io.vferry");

  /** Injected: the command that has these options. */
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      converter = OutputFormat.Converter.class,
      description = "'text' for people, the default, or 'json' for programs.")
  OutputFormat output = OutputFormat.TEXT;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say on standard error what goes on, and where an error comes from.")
  boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this text.")
  boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the versions of vferry and of Java.")
  boolean version;

  PrintWriter out() {
    return command.commandLine().getOut();
  }

  PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** Makes a complaint about the command line. */
  ParameterException usageError(String message) {
    return new ParameterException(command.commandLine(), message);
  }

  /**
   * Lets log messages through: warnings, or everything of ours with {@code --verbose}. For commands
   * that use the runtime; the others need no logger.
   */
  void startLogging() {
    System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tT.%1$tL %4$s %5$s%6$s%n");
    Logger root = Logger.getLogger("");
    for (Handler handler : root.getHandlers()) {
      handler.setLevel(Level.ALL);
    }
    root.setLevel(verbose ? Level.INFO : Level.WARNING);
    ours.setLevel(verbose ? Level.FINE : Level.WARNING);
  }

  boolean json() {
    return output == OutputFormat.JSON;
  }
}
