package io.vferry.host.linux.testbed;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Streams that are not what the source saved are refused, and the source runs on. */
final class BadStreamChecks {

  private final Chapter chapter;
  private final VfioMigrationDriver driver = new VfioMigrationDriver();

  BadStreamChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("bad-streams: corrupted", this::corrupted);
    chapter.check("bad-streams: truncated", this::truncated);
    chapter.check("bad-streams: truncated to nothing", this::empty);
    chapter.check("bad-streams: overlong", this::overlong);
    chapter.check(
        "bad-streams: a device closed while loading opens anew", this::closedWhileLoading);
  }

  /** What is tried on the destination with the state of the source. */
  private interface Attempt {
    void on(MigratableDevice destination, byte[] state) throws MigrationException;
  }

  /** Saves the source, tries something on the destination, resets that, and lets the source run. */
  private void attempt(Attempt attempt) throws MigrationException {
    try (HostDevice sourceHost = chapter.openFirst();
        MigratableDevice from = driver.attach(sourceHost);
        HostDevice destinationHost = chapter.openLast();
        MigratableDevice to = driver.attach(destinationHost)) {
      new Uart(sourceHost, 0).fill(0x77, 0x1b, "still here");
      new Uart(destinationHost, 0).fill(0x11, 0x03, "untouched");
      byte[] state = Mover.save(from);
      Checks.equal(96, state.length, "bytes saved");

      attempt.on(to, state);
      to.reset();
      Checks.equal(DeviceState.RUNNING, to.state(), "destination after reset");

      Mover.to(from, DeviceState.RUNNING);
      Uart port = new Uart(sourceHost, 0);
      Checks.equal(0x77, port.scratch(), "scratch register of the source");
      Checks.equal("still here", port.receive(), "FIFO of the source");
      port.fill(0x78, 0x1b, "and works");
      Checks.equal("and works", port.receive(), "FIFO of the source afterwards");
    }
  }

  private void refusedToLeave(MigratableDevice device, DeviceError code) throws MigrationException {
    MigrationException e = Checks.fails(code, () -> device.perform(Arc.RESUMING_TO_STOP));
    Checks.equal(DeviceState.RESUMING, e.state().orElseThrow(), "state in the error");
    Checks.equal(DeviceCondition.NEEDS_RESET, e.condition(), "condition");
    Checks.equal(DeviceState.RESUMING, device.state(), "state");
  }

  /** The kernel would let this device out of RESUMING although it refused the write. */
  private void corrupted() throws MigrationException {
    attempt(
        (device, state) -> {
          LoadStream stream = Mover.loading(Mover.to(device, DeviceState.RESUMING));
          byte[] bad = state.clone();
          bad[0] ^= 1;
          Checks.fails(DeviceError.DATA_CORRUPT, () -> stream.write(ByteBuffer.wrap(bad)));
          Checks.fails(DeviceError.DATA_CORRUPT, () -> stream.write(ByteBuffer.wrap(state)));
          refusedToLeave(device, DeviceError.DATA_CORRUPT);
        });
  }

  private void truncated() throws MigrationException {
    attempt(
        (device, state) -> {
          LoadStream stream = Mover.loading(Mover.to(device, DeviceState.RESUMING));
          stream.write(ByteBuffer.wrap(Arrays.copyOf(state, state.length - 1)));
          refusedToLeave(device, DeviceError.DATA_CORRUPT);
        });
  }

  private void empty() throws MigrationException {
    attempt(
        (device, state) -> {
          Mover.loading(Mover.to(device, DeviceState.RESUMING)).close();
          refusedToLeave(device, DeviceError.DATA_CORRUPT);
        });
  }

  private void overlong() throws MigrationException {
    attempt(
        (device, state) -> {
          LoadStream stream = Mover.loading(Mover.to(device, DeviceState.RESUMING));
          stream.write(ByteBuffer.wrap(state));
          Checks.fails(DeviceError.DATA_TOO_LONG, () -> stream.write(ByteBuffer.allocateDirect(1)));
          refusedToLeave(device, DeviceError.DATA_TOO_LONG);
        });
  }

  /** This kernel keeps RESUMING across close, and then dereferences null in any arc but a reset. */
  private void closedWhileLoading() throws MigrationException {
    try (HostDevice host = chapter.openLast();
        MigratableDevice device = driver.attach(host)) {
      Mover.to(device, DeviceState.RESUMING);
    }
    try (HostDevice host = chapter.openLast();
        MigratableDevice device = driver.attach(host)) {
      Checks.equal(DeviceState.RUNNING, device.state(), "state of the device opened anew");
      Mover.to(device, DeviceState.STOP);
    }
  }
}
