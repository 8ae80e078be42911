package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Action;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Data;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The table of event counters where the device does not do what it is asked. */
class IrqTableTest {

  /** A device that does not turn on more than one vector. */
  private static final class Stubborn implements Interrupts {
    Listener listener = vector -> {};

    @Override
    public List<Info> info() {
      return List.of(new Info(MSIX, 4, false, false));
    }

    @Override
    public void enable(int index, int vectors, Listener told) throws MigrationException {
      if (vectors > 1) {
        throw new MigrationException(DeviceError.OUT_OF_RESOURCES, "one vector is enough");
      }
      listener = told;
    }

    @Override
    public void disable(int index) {
      listener = vector -> {};
    }

    @Override
    public void mask(int index, int vector) {}

    @Override
    public void unmask(int index, int vector) {}

    @Override
    public void trigger(int index, int vector) {
      listener.signalled(vector);
    }
  }

  @Test
  void aCounterThatTheDeviceDoesNotTakeIsClosed() throws Exception {
    Stubborn device = new Stubborn();
    IrqTable table = new IrqTable(device);
    FakeFile first = FakeFile.counter();
    table.set(
        SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, Interrupts.MSIX, 0, 1),
        new ArrayList<>(List.of(first)));
    device.trigger(Interrupts.MSIX, 0);
    assertThat(first.signals).isEqualTo(1);

    List<ClientFile> more = new ArrayList<>(List.of(FakeFile.counter(), FakeFile.counter()));
    List<ClientFile> sent = List.copyOf(more);
    Refusal refusal =
        catchThrowableOfType(
            Refusal.class,
            () ->
                table.set(
                    SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, Interrupts.MSIX, 1, 2), more));
    assertThat(refusal.errno()).isEqualTo(12);
    assertThat(more).as("taken over").isEmpty();
    assertThat(sent).allSatisfy(file -> assertThat(((FakeFile) file).closed).isEqualTo(1));

    assertThat(table.disableAll()).isNull();
    assertThat(first.closed).isEqualTo(1);
    assertThat(sent).allSatisfy(file -> assertThat(((FakeFile) file).closed).isEqualTo(1));
  }
}
