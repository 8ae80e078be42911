package io.vferry.cli;

import java.util.Set;
import java.util.concurrent.Callable;

/** One of the commands; its call returns an exit code. */
interface VferryCommand extends Callable<Integer> {

  /** Returns the options that each command has. */
  CommonOptions common();

  /** Returns the exit codes it can have, for the help text. */
  Set<ExitCode> exitCodes();

  @Override
  Integer call() throws Exception;
}
