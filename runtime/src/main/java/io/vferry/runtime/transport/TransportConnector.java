package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** Opens sessions from a source to a destination over TCP. Any thread. */
public final class TransportConnector {

  private final TransportSettings settings;
  private final Security security;
  private final HostClock clock;
  private final ThreadFactory threads;

  /**
   * Creates a connector.
   *
   * @param threads makes the threads of the sessions: two, and one for each data connection
   */
  public TransportConnector(
      TransportSettings settings, Security security, HostClock clock, ThreadFactory threads) {
    this.settings = settings;
    this.security = security;
    this.clock = clock;
    this.threads = threads;
  }

  /**
   * Connects all connections of a new session.
   *
   * @throws MigrationException {@code TRANSPORT_CONNECT_FAILED}, {@code
   *     TRANSPORT_HANDSHAKE_FAILED}, {@code TRANSPORT_UNTRUSTED} or {@code
   *     TRANSPORT_BAD_CREDENTIALS}
   */
  public SourceSession connect(InetSocketAddress destination)
      throws MigrationException, InterruptedException {
    Attempt attempt = new Attempt(destination, new Handshake(security));
    HostClock.Scheduled deadline =
        clock.schedule(
            TimeUnit.MILLISECONDS.toNanos(settings.setupDeadlineMillis()), attempt::timeOut);
    try {
      return attempt.run();
    } finally {
      deadline.cancel();
    }
  }

  /** One try to connect everything. */
  private final class Attempt {
    private final InetSocketAddress destination;
    private final Handshake handshake;
    private final UUID session = UUID.randomUUID();
    private final List<SocketChannel> channels = new CopyOnWriteArrayList<>();
    private volatile boolean timedOut;

    private Attempt(InetSocketAddress destination, Handshake handshake) {
      this.destination = destination;
      this.handshake = handshake;
    }

    private void timeOut() {
      timedOut = true;
      closeAll();
    }

    private SourceSession run() throws MigrationException, InterruptedException {
      boolean done = false;
      try {
        if (destination.isUnresolved()) {
          throw new MigrationException(
              RuntimeError.TRANSPORT_CONNECT_FAILED,
              "the host name of " + destination + " is not known");
        }
        List<Link> links = new ArrayList<>();
        long windowBytes = 0;
        for (int index = 0; index <= settings.connections(); index++) {
          Link link = open(index);
          Hello hello = new Hello(Hello.VERSION, index, settings.connections(), session);
          windowBytes = Handshake.greet(link, hello).windowBytes();
          links.add(link);
        }
        SourceSession opened =
            OutgoingSession.start(
                links.get(0),
                links.subList(1, links.size()),
                windowBytes,
                settings,
                clock,
                threads);
        done = true;
        return opened;
      } catch (ClosedByInterruptException e) {
        Thread.interrupted();
        throw new InterruptedException("interrupted while connecting to " + destination);
      } catch (SSLException e) {
        throw new MigrationException(
            RuntimeError.TRANSPORT_UNTRUSTED,
            "no trust between this side and %s: %s".formatted(destination, e.getMessage()),
            e);
      } catch (IOException e) {
        throw new MigrationException(
            RuntimeError.TRANSPORT_CONNECT_FAILED,
            timedOut
                ? "no session with %s within %d ms"
                    .formatted(destination, settings.setupDeadlineMillis())
                : "no session with %s: %s".formatted(destination, e.getMessage()),
            e);
      } finally {
        if (!done) {
          closeAll();
        }
      }
    }

    private Link open(int index) throws IOException {
      SocketChannel channel = SocketChannel.open();
      channels.add(channel);
      if (timedOut) {
        throw new IOException("too late for connection " + index);
      }
      channel.connect(destination);
      return handshake.open(channel, true, destination);
    }

    private void closeAll() {
      for (SocketChannel channel : channels) {
        try {
          channel.close();
        } catch (IOException e) {
          System.getLogger(TransportConnector.class.getName())
              .log(System.Logger.Level.DEBUG, "closing a connection to " + destination, e);
        }
      }
    }
  }
}
