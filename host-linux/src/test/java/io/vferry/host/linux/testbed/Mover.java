package io.vferry.host.linux.testbed;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/** Drives a device along the paths of the transition table, as the runtime does. */
final class Mover {

  private Mover() {}

  /** Moves a device; returns what the last arc gave. */
  static ArcOutcome to(MigratableDevice device, DeviceState target) throws MigrationException {
    ArcOutcome last = ArcOutcome.done();
    Transition transition =
        TransitionTable.of(device.features()).transition(device.state(), target);
    for (Arc arc : ((Transition.Path) transition).arcs()) {
      last = device.perform(arc);
    }
    return last;
  }

  static SaveStream saving(ArcOutcome outcome) {
    return ((ArcOutcome.Saving) outcome).stream();
  }

  static LoadStream loading(ArcOutcome outcome) {
    return ((ArcOutcome.Loading) outcome).stream();
  }

  /** Reads until the stream has nothing now or nothing any more, whichever was asked for. */
  static byte[] read(SaveStream stream, SaveStream.Status until) throws MigrationException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocateDirect(4096);
    while (true) {
      buffer.clear();
      SaveStream.Status status = stream.read(buffer);
      if (status == until) {
        return bytes.toByteArray();
      }
      Checks.equal(SaveStream.Status.DATA, status, "status of a read before " + until);
      buffer.flip();
      byte[] piece = new byte[buffer.remaining()];
      buffer.get(piece);
      bytes.writeBytes(piece);
    }
  }

  /** Saves a running device without pre-copy and leaves it in STOP_COPY. */
  static byte[] save(MigratableDevice device) throws MigrationException {
    try (SaveStream stream = saving(to(device, DeviceState.STOP_COPY))) {
      return read(stream, SaveStream.Status.END);
    }
  }
}
