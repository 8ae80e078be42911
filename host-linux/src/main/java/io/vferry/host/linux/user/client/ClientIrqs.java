package io.vferry.host.linux.user.client;

import io.vferry.host.linux.IrqControl;
import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Action;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Data;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.List;

/** Turns interrupts on and off by message; the counters travel as files. */
final class ClientIrqs implements IrqControl {

  private final ClientChannel channel;
  private final int filesPerMessage;

  ClientIrqs(ClientChannel channel, int filesPerMessage) {
    this.channel = channel;
    this.filesPerMessage = filesPerMessage;
  }

  @Override
  public void setIrqs(int index, List<EventFd> signals) throws KernelError, MigrationException {
    if (filesPerMessage == 0) {
      // The server said that it takes no files, so nothing can be signalled.
      throw new KernelError(Command.DEVICE_SET_IRQS.name(), Errno.EINVAL);
    }
    List<Fd> files = signals.stream().map(EventFd::fd).toList();
    for (int start = 0; start < files.size(); start += filesPerMessage) {
      List<Fd> some = files.subList(start, Math.min(files.size(), start + filesPerMessage));
      try {
        channel.ask(
            new Request(
                Command.DEVICE_SET_IRQS,
                SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, index, start, some.size()),
                ByteBuffer.allocate(0),
                some),
            ReplyReader.NOTHING);
      } catch (KernelError e) {
        if (start > 0) {
          // All or none: the first ones are on.
          setIrqs(VfioUapi.VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, 0);
        }
        throw e;
      }
    }
  }

  @Override
  public void setIrqs(int action, int index, int start, int count)
      throws KernelError, MigrationException {
    Action named =
        switch (action) {
          case VfioUapi.VFIO_IRQ_SET_ACTION_MASK -> Action.MASK;
          case VfioUapi.VFIO_IRQ_SET_ACTION_UNMASK -> Action.UNMASK;
          default -> Action.TRIGGER;
        };
    channel.ask(
        Request.of(
            Command.DEVICE_SET_IRQS, SetIrqsMessage.of(Data.NONE, named, index, start, count)),
        ReplyReader.NOTHING);
  }
}
