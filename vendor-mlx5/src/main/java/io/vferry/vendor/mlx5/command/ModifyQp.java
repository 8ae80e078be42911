package io.vferry.vendor.mlx5.command;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * Takes a queue pair one step further. Source of the values: Linux 6.12, {@code
 * drivers/vfio/pci/mlx5/cmd.c}, {@code mlx5vf_activate_qp}.
 *
 * @param step which step
 * @param qpn the pair
 * @param remoteQpn the other end, for {@link Step#TO_RECEIVE}
 * @param logMaxMessageBytes log2 of the longest message, for {@link Step#TO_RECEIVE}
 */
public record ModifyQp(Step step, int qpn, int remoteQpn, int logMaxMessageBytes)
    implements PlainCommand {

  /** The steps in their order. */
  public enum Step {
    /** Reset to initialised. */
    TO_INIT,
    /** Initialised to ready to receive. */
    TO_RECEIVE,
    /** Ready to receive to ready to send. */
    TO_SEND
  }

  @Override
  public Opcode opcode() {
    return switch (step) {
      case TO_INIT -> Opcode.RST2INIT_QP;
      case TO_RECEIVE -> Opcode.INIT2RTR_QP;
      case TO_SEND -> Opcode.RTR2RTS_QP;
    };
  }

  @Override
  public int inputBytes() {
    return QpContext.COMMAND_BYTES;
  }

  @Override
  public void write(Words in) {
    in.bits(0x8, 23, 0, qpn);
    switch (step) {
      case TO_INIT -> QpContext.reset2init(in);
      case TO_RECEIVE -> QpContext.init2rtr(in, remoteQpn, logMaxMessageBytes);
      case TO_SEND -> QpContext.rtr2rts(in);
    }
  }
}
