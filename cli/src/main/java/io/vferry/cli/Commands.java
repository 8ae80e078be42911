package io.vferry.cli;

import picocli.CommandLine;
import picocli.CommandLine.IFactory;

/** Makes the commands, and gives them what they share. */
final class Commands implements IFactory {

  private final Interruption interruption;

  Commands(Interruption interruption) {
    this.interruption = interruption;
  }

  @Override
  public <K> K create(Class<K> type) throws Exception {
    if (type == MigrateCommand.class) {
      return type.cast(new MigrateCommand(interruption));
    }
    if (type == ReceiveCommand.class) {
      return type.cast(new ReceiveCommand(interruption));
    }
    if (type == ServeCommand.class) {
      return type.cast(new ServeCommand(interruption));
    }
    return CommandLine.defaultFactory().create(type);
  }
}
