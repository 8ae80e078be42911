package io.vferry.host.linux.user.wire;

import java.util.Optional;

/** The commands, with the numbers and names of the specification. */
public enum Command {
  /** Opens the conversation. */
  VERSION(1),
  /** Gives the device memory. */
  DMA_MAP(2),
  /** Takes memory from the device. */
  DMA_UNMAP(3),
  /** Asks for the numbers of regions and interrupts. */
  DEVICE_GET_INFO(4),
  /** Asks for one region. */
  DEVICE_GET_REGION_INFO(5),
  /** Asks for files that stand for parts of a region. */
  DEVICE_GET_REGION_IO_FDS(6),
  /** Asks for one kind of interrupt. */
  DEVICE_GET_IRQ_INFO(7),
  /** Turns interrupts on and off. */
  DEVICE_SET_IRQS(8),
  /** Reads a region. */
  REGION_READ(9),
  /** Writes a region. */
  REGION_WRITE(10),
  /** Reads memory that was given without a file; from server to client. */
  DMA_READ(11),
  /** Writes memory that was given without a file; from server to client. */
  DMA_WRITE(12),
  /** Resets the device. */
  DEVICE_RESET(13),
  /** Several small writes at once; only if both sides agreed to it. */
  REGION_WRITE_MULTI(15),
  /** Migration states and the log of DMA, as the kernel's ioctl. */
  DEVICE_FEATURE(16),
  /** Reads the migration stream. */
  MIG_DATA_READ(17),
  /** Writes the migration stream. */
  MIG_DATA_WRITE(18),
  /** Asks what is left in pre-copy; since the later revision of the specification. */
  GET_PRECOPY_INFO(19);

  private final int number;

  Command(int number) {
    this.number = number;
  }

  /** Returns the number in the header. */
  public int number() {
    return number;
  }

  /** Whether the server sends it; all others are sent by the client. */
  public boolean fromServer() {
    return this == DMA_READ || this == DMA_WRITE;
  }

  /** Returns the command with a number, or empty for one this version does not know. */
  public static Optional<Command> ofNumber(int number) {
    for (Command command : values()) {
      if (command.number == number) {
        return Optional.of(command);
      }
    }
    return Optional.empty();
  }
}
