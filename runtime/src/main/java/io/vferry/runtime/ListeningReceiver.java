package io.vferry.runtime;

import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.TransportListener;
import io.vferry.runtime.wiring.Ports;
import io.vferry.spi.error.MigrationException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The receiver over a transport listener; keeps the machines that were received until it is closed.
 */
final class ListeningReceiver implements Receiver {

  private final Ports ports;
  private final TransportListener listener;
  private final Deque<Run.Closing> received = new ArrayDeque<>();

  ListeningReceiver(Ports ports, TransportListener listener) {
    this.ports = ports;
    this.listener = listener;
  }

  @Override
  public InetSocketAddress address() {
    return listener.address();
  }

  @Override
  public RunningMigration receive(Manifest manifest, ProgressListener progress) {
    listener.admitNext();
    return DestinationRun.start(ports, listener, manifest, progress, this::keep);
  }

  /** Takes over what a completed migration leaves running. */
  private synchronized void keep(Run.Closing closing) {
    received.push(closing);
  }

  @Override
  public void close() {
    listener.close();
    synchronized (this) {
      while (!received.isEmpty()) {
        try {
          received.pop().close();
        } catch (MigrationException e) {
          System.getLogger(Vferry.class.getName())
              .log(System.Logger.Level.WARNING, e.getMessage(), e);
        }
      }
    }
  }
}
