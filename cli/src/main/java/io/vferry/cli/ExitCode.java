package io.vferry.cli;

/** The exit codes of the command; scripts rely on them. */
enum ExitCode {
  OK(0, "Done as asked."),
  INTERNAL(1, "A mistake in vferry itself, or in the machine it runs on."),
  USAGE(2, "The command line or the manifest is wrong; nothing was touched."),
  REFUSED(3, "It cannot be done, and the message says why; nothing was touched."),
  FAILED(4, "The migration failed; the guest runs on at the source."),
  ATTENTION(5, "The migration failed and left something that a person must look at."),
  BROKEN(6, "The driver breaks a promise; the output says which and how."),
  CANCELLED(130, "Cancelled, by Ctrl-C or SIGTERM; the guest runs on at the source.");

  private final int number;
  private final String meaning;

  ExitCode(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  int number() {
    return number;
  }

  String meaning() {
    return meaning;
  }
}
