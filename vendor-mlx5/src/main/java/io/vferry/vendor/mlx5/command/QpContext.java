package io.vferry.vendor.mlx5.command;

/** Where the fields of a queue pair's context lie in the commands that carry one. */
final class QpContext {

  /** Length of a command with a context, without a list of pages. */
  static final int COMMAND_BYTES = 0x110;

  private static final int CONTEXT = 0x18;
  private static final int PATH = CONTEXT + 0x18;
  private static final int PM_MIGRATED = 3;
  private static final int ANY_USER_INDEX = 0xffffff;
  private static final int RQ_ZERO_LENGTH = 3;
  private static final int MTU_4096 = 5;
  private static final int PORT = 1;

  private QpContext() {}

  static void create(
      Words in, int pd, int uar, int cqn, int logReceives, boolean receives, long doorbell) {
    in.bits(CONTEXT, 12, 11, PM_MIGRATED)
        .bits(CONTEXT + 0x4, 23, 0, pd)
        .bit(CONTEXT + 0x8, 15, true) // no send queue
        .bits(CONTEXT + 0xc, 23, 0, uar)
        .bits(CONTEXT + 0x10, 23, 0, ANY_USER_INDEX)
        .bits(CONTEXT + 0x9c, 23, 0, cqn)
        .quad(CONTEXT + 0xa0, doorbell);
    if (receives) {
      in.bits(CONTEXT + 0x8, 22, 19, logReceives);
    } else {
      in.bits(CONTEXT + 0xac, 26, 24, RQ_ZERO_LENGTH);
    }
  }

  static void reset2init(Words in) {
    in.bits(CONTEXT, 12, 11, PM_MIGRATED)
        .bits(PATH + 0x24, 23, 16, PORT)
        .bit(CONTEXT + 0x90, 15, true) // remote reads
        .bit(CONTEXT + 0x90, 14, true); // remote writes
  }

  static void init2rtr(Words in, int remoteQpn, int logMaxMessageBytes) {
    in.bits(CONTEXT + 0x8, 31, 29, MTU_4096)
        .bits(CONTEXT + 0x8, 28, 24, logMaxMessageBytes)
        .bits(CONTEXT + 0x14, 23, 0, remoteQpn)
        .bit(PATH, 31, true) // within this port
        .bits(PATH + 0x24, 23, 16, PORT)
        .bits(CONTEXT + 0x94, 28, 24, 1); // shortest wait of a sender that finds no receive
  }

  static void rtr2rts(Words in) {
    in.bits(PATH + 0x8, 31, 27, 8) // acknowledgement within a millisecond
        .bits(CONTEXT + 0x70, 18, 16, 7)
        .bits(CONTEXT + 0x70, 15, 13, 7); // as often as it takes
  }
}
