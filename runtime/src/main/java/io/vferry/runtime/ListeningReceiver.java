package io.vferry.runtime;

import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.TransportListener;
import io.vferry.runtime.wiring.Ports;
import java.net.InetSocketAddress;

/**
 * The receiver over a transport listener; keeps the machines that were received until it is closed.
 */
final class ListeningReceiver implements Receiver {

  private final Ports ports;
  private final TransportListener listener;
  private final Closings received = new Closings();

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
    return DestinationRun.start(ports, listener, manifest, progress, received::add);
  }

  @Override
  public void close() {
    listener.close();
    received.closeAll();
  }
}
