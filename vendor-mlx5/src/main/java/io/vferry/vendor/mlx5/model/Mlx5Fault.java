package io.vferry.vendor.mlx5.model;

import io.vferry.spi.host.DeviceParameters;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Something that goes wrong at a command.
 *
 * @param command the name of an opcode, or {@code *}
 * @param occurrence which one of those that match, from 1; 0 for each
 * @param vhca the function it names, or -1 for any
 * @param value the kind's number
 */
record Mlx5Fault(String command, long occurrence, int vhca, Kind kind, long value) {

  /** What goes wrong. */
  enum Kind {
    /** The command takes so much longer; a time. */
    DELAY,
    /** The command never completes. */
    HANG,
    /** The command completes, and no event says so. */
    LOST_EVENT,
    /** Two events say that the command completed. */
    DUPLICATE_EVENT,
    /** The answer's token is wrong. */
    WRONG_TOKEN,
    /** The answer's signatures are wrong. */
    WRONG_SIGNATURE,
    /** The command is not executed; a delivery status. */
    DELIVERY,
    /** The command is not executed; a command status. */
    STATUS,
    /** The command is executed, and answers as if it was not; a command status. */
    STATUS_AFTER,
    /** The syndrome beside a status. */
    SYNDROME,
    /** The command completes only when the firmware was given so many pages. */
    GIVE_PAGES,
    /** The firmware wants to give back so many pages; the command completes after that. */
    TAKE_PAGES,
    /** The health counter stands still from now on. */
    HEALTH_STUCK,
    /** The health buffer tells a syndrome; a number. */
    HEALTH,
    /** The firmware initialises itself again, for a time. */
    INITIALIZING,
    /** The card leaves the bus before the command completes. */
    REMOVE_PF,
    /** The function that the command names is reset before it completes. */
    RESET_VF,
    /** The card is reset before the command completes. */
    RESET_PF,
    /** A page of the command's buffer cannot be reached; which one, from 0. */
    DMA_FAULT,
    /** The image ends so many bytes too early, and the answer says so. */
    SHORT_IMAGE,
    /** A byte of the image is wrong; at which offset. */
    DAMAGE_IMAGE,
    /** The function's state changes by so many bytes right after the answer. */
    GROW,
    /** The function's state changes so that its first image has to be sent anew. */
    REINIT,
    /** The capability to migrate is withdrawn. */
    WITHDRAW_MIGRATION,
    /** A report ends in the state "error". */
    REPORT_ERROR,
    /** The tracker fails and says so by an event, not by a message. */
    OBJECT_CHANGE,
    /** The completion queue of the report fails. */
    CQ_ERROR,
    /** A work queue of the report fails. */
    WQ_ERROR,
    /** A report's last message does not come. */
    NO_END,
    /** An empty message says that the report goes on. */
    EMPTY_REPORTING,
    /** A completion has another opcode; which one. */
    WRONG_OPCODE,
    /** Each page is reported twice. */
    DUPLICATE_PAGE,
    /** A page outside the range is reported as well. */
    FOREIGN_PAGE,
    /** A report leaves out a page, which one, from 0: a lie to prove that audits see it. */
    FORGET_PAGE
  }

  private static final Pattern TEXT =
      Pattern.compile(
          "([A-Z0-9_]+|\\*)(?:#([0-9]{1,9}))?(?:@([0-9]{1,5}))?:([a-z-]+)(?:=([0-9a-zA-Z]+))?");

  /**
   * Reads {@code COMMAND#occurrence@vhca:kind=value}; all but command and kind may be missing.
   *
   * @throws IllegalArgumentException with a sentence for people
   */
  static Mlx5Fault parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'%s' is no fault: write COMMAND#occurrence@vhca:kind=value, for example".formatted(text)
              + " SAVE_VHCA_STATE#2:status=0x9");
    }
    String name = matcher.group(4).toUpperCase(Locale.ROOT).replace('-', '_');
    Kind kind =
        Arrays.stream(Kind.values())
            .filter(candidate -> candidate.name().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "'%s' is no kind of fault; there are %s"
                            .formatted(matcher.group(4), Arrays.toString(Kind.values()))));
    return new Mlx5Fault(
        matcher.group(1),
        matcher.group(2) == null ? 0 : Long.parseLong(matcher.group(2)),
        matcher.group(3) == null ? -1 : Integer.parseInt(matcher.group(3)),
        kind,
        value(matcher.group(5) == null ? "0" : matcher.group(5)));
  }

  private static long value(String text) {
    if (text.matches("0x[0-9a-fA-F]{1,15}")) {
      return Long.parseLong(text.substring(2), 16);
    }
    return DeviceParameters.parseNanos(text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "'%s' is no number of a fault: write 9, 0x9 or 70s".formatted(text)));
  }

  boolean concerns(String opcode, int commandVhca) {
    return (command.equals("*") || command.equals(opcode)) && (vhca < 0 || vhca == commandVhca);
  }
}
