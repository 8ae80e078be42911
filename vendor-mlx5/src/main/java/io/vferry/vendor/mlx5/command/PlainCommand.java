package io.vferry.vendor.mlx5.command;

/** A command of 16 bytes whose answer of 16 bytes says nothing but that it succeeded. */
public interface PlainCommand extends Command<Void> {

  @Override
  default int inputBytes() {
    return 16;
  }

  @Override
  default int outputBytes() {
    return 16;
  }

  @Override
  @SuppressWarnings("NullAway") // The only value of the type.
  default Void read(Words out) {
    return null;
  }
}
