package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.VfioUapi.IrqSet;
import java.nio.ByteBuffer;

/**
 * {@link Command#DEVICE_SET_IRQS}. Its reply has no payload. Event counters come as files of the
 * message: as many as {@code count}, or none to take them away.
 *
 * @param data what the data are
 * @param action what is to be done
 * @param index which kind of interrupt, unsigned
 * @param start first vector, 0 or more
 * @param count number of vectors, 0 to {@link #MOST_VECTORS}
 * @param bools one byte for each vector if the data are {@link Data#BOOL}, else empty
 */
public record SetIrqsMessage(
    Data data, Action action, int index, int start, int count, ByteBuffer bools)
    implements Payload {

  /** No interrupt has more vectors: 2048 of MSI-X is the most. */
  public static final int MOST_VECTORS = 2048;

  private static final int DATA_MASK = 7;
  private static final int ACTION_MASK = 0x38;

  /** What comes with the command. */
  public enum Data {
    /** Nothing: each vector is meant. */
    NONE(VfioUapi.VFIO_IRQ_SET_DATA_NONE),
    /** A byte for each vector, which is meant if it is not 0; the number is that of Linux 6.12. */
    BOOL(2),
    /** Event counters. */
    EVENTFD(VfioUapi.VFIO_IRQ_SET_DATA_EVENTFD);

    private final int flag;

    Data(int flag) {
      this.flag = flag;
    }
  }

  /** What is to be done. */
  public enum Action {
    /** Keep from signalling. */
    MASK(VfioUapi.VFIO_IRQ_SET_ACTION_MASK),
    /** Let signal again. */
    UNMASK(VfioUapi.VFIO_IRQ_SET_ACTION_UNMASK),
    /** Say whom to signal, or signal now. */
    TRIGGER(VfioUapi.VFIO_IRQ_SET_ACTION_TRIGGER);

    private final int flag;

    Action(int flag) {
      this.flag = flag;
    }
  }

  /** Returns a command without bytes for each vector. */
  public static SetIrqsMessage of(Data data, Action action, int index, int start, int count) {
    return new SetIrqsMessage(data, action, index, start, count, ByteBuffer.allocate(0));
  }

  /**
   * Reads the payload of the command.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static SetIrqsMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_SET_IRQS, payload, IrqSet.SIZEOF);
    int argsz = in.argsz(IrqSet.SIZEOF);
    if (argsz != in.sizeBytes()) {
      throw in.malformed("argsz is %d, but %d bytes were sent".formatted(argsz, in.sizeBytes()));
    }
    int flags = in.i32(IrqSet.FLAGS);
    int start = in.upTo(IrqSet.START, MOST_VECTORS, "the first vector");
    int count = in.upTo(IrqSet.COUNT, MOST_VECTORS, "the number of vectors");
    Data data = data(in, flags);
    ByteBuffer bools = in.rest(IrqSet.DATA, data == Data.BOOL ? count : 0, "data for the vectors");
    return new SetIrqsMessage(data, action(in, flags), in.i32(IrqSet.INDEX), start, count, bools);
  }

  private static Data data(PayloadReader in, int flags) throws MalformedMessageException {
    for (Data data : Data.values()) {
      if ((flags & ~ACTION_MASK) == data.flag) {
        return data;
      }
    }
    throw in.malformed("flags 0x%x do not name exactly one kind of data".formatted(flags));
  }

  private static Action action(PayloadReader in, int flags) throws MalformedMessageException {
    for (Action action : Action.values()) {
      if ((flags & ~DATA_MASK) == action.flag) {
        return action;
      }
    }
    throw in.malformed("flags 0x%x do not name exactly one action".formatted(flags));
  }

  @Override
  public int sizeBytes() {
    return IrqSet.SIZEOF + bools.remaining();
  }

  @Override
  public void put(ByteBuffer out) {
    int at = out.position();
    out.putInt(at + IrqSet.ARGSZ, sizeBytes())
        .putInt(at + IrqSet.FLAGS, data.flag | action.flag)
        .putInt(at + IrqSet.INDEX, index)
        .putInt(at + IrqSet.START, start)
        .putInt(at + IrqSet.COUNT, count)
        .position(at + IrqSet.DATA);
    out.put(bools.duplicate());
  }
}
