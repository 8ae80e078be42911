package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.mlx5.prm.CommandStatus;
import io.vferry.vendor.mlx5.prm.DeliveryStatus;
import io.vferry.vendor.mlx5.prm.Opcode;

/** A command that did not succeed. Never leaves the module. */
public final class CommandException extends Exception {

  private static final long serialVersionUID = 1;

  /** What became of the command. */
  public enum Fate {
    /** The firmware took it and refused it; nothing changed. */
    REFUSED,
    /** It never reached the firmware. */
    NOT_DELIVERED,
    /** No answer in time; nobody knows whether it was or still will be executed. */
    UNKNOWN,
    /** The answer is damaged; nobody knows what it said. */
    ANSWER_DAMAGED,
    /** The physical function is gone, was reset, or its session is closed. */
    LOST,
    /** There is no memory, queue slot or field wide enough for it; it was not sent. */
    NO_RESOURCES
  }

  private final Fate fate;
  private final int status;

  private CommandException(Fate fate, int status, String text) {
    super(text);
    this.fate = fate;
    this.status = status;
  }

  static CommandException refused(Opcode opcode, int status, int syndrome) {
    return new CommandException(
        Fate.REFUSED,
        status,
        "%s was refused with status 0x%02x %s, syndrome 0x%08x"
            .formatted(
                opcode,
                status,
                CommandStatus.of(status).map(Enum::name).orElse("(unknown)"),
                syndrome));
  }

  static CommandException notDelivered(Opcode opcode, int delivery) {
    return new CommandException(
        Fate.NOT_DELIVERED,
        0,
        "%s was not delivered: 0x%02x %s"
            .formatted(
                opcode, delivery, DeliveryStatus.of(delivery).map(Enum::name).orElse("(unknown)")));
  }

  static CommandException timedOut(Opcode opcode, long timeoutNanos) {
    return new CommandException(
        Fate.UNKNOWN, 0, "%s got no answer in %d ms".formatted(opcode, timeoutNanos / 1_000_000));
  }

  static CommandException damaged(Opcode opcode, String what) {
    return new CommandException(
        Fate.ANSWER_DAMAGED, 0, "the answer to %s is damaged: %s".formatted(opcode, what));
  }

  /** Says that the physical function cannot be used any more. */
  public static CommandException lost(String why) {
    return new CommandException(Fate.LOST, 0, why);
  }

  /** Says what this host or a command lacks. */
  public static CommandException noResources(String what) {
    return new CommandException(Fate.NO_RESOURCES, 0, what);
  }

  /** Returns what became of the command. */
  public Fate fate() {
    return fate;
  }

  /** Whether the firmware answered with this status. */
  public boolean is(CommandStatus expected) {
    return fate == Fate.REFUSED && status == expected.code();
  }

  /** Whether it is certain that the command changed nothing. */
  public boolean unchanged() {
    return fate == Fate.REFUSED || fate == Fate.NOT_DELIVERED || fate == Fate.NO_RESOURCES;
  }

  /**
   * Returns the failure for people.
   *
   * @param device what it happened to
   * @param otherwise the code, unless the command's fate has one of its own
   */
  public MigrationException toMigration(String device, ErrorCode otherwise) {
    ErrorCode code =
        switch (fate) {
          case REFUSED, NOT_DELIVERED, ANSWER_DAMAGED -> otherwise;
          case UNKNOWN -> DeviceError.TIMEOUT;
          case LOST -> DeviceError.DEVICE_LOST;
          case NO_RESOURCES -> DeviceError.OUT_OF_RESOURCES;
        };
    return new MigrationException(code, device + ": " + getMessage(), this);
  }
}
