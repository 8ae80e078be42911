package io.vferry.host.linux.testbed;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** One mtty device moves to another, through the driver, while it runs and stopped. */
final class MoveChecks {

  private final Chapter chapter;
  private final VfioMigrationDriver driver = new VfioMigrationDriver();

  MoveChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("move: the devices are listed", this::listed);
    chapter.check("move: pre-copy, stop-copy, load, run", this::moves);
    chapter.check("move: interrupts of mtty", this::interrupts);
    chapter.check("move: a device left in STOP is reset when opened, or kept", this::leftover);
  }

  private void listed() {
    List<HostDeviceInfo> infos = chapter.backend().list();
    Checks.equal(2, infos.size(), "devices");
    for (HostDeviceInfo info : infos) {
      Checks.equal("mdev", info.bus(), "bus");
      Checks.that(info.hostMigration(), "mtty is known to migrate: " + info);
      Checks.equal(DriverMatch.Rank.GENERIC, driver.match(info).rank(), "match");
    }
  }

  private void moves() throws Exception {
    byte[] precopied;
    byte[] stopped;
    try (HostDevice host = chapter.openFirst();
        MigratableDevice device = driver.attach(host)) {
      new Uart(host, 0).fill(0x5a, 0x1b, "hello");
      new Uart(host, 1).fill(0xa5, 0x03, "ferry");
      Checks.equal(FeatureSet.STOP_COPY_P2P_PRE_COPY, device.features(), "features");
      Checks.equal(DeviceState.RUNNING, device.state(), "state");
      Checks.equal(
          96L,
          device.capability(StopCopyEstimate.class).orElseThrow().stopCopyBytes().orElseThrow(),
          "estimate");
      PrecopyProgress progress = device.capability(PrecopyProgress.class).orElseThrow();
      Checks.fails(DeviceError.WRONG_STATE, progress::remaining);
      Checks.fails(DeviceError.ARC_UNSUPPORTED, () -> device.perform(Arc.RUNNING_TO_STOP));
      Checks.fails(DeviceError.WRONG_STATE, () -> device.perform(Arc.STOP_TO_STOP_COPY));

      SaveStream stream = Mover.saving(device.perform(Arc.RUNNING_TO_PRE_COPY));
      Checks.equal(24L, progress.remaining().initialBytes(), "initial bytes");
      precopied = Mover.read(stream, SaveStream.Status.NOTHING_NOW);
      Checks.equal(24, precopied.length, "bytes of the pre-copy");
      Checks.equal(0L, progress.remaining().initialBytes(), "initial bytes after reading them");
      Checks.equal(ArcOutcome.done(), device.perform(Arc.PRE_COPY_TO_PRE_COPY_P2P), "outcome");
      Checks.equal(ArcOutcome.done(), device.perform(Arc.PRE_COPY_P2P_TO_STOP_COPY), "outcome");
      stopped = Mover.read(stream, SaveStream.Status.END);
      Checks.equal(72, stopped.length, "bytes of the stop-copy");
      device.perform(Arc.STOP_COPY_TO_STOP);
      Checks.fails(DeviceError.SESSION_CLOSED, () -> stream.read(ByteBuffer.allocate(1)));
    }

    try (HostDevice host = chapter.openLast();
        MigratableDevice device = driver.attach(host)) {
      new Uart(host, 0).fill(0, 0, "");
      LoadStream stream = Mover.loading(Mover.to(device, DeviceState.RESUMING));
      for (byte[] part : List.of(precopied, stopped)) {
        // Cut differently from how it was read, from memory the kernel can and cannot reach.
        for (int at = 0; at < part.length; at += 7) {
          byte[] piece = Arrays.copyOfRange(part, at, Math.min(at + 7, part.length));
          ByteBuffer buffer =
              at % 2 == 0 ? ByteBuffer.wrap(piece) : ByteBuffer.allocateDirect(7).put(piece).flip();
          stream.write(buffer);
        }
      }
      Mover.to(device, DeviceState.RUNNING);
      Checks.fails(DeviceError.SESSION_CLOSED, () -> stream.write(ByteBuffer.allocate(1)));
      Uart first = new Uart(host, 0);
      Checks.equal(0x5a, first.scratch(), "scratch register of port 0");
      Checks.equal(0x1b, first.lineControl(), "line control of port 0");
      Checks.equal("hello", first.receive(), "FIFO of port 0");
      Uart second = new Uart(host, 1);
      Checks.equal(0xa5, second.scratch(), "scratch register of port 1");
      Checks.equal("ferry", second.receive(), "FIFO of port 1");
    }
  }

  private void interrupts() throws Exception {
    try (HostDevice host = chapter.openFirst()) {
      Checks.equal(
          List.of(
              new Interrupts.Info(Interrupts.INTX, 1, true, true),
              new Interrupts.Info(Interrupts.MSI, 1, false, false)),
          host.interrupts().info(),
          "interrupts");
      for (int kind : List.of(Interrupts.INTX, Interrupts.MSI)) {
        Semaphore told = new Semaphore(0);
        List<Integer> vectors = new ArrayList<>();
        host.interrupts()
            .enable(
                kind,
                1,
                vector -> {
                  vectors.add(vector);
                  told.release();
                });
        host.interrupts().trigger(kind, 0);
        Checks.that(told.tryAcquire(20, TimeUnit.SECONDS), "software triggered " + kind);
        if (kind == Interrupts.INTX) {
          host.interrupts().unmask(kind, 0);
        }
        // Interrupt when the transmitter is empty, which it is.
        Uart port = new Uart(host, 0);
        port.fill(0, 0, "");
        port.put(1, 0);
        port.put(1, 2);
        Checks.that(told.tryAcquire(20, TimeUnit.SECONDS), "the device signalled " + kind);
        port.put(1, 0);
        host.interrupts().disable(kind);
        Checks.equal(List.of(0, 0), vectors, "vectors of " + kind);
      }
      Checks.fails(
          DeviceError.BAD_REQUEST,
          () -> host.interrupts().enable(Interrupts.MSIX, 1, vector -> {}));
    }
  }

  private void leftover() throws Exception {
    try (HostDevice host = chapter.openFirst();
        MigratableDevice device = driver.attach(host)) {
      Mover.to(device, DeviceState.STOP);
    }
    try (HostDevice host = chapter.open(withParameter(chapter.first(), "leftover=keep"));
        MigratableDevice device = driver.attach(host)) {
      Checks.equal(DeviceState.STOP, device.state(), "state when kept");
    }
    try (HostDevice host = chapter.openFirst();
        MigratableDevice device = driver.attach(host)) {
      Checks.equal(DeviceState.RUNNING, device.state(), "state when reset");
    }
  }

  private static String withParameter(String address, String parameter) {
    return address + (address.indexOf('?') < 0 ? '?' : '&') + parameter;
  }
}
