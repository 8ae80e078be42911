package io.vferry.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/** A command that ran in this process, and what it said. */
record CommandRun(int exitCode, String out, String err) {

  static CommandRun of(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        Main.run(new Interruption(), new PrintWriter(out), new PrintWriter(err), arguments);
    return new CommandRun(exitCode, out.toString(), err.toString());
  }
}
