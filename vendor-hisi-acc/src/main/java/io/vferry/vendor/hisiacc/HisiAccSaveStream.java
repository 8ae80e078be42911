package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * A stream on its way out: 40 bytes while the device runs, perhaps 136 more when it has stopped.
 * Its lock is never held while the device is touched, so that a reader cannot keep a reset waiting.
 */
final class HisiAccSaveStream implements SaveStream {

  private final String name;
  private final HisiAccSession session;
  private final ByteBuffer image = ByteBuffer.allocate(HisiAccStreamFormat.STATE_BYTES);
  private int lengthBytes = HisiAccStreamFormat.MATCH_BYTES;
  private int position;
  private boolean complete;
  private boolean closed;

  HisiAccSaveStream(String name, HisiAccMatch match, HisiAccSession session) {
    this.name = name;
    this.session = session;
    match.write(image);
  }

  /**
   * Completes the image. Bytes that were read before are not given again, so they must not differ
   * from what they were; the state of the guest's driver is the only one that can, and whoever
   * loads the stream goes by its length.
   */
  synchronized void complete(HisiAccSnapshot.Image saved) {
    if (position <= HisiAccStreamFormat.GUEST_STATE) {
      saved.match().write(image);
    }
    saved
        .state()
        .ifPresent(
            state -> {
              state.write(image);
              lengthBytes = HisiAccStreamFormat.STATE_BYTES;
            });
    complete = true;
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    if (!isClosed()) {
      session.look();
    }
    return readOn(into);
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private synchronized Status readOn(ByteBuffer into) throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the save stream of " + name + " has ended");
    }
    int count = Math.min(into.remaining(), lengthBytes - position);
    if (count == 0) {
      return complete ? Status.END : Status.NOTHING_NOW;
    }
    into.put(image.slice(position, count));
    position += count;
    return Status.DATA;
  }

  /** Returns how many bytes of the first part are left. */
  synchronized int initialBytes() throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the save stream of " + name + " has ended");
    }
    return Math.max(0, HisiAccStreamFormat.MATCH_BYTES - position);
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
