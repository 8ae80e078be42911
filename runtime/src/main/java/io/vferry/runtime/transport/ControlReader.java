package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads the control connection. */
final class ControlReader implements Loop, Stallable {

  /** What is not a message. */
  interface Events {
    /** Credit came back. */
    void credit(long bytes) throws MigrationException;

    /** The other side has said goodbye. */
    void goodbye();

    /** The other side says why the session failed there. */
    void aborted(String why);
  }

  private final Link link;
  private final ControlInbox inbox;
  private final Events events;
  private final SessionFailure failure;
  private final Progress progress;
  private final ByteBuffer header = ByteBuffer.allocateDirect(ControlFrame.HEADER_BYTES);
  private final ByteBuffer[] headerOnly = {header};
  private @Nullable ControlFrame frame;
  private ByteBuffer body = ByteBuffer.allocate(0);
  private boolean ended;

  ControlReader(
      Link link, ControlInbox inbox, Events events, HostClock clock, SessionFailure failure) {
    this.link = link;
    this.inbox = inbox;
    this.events = events;
    this.failure = failure;
    this.progress = new Progress(clock);
    progress.expected();
  }

  @Override
  public String name() {
    return "control-reader";
  }

  @Override
  public int doWork() throws IOException, MigrationException {
    if (ended) {
      return FINISHED;
    }
    if (!inbox.hasRoom() && !failure.isSet()) {
      // The other side is not to blame while messages are not taken here.
      progress.idle();
      return 0;
    }
    progress.resumed();
    long count = frame == null ? link.read(headerOnly) : link.read(new ByteBuffer[] {body});
    if (count < 0) {
      throw new EOFException("it ends without having said so");
    }
    if (count > 0) {
      progress.expected();
    }
    if (frame == null && !header.hasRemaining()) {
      frame = ControlFrame.read(header.flip(), link.peer());
      body = ByteBuffer.allocate(frame.lengthBytes());
    }
    if (frame != null && !body.hasRemaining()) {
      ControlFrame whole = frame;
      frame = null;
      header.clear();
      deliver(whole, body.array());
    }
    return (int) count;
  }

  private void deliver(ControlFrame whole, byte[] bytes) throws MigrationException {
    if (Frame.crc32c(ByteBuffer.wrap(bytes)) != whole.crc32c()) {
      throw new MigrationException(
          RuntimeError.TRANSPORT_CORRUPT,
          "the checksum of a message from " + link.peer() + " is wrong");
    }
    switch (whole.kind()) {
      case MESSAGE -> inbox.add(bytes);
      case HEARTBEAT -> {
        // It is alive; that was noted when the bytes were read.
      }
      case CREDIT -> events.credit(ByteBuffer.wrap(bytes).getLong());
      case GOODBYE -> {
        ended = true;
        events.goodbye();
      }
      case ABORT -> {
        ended = true;
        events.aborted(printable(new String(bytes, StandardCharsets.UTF_8)));
      }
    }
  }

  /** What a stranger says must not move the cursor of somebody's terminal. */
  static String printable(String text) {
    return text.replaceAll("[\\p{Cntrl}\\p{Cf}]", " ");
  }

  @Override
  public void awaitWork() throws InterruptedException {
    inbox.awaitRoom();
  }

  @Override
  public void finished() {
    progress.idle();
  }

  @Override
  public long stalledNanos() {
    return progress.stalledNanos();
  }

  @Override
  public String stalledWhat() {
    return "nothing was heard from " + link.peer();
  }
}
