package io.vferry.compat.v1;

import io.vferry.compat.v1.V1Translation.Verdict;

/**
 * Whether the text of v1 names a change of state, and what clients made of its silence.
 *
 * @param verdict LUCK where the text is silent
 * @param reason one sentence; empty if the change is legal
 */
record V1Legality(Verdict verdict, String reason) {

  private static final V1Legality LEGAL = new V1Legality(Verdict.LEGAL, "");

  /**
   * Judges a change. Sources: the diagram of Linux 5.10, {@code include/uapi/linux/vfio.h}; QEMU
   * 5.2 to 7.2, {@code hw/vfio/migration.c}.
   */
  static V1Legality of(V1State from, V1State to) {
    if (from == to) {
      return LEGAL;
    }
    if (from == V1State.ERROR || to == V1State.ERROR) {
      return new V1Legality(
          Verdict.ILLEGAL, "The error state is never asked for, and only a reset leads out of it.");
    }
    String change = from.bits() + ">" + to.bits();
    return switch (change) {
      case "1>0", "1>2", "1>3", "1>4", "2>0", "3>2", "4>1" -> LEGAL;
      case "0>1", "0>2", "2>1", "3>1" ->
          new V1Legality(
              Verdict.LUCK,
              "The text of v1 does not name this change; drivers took it because QEMU makes it.");
      case "2>3" ->
          new V1Legality(
              Verdict.ILLEGAL,
              "A stopped save cannot go back to pre-copy: v1 is silent, no client did it, v2"
                  + " forbids it.");
      default ->
          new V1Legality(
              Verdict.LUCK,
              "The text of v1 does not name this change, and QEMU never makes it; ask the driver's"
                  + " author.");
    };
  }
}
