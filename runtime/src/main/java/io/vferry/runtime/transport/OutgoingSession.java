package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.util.List;
import java.util.concurrent.ThreadFactory;

/** A source's session over links. */
final class OutgoingSession extends Session implements SourceSession {

  private final ChunkDispatcher dispatcher;

  private OutgoingSession(
      Link control,
      List<Link> data,
      long windowBytes,
      TransportSettings settings,
      HostClock clock,
      ThreadFactory threads) {
    super(control, data, settings, clock, threads);
    this.dispatcher =
        new ChunkDispatcher(
            data.size(),
            windowBytes,
            settings.maxBandwidthBytesPerSecond(),
            clock,
            failure(),
            control.peer());
  }

  /**
   * Starts a session over connections that have shaken hands.
   *
   * @param windowBytes the receiver's memory
   */
  static OutgoingSession start(
      Link control,
      List<Link> data,
      long windowBytes,
      TransportSettings settings,
      HostClock clock,
      ThreadFactory threads) {
    OutgoingSession session =
        new OutgoingSession(control, data, windowBytes, settings, clock, threads);
    session.startControl();
    for (int i = 0; i < data.size(); i++) {
      session.startData(
          new ChunkWriter(i + 1, data.get(i), session.dispatcher.lane(i), clock, session.failure()),
          data.get(i));
    }
    return session;
  }

  @Override
  public ChunkSender chunks() {
    return dispatcher;
  }

  @Override
  public TransportCounters counters() {
    return dispatcher.counters();
  }

  @Override
  public void credit(long bytes) throws MigrationException {
    dispatcher.credit(bytes);
  }

  @Override
  public void goodbye() {
    super.goodbye();
    // The destination takes nothing any more.
    dispatcher.end();
    inbox().end();
    outbox().end();
  }

  @Override
  void ended(Loop loop) {
    // Nothing waits for a single connection.
  }

  @Override
  void endData() {
    dispatcher.end();
  }
}
