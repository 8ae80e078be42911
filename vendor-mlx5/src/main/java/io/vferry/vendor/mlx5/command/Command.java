package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;
import java.nio.ByteBuffer;

/**
 * A command for the firmware.
 *
 * @param <R> what a successful answer says
 */
public interface Command<R> {

  /** Returns which command it is. */
  Opcode opcode();

  /** Returns the modifier, or the object's type where the command has that in its place. */
  default int opMod() {
    return 0;
  }

  /** Returns the length of the command, at least 16. */
  int inputBytes();

  /** Returns the length of the answer, at least 8. */
  int outputBytes();

  /** Writes all but opcode and modifier into zeroed memory. */
  void write(Words in);

  /** Reads the answer to a command that succeeded. */
  R read(Words out);

  /** Returns the whole command as it goes to the device. */
  default ByteBuffer encode() {
    ByteBuffer bytes = ByteBuffer.allocate(inputBytes());
    Words in = new Words(bytes);
    in.bits(0x0, 31, 16, opcode().code()).bits(0x4, 15, 0, opMod());
    write(in);
    return bytes;
  }
}
