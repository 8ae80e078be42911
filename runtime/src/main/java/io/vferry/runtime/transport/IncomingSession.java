package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;

/** A destination's session over links. */
final class IncomingSession extends Session implements DestinationSession {

  private final CreditLedger ledger;
  private final List<ChunkReader> readers = new ArrayList<>();
  private int openReaders;
  private boolean ending;

  private IncomingSession(
      Link control,
      List<Link> data,
      TransportSettings settings,
      HostClock clock,
      ThreadFactory threads) {
    super(control, data, settings, clock, threads);
    this.ledger = new CreditLedger(settings.receiveWindowBytes(), outbox()::giveBack);
  }

  /** Starts a session over connections that have shaken hands. */
  static IncomingSession start(
      Link control,
      List<Link> data,
      TransportSettings settings,
      HostClock clock,
      ThreadFactory threads) {
    IncomingSession session = new IncomingSession(control, data, settings, clock, threads);
    session.startControl();
    return session;
  }

  @Override
  public synchronized void start(ChunkListener listener) {
    if (!readers.isEmpty()) {
      throw new IllegalStateException("the session delivers chunks already");
    }
    if (ending) {
      return;
    }
    for (int i = 0; i < data().size(); i++) {
      readers.add(new ChunkReader(i + 1, data().get(i), ledger, listener, clock(), failure()));
    }
    openReaders = readers.size();
    for (int i = 0; i < readers.size(); i++) {
      startData(readers.get(i), data().get(i));
    }
  }

  @Override
  public synchronized TransportCounters counters() {
    if (readers.isEmpty()) {
      return new TransportCounters(
          data().stream().map(link -> new TransportCounters.Connection(0, 0)).toList());
    }
    return new TransportCounters(readers.stream().map(ChunkReader::counters).toList());
  }

  /** Returns the memory of chunks not yet released. */
  long heldBytes() {
    return ledger.heldBytes();
  }

  @Override
  public void credit(long bytes) throws MigrationException {
    throw new MigrationException(
        RuntimeError.TRANSPORT_VIOLATION, peer() + " gave back credit, but it is the sender");
  }

  @Override
  public void goodbye() {
    super.goodbye();
    answerGoodbye();
  }

  @Override
  void ended(Loop loop) {
    if (loop instanceof ChunkReader) {
      synchronized (this) {
        openReaders--;
      }
      answerGoodbye();
    }
  }

  /** Answers the source's goodbye when everything that it sent has arrived. */
  private void answerGoodbye() {
    synchronized (this) {
      if (!goodbyeSeen() || openReaders > 0 || failure().isSet()) {
        return;
      }
      ending = true;
    }
    inbox().end();
    outbox().end();
  }

  @Override
  void endData() {
    synchronized (this) {
      ending = true;
    }
    closeData();
  }
}
